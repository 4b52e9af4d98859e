// The stored freelist of the active meta, against what its tree reaches: invariant I8.
#pragma once

#include "engine/bbolt_file/tree_walk.h"

namespace plugpull::bbolt_file {

struct FreelistCheck {
  FreelistFinding finding{};
  std::vector<Violation> violations{};
  bool is_page_sick = false;  // the page is no freelist, or its bytes contradict each other
};

// Reads a freelist where one is stored, and adds to `evidence` which reached pages it has.
// Errors: the system refused to read.
Expected<FreelistCheck> CheckFreelist(const PageFile& file, const Census& census, const Meta& meta,
                                      const TreeWalk& walk, Evidence& evidence);

}  // namespace plugpull::bbolt_file
