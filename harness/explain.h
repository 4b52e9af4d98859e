// Explains a case: what was promised and issued, what was lost, what recovery made of it, and which
// sync would have saved it. Everything that is told is either in the case or seen again now, in a
// child.
#pragma once

#include <cstddef>

#include "faults/base/error.h"
#include "harness/case_file.h"
#include "reports/explanation.h"

namespace plugpull {

struct ExplainSettings {
  size_t operations = 40;  // of the timeline, before each crash
};

// Errors: as MakeSearch and PointSearch::Replay: a program that is missing, a child that cannot be
// started.
Expected<CaseExplanation> Explain(const Case& saved, const ExplainSettings& settings);

}  // namespace plugpull
