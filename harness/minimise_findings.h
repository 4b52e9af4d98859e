// Makes the findings of an exploration small: first the crash state of each, so that findings are
// told apart by what they need to lose and not by what a search came upon first, then the workload
// of each case.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "faults/base/error.h"
#include "faults/trace/trace.h"
#include "harness/explore.h"
#include "harness/minimise.h"
#include "reports/result.h"

namespace plugpull {

// Enough for any finding of the planted bugs; a broken protocol that loses hundreds of writes at
// once keeps some that it need not.
inline constexpr uint64_t kStateTestsPerFinding = 200;

// As Explore. `state_tests`: recoveries that each finding's reproduction may take to lose less,
// before findings of one signature are put together. 0: they stay as they were found.
Expected<Result> ExploreMinimised(const Trace& trace, const ExploreOptions& options,
                                  uint64_t state_tests, const OnProgress& on_progress);

// Minimises the case of each finding in place, and tells of the smaller case instead.
// Errors: a case that cannot be read or written, those of MinimiseCase.
Expected<void> MinimiseCases(const std::string& out_directory, const MinimiseOptions& options,
                             Result& result);

}  // namespace plugpull
