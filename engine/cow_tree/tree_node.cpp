#include "engine/cow_tree/tree_node.h"

#include <algorithm>

#include "faults/base/assert.h"

namespace plugpull::cow_tree {
namespace {

// bbolt keeps at least this many entries on both sides of a split.
constexpr size_t kSplitSideEntriesMin = 2;

uint64_t SerializedBytes(const Entry& entry) {
  return kElementBytes + entry.key.size() + entry.value.size();
}

// Returns: how many entries from `first` on stay; the rest moves to a new node. The threshold is
// bbolt's fill percent of 50.
size_t SplitPoint(const Node& node, size_t first, uint32_t page_size_bytes) {
  const uint64_t threshold_bytes = page_size_bytes / 2;
  uint64_t size_bytes = kPageHeaderBytes;
  size_t kept = 0;
  for (size_t index = 0; first + index + kSplitSideEntriesMin < node.entries.size(); ++index) {
    kept = index;
    const uint64_t entry_bytes = SerializedBytes(node.entries[first + index]);
    if (index >= kSplitSideEntriesMin && size_bytes + entry_bytes > threshold_bytes) break;
    size_bytes += entry_bytes;
  }
  return kept;
}

}  // namespace

size_t Node::LowerBound(std::string_view key) const {
  const auto found = std::lower_bound(
      entries.begin(), entries.end(), key,
      [](const Entry& entry, std::string_view wanted) { return entry.key < wanted; });
  return static_cast<size_t>(found - entries.begin());
}

size_t Node::ChildIndexFor(std::string_view key) const {
  Assert(!is_leaf && !entries.empty(), "only a branch with entries leads to a child");
  const size_t index = LowerBound(key);
  return HasKeyAt(index, key) || index == 0 ? index : index - 1;
}

size_t Node::IndexOf(const Node* child) const {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const Entry& entry) { return entry.child == child; });
  Assert(found != entries.end(), "a node in memory is known to its parent");
  return static_cast<size_t>(found - entries.begin());
}

void FillNode(Node& node, const TreePage& page) {
  Assert(node.entries.empty(), "a node is filled once");
  node.is_leaf = page.IsLeaf();
  node.id = page.header().id;
  node.overflow = page.header().overflow;
  node.entries.reserve(page.count() + 1);
  for (uint32_t index = 0; index < page.count(); ++index) {
    const Element element = node.is_leaf ? page.LeafElement(index) : page.BranchElement(index);
    node.entries.push_back(Entry{.key = std::string(AsText(element.key)),
                                 .value = std::string(AsText(element.value)),
                                 .flags = element.flags,
                                 .child_id = element.child});
  }
}

uint64_t SerializedBytes(const Node& node, EntryRange range) {
  uint64_t size_bytes = kPageHeaderBytes;
  for (size_t index = range.first; index < range.last; ++index) {
    size_bytes += SerializedBytes(node.entries[index]);
  }
  return size_bytes;
}

bool IsTooSmall(const Node& node, uint32_t page_size_bytes) {
  const size_t entries_min = node.is_leaf ? kLeafEntriesMin : kBranchEntriesMin;
  return SerializedBytes(node) <= page_size_bytes / 4 || node.entries.size() <= entries_min;
}

std::vector<EntryRange> SplitNode(const Node& node, uint32_t page_size_bytes) {
  std::vector<EntryRange> parts;
  EntryRange rest{0, node.entries.size()};
  while (rest.last - rest.first > 2 * kSplitSideEntriesMin &&
         SerializedBytes(node, rest) >= page_size_bytes) {
    const size_t middle = rest.first + SplitPoint(node, rest.first, page_size_bytes);
    parts.push_back(EntryRange{rest.first, middle});
    rest.first = middle;
  }
  parts.push_back(rest);
  return parts;
}

void SerializeNode(const Node& node, EntryRange range, std::span<std::byte> out) {
  Assert(SerializedBytes(node, range) <= out.size(), "a node fits the pages that it was given");
  const size_t count = range.last - range.first;
  Assert(count < kEntriesEnd, "a node's entries can be counted in its header");
  PageHeader header = LoadPageHeader(out.data());
  header.flags = node.is_leaf ? kLeafFlag : kBranchFlag;
  header.count = static_cast<uint16_t>(count);
  StorePageHeader(out.data(), header);
  std::byte* element = out.data() + kPageHeaderBytes;
  std::byte* data = element + kElementBytes * count;
  for (size_t index = range.first; index < range.last; ++index) {
    const Entry& entry = node.entries[index];
    const auto position = static_cast<uint32_t>(data - element);
    const auto key_bytes = static_cast<uint32_t>(entry.key.size());
    if (node.is_leaf) {
      Store(element, entry.flags);
      Store(element + 4, position);
      Store(element + 8, key_bytes);
      Store(element + 12, static_cast<uint32_t>(entry.value.size()));
    } else {
      Store(element, position);
      Store(element + 4, key_bytes);
      Store(element + 8, entry.child_id);
    }
    data = std::copy_n(AsBytes(entry.key).data(), entry.key.size(), data);
    data = std::copy_n(AsBytes(entry.value).data(), entry.value.size(), data);
    element += kElementBytes;
  }
}

}  // namespace plugpull::cow_tree
