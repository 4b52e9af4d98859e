// A case: one file that reproduces one finding exactly, forever. It holds the trace up to the
// crash, the atoms that were lost, and what was then observed; nothing has to be generated again.
// case_json.h has its text; case_container.h reads what cases were before.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "faults/base/error.h"
#include "faults/persistence/atom.h"
#include "faults/trace/trace.h"
#include "harness/explore_settings.h"
#include "harness/recovery.h"

namespace plugpull {

// One more crash: it hit the recovery from the crash before.
struct FurtherCrash {
  Trace trace;       // operations [0, begin) make the disk that the recovery began on; the others
  size_t begin = 0;  // are its own, up to the crash
  std::vector<AtomId> lost;  // sorted
};

// How large a case is, for people.
struct CaseSize {
  uint32_t transactions = 0;  // attempted
  uint32_t changes = 0;       // in them
  uint64_t pair_bytes = 0;    // of their keys and values
  uint64_t lost_atoms = 0;    // of all crashes of the case, by CountRuns
  uint64_t lost_operations = 0;

  bool operator==(const CaseSize&) const = default;
};

// What a minimised case was before, and how far the search for less went.
struct MinimisedFrom {
  CaseSize before;
  bool is_minimal =
      false;               // nothing can be left out alone: no transaction, no change, no lost atom
  std::string bound = {};  // not minimal: what ended the search

  bool operator==(const MinimisedFrom&) const = default;
};

struct Case {
  std::string id;
  std::string signature;
  ExploreSettings settings;
  Trace trace;  // ends at the crash
  Window window;
  std::vector<AtomId> lost;  // sorted
  std::string fault = {};    // what happened beyond the disk's contract, as an instance; or empty
  std::vector<FurtherCrash> further = {};
  Violation violation;            // what must be seen again
  bool in_use = false;            // seen while the recovered store ran the rest of the transactions
  std::string running_plan = {};  // not empty: no crash, it shows while this plan runs
  uint32_t running_transactions = 0;  // then, the length of the workload
  // No crash: a reader changed while the workload ran. The trace is all of that run.
  bool while_recording = false;
  // That admit it, weakest first; of a trace that goes on from a store, from that store on. Older
  // cases do not say.
  std::vector<std::string> models = {};
  FaultLevel level = FaultLevel::kTornWrite;  // the weakest that reaches it
  std::string target_version = {};  // of the engine that was recorded: "SQLite 3.40.1"; or empty
  std::optional<MinimisedFrom> minimised = {};  // present: it was made smaller
};

// Returns: `trace` cut off at the crash: operations [0, position) and the transactions attempted.
Trace CutTrace(const Trace& trace, size_t position, uint32_t transactions_attempted);

// Returns: the trace at whose end the case loses LastLost: that of the last crash, with the
// transactions of the first.
Trace LastTrace(const Case& saved);
const std::vector<AtomId>& LastLost(const Case& saved);

// Writes the case in one step. Errors: what the file system says.
Expected<void> SaveCase(const std::string& path, const Case& saved);

// Errors: kTooNew, kCorrupt, kNotFound, kIo; the text names the file.
Expected<Case> LoadCase(const std::string& path);

}  // namespace plugpull
