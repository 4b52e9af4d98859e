// The calls at which a traced program is stopped: all that can change a file or make it durable,
// and those by which a program could hide. Everything else runs at full speed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "faults/base/error.h"
#include "faults/doors/call_stop.h"

namespace plugpull {

struct Door;

// What is answered to a stopped call: its result or, negative, an errno; nothing: the program runs
// it as if it had not been stopped.
using Answer = std::optional<int64_t>;

// Errors: the recording is blind, or we cannot go on for another reason.
using CallHandler = Expected<Answer> (*)(Door& door, CallStop& call);

// For which arguments a call is stopped; tested in the kernel, on their lower 32 bits.
struct ArgumentTest {
  enum class Kind : uint8_t {
    kNone,    // for all
    kAnyBit,  // one of the bits of `mask` is set
    kMasked,  // argument & mask == values[0]
    kOneOf,   // argument is one of values; 0 ends them
  };
  Kind kind = Kind::kNone;
  uint32_t argument = 0;
  uint32_t mask = 0;
  std::array<uint32_t, 16> values{};
};

struct TrappedCall {
  int number = 0;
  std::string_view name{};
  CallHandler handle = nullptr;  // null: refused with ENOSYS, so that programs do without
  ArgumentTest test{};
};

// All of them, of this architecture, sorted by number.
std::span<const TrappedCall> TrappedCalls();

// Returns: the call of a number, null for one that is not stopped.
const TrappedCall* FindTrappedCall(int number);

// Returns: whether calls of this name can be made to fail: those that change or sync files.
bool CanFail(std::string_view name);

// Returns: whether such a call can do less than it was asked for.
bool CanBeShort(std::string_view name);

// Returns: whether such a call syncs one file.
bool SyncsFile(std::string_view name);

// Returns: the failure point of a call: "call/" and its name.
std::string CallPoint(std::string_view name);

}  // namespace plugpull
