// Explains cases that need no crash: what was wrong shows while the workload runs.
#pragma once

#include <cstddef>

#include "faults/base/error.h"
#include "harness/case_file.h"
#include "reports/explanation.h"

namespace plugpull {

// Of a case with a plan of failing calls, which is run again. `explanation` has its head.
Expected<CaseExplanation> ExplainFailingCalls(const Case& saved, size_t operations,
                                              CaseExplanation explanation);

// Of a case in which a reader changed, which is run again.
Expected<CaseExplanation> ExplainReaders(const Case& saved, size_t operations,
                                         CaseExplanation explanation);

}  // namespace plugpull
