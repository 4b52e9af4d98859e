// A tree page taken into memory to be changed, and the rules of size that bbolt keeps: when a node
// is split and where, when it is small enough to merge, how it is laid out in bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/cow_tree/tree_page.h"
#include "faults/base/bytes.h"

namespace plugpull::cow_tree {

struct Node;

// One element of a node.
struct Entry {
  std::string key;
  std::string value{};    // leaf only
  uint32_t flags = 0;     // leaf only
  PageId child_id = 0;    // branch only
  Node* child = nullptr;  // branch only: the child in memory, if it is
};

struct Node {
  bool is_leaf = true;
  bool is_unbalanced = false;  // lost an element and was not looked at since
  bool is_removed = false;     // merged away
  PageId id = 0;               // 0: has no page yet
  uint32_t overflow = 0;
  Node* parent = nullptr;
  std::vector<Entry> entries;

  // Returns: the first entry whose key is not less than `key`.
  size_t LowerBound(std::string_view key) const;

  // Returns: whether entry `index` exists and has exactly this key.
  bool HasKeyAt(size_t index, std::string_view key) const {
    return index < entries.size() && entries[index].key == key;
  }

  // Requires: a branch with entries.
  size_t ChildIndexFor(std::string_view key) const;

  // Requires: `child` is a child of this branch.
  size_t IndexOf(const Node* child) const;
};

// A part of a node's entries: [first, last).
struct EntryRange {
  size_t first = 0;
  size_t last = 0;
};

inline constexpr size_t kLeafEntriesMin = 1;
inline constexpr size_t kBranchEntriesMin = 2;
inline constexpr size_t kEntriesEnd = 0xFFFF;  // a page holds fewer: its count is a u16

// Requires: a node with no entries takes what `page` says; its elements lie inside.
void FillNode(Node& node, const TreePage& page);

uint64_t SerializedBytes(const Node& node, EntryRange range);
inline uint64_t SerializedBytes(const Node& node) {
  return SerializedBytes(node, EntryRange{0, node.entries.size()});
}

// Returns: whether bbolt would try to merge the node with a sibling, or collapse it when it is
// root.
bool IsTooSmall(const Node& node, uint32_t page_size_bytes);

// Returns: the parts that become pages of their own. A node is split when it has more than four
// entries and does not stay below a page; each part but the last is filled to half a page.
std::vector<EntryRange> SplitNode(const Node& node, uint32_t page_size_bytes);

// Writes flags, count, elements, keys and values; id and overflow in the header stay. Requires:
// `out` is zeroed and large enough; the range is shorter than kEntriesEnd.
void SerializeNode(const Node& node, EntryRange range, std::span<std::byte> out);

}  // namespace plugpull::cow_tree
