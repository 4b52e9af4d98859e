// Where to try a fault beyond the disk's contract: from its specification and the trace to the
// instances that are explored, each at one crash point.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "faults/base/error.h"
#include "faults/inject/fault_call.h"
#include "harness/explore_settings.h"
#include "harness/point_search.h"
#include "reports/result.h"

namespace plugpull {

struct FaultPlan {
  std::string text;  // the specification
  FaultLevel level = FaultLevel::kLyingFlush;
  std::vector<PointTask> tasks;  // one for each instance, all with the same settings
  // Of syncs that lie, the same where writes reach the disk in the order of their issue: every file
  // system may leave that, so that a finding is not put down to the one that was searched.
  std::vector<PointTask> ordered{};
  uint64_t of = 0;               // instances that there are to choose from
  std::set<std::string> bounds;  // what was left out: "stale-page: 256 of 1001 crash points"
  std::string advice;            // what to do should none of them fire
};

// Returns: the same for the same arguments.
// Errors: kInvalidArgument: no specification, or one without a fault beyond the contract.
Expected<FaultPlan> PlanFault(const Trace& trace, const ExploreSettings& settings,
                              std::string_view specification);

// Returns: true when one of the faults of a specification puts wrong bytes on pages. A file system
// with checksums of its data turns those into reads that fail.
bool PutsWrongBytes(std::string_view specification);

// Returns: true when one of the faults is beyond the disk's contract.
bool IsBeyondContract(const FaultCalls& calls);

}  // namespace plugpull
