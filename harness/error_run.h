// A run of a linked target in which calls fail by plan. The program that uses the engine does what
// a careful one does: a transaction that failed has an unknown outcome, so it looks at the store,
// and takes what it sees for the truth from there on. What it sees must be the contents before the
// transaction or after it; anything else is a violation already, without a crash.
//
// History stays a list, as the reference model wants it: a transaction that failed stays in it,
// attempted and not acknowledged; where the store then shows that it is not there, one that takes
// it back is attempted after it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "faults/base/error.h"
#include "faults/inject/failure_injector.h"
#include "faults/persistence/model.h"
#include "faults/trace/trace.h"
#include "harness/record.h"
#include "harness/recovery.h"

namespace plugpull {

// What became of a plan, the worst that happened.
enum class ErrorOutcome : uint8_t {
  kNeverFired,
  kAbsorbed,  // no transaction failed
  kFailed,    // a transaction failed, the store went on
  kRefused,   // the store had to be opened again before it went on, or stayed shut
  kViolated,  // what it showed while it ran was wrong
};
inline constexpr size_t kErrorOutcomes = static_cast<size_t>(ErrorOutcome::kViolated) + 1;
std::string_view Name(ErrorOutcome outcome);

struct ErrorRun {
  // Facts of its own: `errors` is the text of the plan, `error_kind` says it in short, `failed_at`
  // is the number of operations before the first failure, `aftermath` that of the last failed sync.
  Trace trace;
  ErrorOutcome outcome = ErrorOutcome::kNeverFired;
  std::optional<Violation> violation;  // while running
  std::vector<CallSeen> calls;         // of a run without failures
  std::vector<uint64_t> fired;         // for each rule of the plan
};

// Runs the workload with `plan` armed, in this process. An empty plan makes nothing fail, and the
// calls are written down.
// Errors: kInvalidArgument for unknown words; kTargetFailed when it fails under an empty plan.
Expected<ErrorRun> RunWithFailures(const RecordSettings& settings, const FailurePlan& plan);

// Returns: how the calls of a plan fail, in short: what plans of `each` that are much alike share.
std::string KindOf(const FailurePlan& plan);

// Returns: the position of the first failure of an error run, nothing for other traces.
std::optional<size_t> FirstFailure(const Trace& trace);

// Returns: what the file system of an error run did after a failed sync; nothing where none failed.
std::optional<FailedSync> FailedSyncOf(const Trace& trace);

// Returns: whether the last transaction that was acknowledged before `position` was acknowledged
// after the first failure.
bool AcknowledgedAfterFailure(const Trace& trace, size_t position);

}  // namespace plugpull
