// What one crash point adds to the coverage of a whole search.
#pragma once

#include "harness/point_explorer.h"
#include "reports/result.h"

namespace plugpull {

// Adds what a point says about its recoveries after one crash, two, ...
void AddDepths(const PointResult& point, Coverage& coverage);

// Notes the first violation. Call it before the recoveries of the point are added up.
void NoteFirst(const PointResult& point, Coverage& coverage);

}  // namespace plugpull
