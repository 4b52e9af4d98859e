// A whole store in memory: what a new file is made of, and what a compaction writes. Pages lie one
// behind the other, nothing is free.
#pragma once

#include "engine/revision_tree/protocol.h"
#include "engine/revision_tree/tree_editor.h"

namespace plugpull::revision_tree {

struct StoreImage {
  std::vector<std::byte> bytes;
  Header header{};
};

// Returns: a store of `elements`, all of them written by `revision`. `flags` and page size are
// those of its header. Requires: keys ascend.
StoreImage MakeStoreImage(uint32_t page_size_bytes, uint32_t flags, uint32_t capacity,
                          Revision revision, std::vector<TreeNode::Element> elements);

}  // namespace plugpull::revision_tree
