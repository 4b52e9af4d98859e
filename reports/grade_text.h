// Pieces of text that the formats of a grade share.
#pragma once

#include <string>

#include "reports/grade.h"

namespace plugpull {

// Returns: one cell of the grid: "held", "held~", "held*", "BROKEN", "broken" or "?".
std::string CellText(const GradeCell& cell);

// Returns: what the words of a cell mean, in two lines.
std::string GradeLegend();

// Returns: "power-cut (level 2)", "stale-page (level 5, beyond the disk's contract)".
std::string LevelText(const GradeLevel& level);

// Returns: "opens, intact".
std::string PromisesText(const std::vector<Promise>& promises);

// Returns: where the finding bites, or nothing when its fault is no matter of models.
std::string BitesText(const Finding& finding);

}  // namespace plugpull
