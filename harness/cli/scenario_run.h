// Runs the cases of a scenario, and compares what comes out with what is expected.
#pragma once

#include <string>

#include "faults/base/error.h"
#include "harness/cli/scenario.h"
#include "harness/explore.h"

namespace plugpull {

struct CaseOutcome {
  bool as_expected = false;
  bool skipped = false;  // this machine has not got the target
  bool interrupted = false;
  std::string got;          // "structure at stale-page (level 5): page 7: ..."
  std::string case_path{};  // of the finding, below the directory for output; empty: none
};

// Returns: "structure at stale-page (level 5), 'PAGE_CYCLE'".
std::string ExpectedText(const ScenarioCase& scenario_case);

// Deterministic: what comes out follows from the case alone. Cases of findings go below
// `out_directory`. Errors: an option that makes no sense, a target that fails without a fault.
Expected<CaseOutcome> RunScenarioCase(const ScenarioCase& scenario_case, uint32_t jobs,
                                      const std::string& out_directory,
                                      const OnProgress& on_progress);

}  // namespace plugpull
