// Many plans of failing calls against one target: what `run --errors` does. Every plan is run and
// gets a quick look at what crashes leave; for each way to fail that led to some class of
// violation, the first such run is explored in full, which gives the findings.
#pragma once

#include <string>

#include "harness/error_run.h"
#include "harness/explore.h"

namespace plugpull {

// Runs the workload under the plans of `errors`: "each", or a plan.
//
// Returns: the result without `command`. Its verdict is unknown, with the reason, when a plan never
// fired.
// Errors: kInvalidArgument for a plan that makes no sense; kTargetFailed when the target fails
// without a plan; as Explore.
Expected<Result> RunErrorCampaign(const RecordSettings& record, const std::string& errors,
                                  const ExploreOptions& options, const OnProgress& on_progress);

}  // namespace plugpull
