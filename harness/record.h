// Records a run of a linked target: the workload drives the engine over a recording Vfs.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/target.h"
#include "faults/base/error.h"
#include "faults/trace/trace.h"
#include "harness/company.h"
#include "workloads/workload.h"

namespace plugpull {

struct RecordSettings {
  std::string target = "cow_tree";
  std::string workload = "mixed";
  WorkloadOptions options;
  CompanySettings company = {};  // of linked engines only
  // The transactions themselves. Then the workload is "given", and of `options` the seed and the
  // keys only say what an engine is used for after a recovery.
  std::optional<std::vector<Transaction>> given = {};
  std::string roles = {};  // of files, as RolePatterns; empty: the engine says them
};

// What a trace says its workload is when its transactions were given.
inline constexpr std::string_view kGivenWorkload = "given";

// Runs the workload in this process. The trace ends after the last acknowledgement, with the store
// still open: a crash may come any time, a clean shutdown is one more thing that need not happen.
// What a reader saw that it should not is a fact of the trace (harness/reader_finding.h).
// Errors: kTargetFailed when the engine fails though no fault was injected; kInvalidArgument when
// it is a program of its own, or lacks the readers or the rollback that the settings ask for.
Expected<Trace> RecordHere(const RecordSettings& settings);

// The same in a child process, so that an engine that crashes or hangs takes only the child along;
// an engine that is a program is recorded through the traced door (record_program.h).
Expected<Trace> Record(const RecordSettings& settings);

// Lets the target go on from where `start` ends: recovers its store, and runs the transactions of
// `start` that it does not acknowledge. Returns: `start` with what was done then.
// Errors: as above. Requires: `start` is a snapshot (faults/trace/snapshot_mark.h).
Expected<Trace> ContinueHere(const std::string& target, const Trace& start);

// The same in a child process.
Expected<Trace> Continue(const std::string& target, const Trace& start);

// Errors: kInvalidArgument: there is no such workload.
Expected<const Workload*> WorkloadOf(const RecordSettings& settings);

// Returns: the transactions that are run. Errors: as above.
Expected<std::vector<Transaction>> TransactionsOf(const RecordSettings& settings);

// Returns: the facts of a trace that is recorded with `settings`.
std::map<std::string, std::string> FactsOf(const RecordSettings& settings);

// Returns: the settings that a trace was recorded with. Errors: kCorrupt when its facts lack some.
Expected<RecordSettings> RecordSettingsOf(const Trace& trace);

}  // namespace plugpull
