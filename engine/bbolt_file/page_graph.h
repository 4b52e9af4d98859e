// The damaged neighbourhood as a graph: the suspects, the way from the root to each, and the pages
// that they refer to.
#pragma once

#include "engine/bbolt_file/examination.h"

namespace plugpull::bbolt_file {

// Errors: the system refused to read.
Expected<Graph> DrawGraph(const Examination& examination, const std::vector<Suspect>& suspects,
                          uint32_t pages_max);

}  // namespace plugpull::bbolt_file
