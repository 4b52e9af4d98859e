// The words of a verdict: promises and classes of violation. Kept in tables, so that the
// command line, the reports and the documentation cannot disagree.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "faults/inject/fault_level.h"

namespace plugpull {

// What a target claims. Each includes those before it.
enum class Promise : uint8_t { kOpens, kIntact, kAtomic, kPrefix, kDurable };
inline constexpr Promise kLastPromise = Promise::kDurable;

enum class ViolationClass : uint8_t {
  kRefusesToOpen,
  kCrashOnOpen,
  kHangOnOpen,
  kStructure,
  kWrongValue,
  kNotIdempotent,
  kUnusableAfter,
  kLeak,
  kPartialCommit,
  kReaderChanged,
  kHole,
  kResurrected,
  kLostCommit,
  kNeverConverges,
  kAcknowledgedAfterError,
  kCheckFailed,
  kCheckExit,
};
inline constexpr ViolationClass kLastViolationClass = ViolationClass::kCheckExit;

enum class Verdict : uint8_t { kHeld, kViolated, kUnknown };

std::string_view Name(Promise promise);
std::string_view Name(ViolationClass violation);
std::string_view Name(Verdict verdict);
std::string_view Describe(ViolationClass violation);
std::string_view Describe(Promise promise);

std::optional<Promise> ParsePromise(std::string_view word);
std::optional<ViolationClass> ParseViolationClass(std::string_view word);

// Returns: the first promise that the violation breaks.
Promise BrokenPromise(ViolationClass violation);

}  // namespace plugpull
