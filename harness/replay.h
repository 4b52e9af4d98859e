// Replays a case: judges the same state again, or runs again what needs no crash.
#pragma once

#include <cstdint>
#include <string>

#include "faults/base/error.h"
#include "harness/case_file.h"

namespace plugpull {

struct Replayed {
  uint32_t times = 0;
  uint32_t reproduced = 0;
  std::string instead = {};  // what the last other outcome was: "held", "hole: ..."; or empty
};

// Errors: those of recording and of PointSearch::Replay.
Expected<Replayed> ReplayCase(const Case& saved, uint32_t times);

}  // namespace plugpull
