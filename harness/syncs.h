// Asks of a recorded run what each of its syncs is good for, and which ones it lacks.
//
// A sync has no effect but on what a crash may leave, so the run without one place that syncs, or
// with one more, is the same trace with some operations less or more (sync_edits.h), and exploring
// that trace says what the program would be worth.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "faults/base/error.h"
#include "faults/trace/trace.h"
#include "harness/explore.h"
#include "reports/sync_report.h"

namespace plugpull {

// What a progress display shows: the question under way.
struct SyncProgress {
  std::string question;  // "without fdatasync of store"
  ExploreProgress explore;
};

// Returns: false to stop with what there is.
using OnSyncProgress = std::function<bool(const SyncProgress& progress)>;

// `options`: how each trace is explored; its model is the one asked about, or with all_models the
// weakest; its budget is that of all explorations together. Cases are written below out_directory:
// findings of the run as it is where `run` has them, others in cases/.
// Errors: those of Explore. Requires: no faults beyond the disk's contract.
Expected<SyncReport> FindSyncs(const Trace& trace, const ExploreOptions& options,
                               const OnSyncProgress& on_progress);

}  // namespace plugpull
