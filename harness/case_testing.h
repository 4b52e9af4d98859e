// A small case for tests of how cases are kept.
#pragma once

#include "harness/case_file.h"
#include "harness/testing.h"

namespace plugpull {

// Returns: a case with all that cases of the binary container could say.
inline Case SmallCase() {
  const Trace trace = SmallTrace("fragile_log", 4);
  Case small;
  small.id = "hole-01234567";
  small.signature = "hole: write(log)";
  small.settings = {.target = "fragile_log", .tear = Tear::kPages, .seed = 77, .keys = 6};
  small.trace = CutTrace(trace, trace.ops.size() - 1, 4);
  small.window = {3, 4};
  small.lost = {{2, AtomKind::kData, 0}, {3, AtomKind::kSize, 1}};
  small.violation = {ViolationClass::kHole, "transaction 2 is missing"};
  return small;
}

}  // namespace plugpull
