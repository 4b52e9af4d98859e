// Crash, use, crash: a run that goes on after a crash, and after the next one. Some damage is
// silent at first, and shows only when a store that has survived crashes is used for longer.
//
// Cycle 1 is the recorded run. After the crashes of a cycle were explored, one of its crash states
// is picked at random, one that recovery held on. The next cycle begins with that state: the store
// is opened, goes on with more of the workload, and the crashes of that are explored, against the
// history of what was recovered and what came after it.
#pragma once

#include "harness/explore.h"
#include "harness/record.h"

namespace plugpull {

// Explores `trace` and then as many further cycles as the options say. `recorded`: how the trace
// was recorded; the cycles go on with the same workload, each as long as the first.
// Returns: one result for all cycles. Findings of one signature are one finding.
// Errors: as Explore.
Expected<Result> ExploreCycles(const RecordSettings& recorded, const Trace& trace,
                               const ExploreOptions& options, const OnProgress& on_progress);

}  // namespace plugpull
