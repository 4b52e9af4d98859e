// Pages with the same contents but for their id: copies that a write at a wrong place, or a page
// that came back from the past, leaves behind.
#pragma once

#include "engine/bbolt_file/tree_walk.h"

namespace plugpull::bbolt_file {

struct DuplicatePages {
  std::vector<Duplicate> first{};  // reachable ones before others, then ascending
  uint64_t count = 0;
};

DuplicatePages FindDuplicates(const Census& census, const std::vector<TreeWalk>& walks,
                              uint32_t duplicates_max);

}  // namespace plugpull::bbolt_file
