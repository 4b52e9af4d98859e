// Finds the syncs that a run lacks, for each model that was asked about.
#pragma once

#include <string>
#include <vector>

#include "engine/engine.h"
#include "faults/base/error.h"
#include "harness/sync_proposals.h"
#include "harness/sync_trials.h"
#include "reports/sync_report.h"

namespace plugpull {

struct NeededSync {
  SyncProposal proposal;
  std::vector<std::string> models;   // that need it, in the order in which they were asked about
  std::vector<std::string> removes;  // ids of the damage that it alone makes impossible
};

struct SyncFix {
  std::vector<NeededSync> needed;
  std::vector<UnhelpedDamage> unhelped;
};

// Returns: for each model that `base` violates the fewest added syncs with which it holds. A set
// that holds under a model is tried under those after it, and is made smaller for them. `base` is
// the run without edits.
// Errors: those of exploring.
Expected<SyncFix> FindMissingSyncs(SyncTrials& trials, const EngineType& type,
                                   const SyncTrial& base);

}  // namespace plugpull
