// A case: one file that reproduces one finding exactly, forever. It holds the trace up to the
// crash, the atoms that were lost, and what was then observed; nothing has to be generated again.
#pragma once

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
