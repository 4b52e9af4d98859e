// A branch or leaf page as bytes: its elements, found and bounded. A TreePage never owns bytes;
// they come from a PageCache, from an inline bucket inside a leaf value, or from a buffer to be
// written.
#pragma once

#include <compare>
#include <optional>

#include "engine/cow_tree/format.h"

namespace plugpull::cow_tree {

// Returns: the order of bbolt's keys, that of unsigned bytes.
inline std::strong_ordering CompareKeys(Bytes left, Bytes right) {
  const size_t common = left.size() < right.size() ? left.size() : right.size();
  const int order = common == 0 ? 0 : std::memcmp(left.data(), right.data(), common);
  return order != 0 ? order <=> 0 : left.size() <=> right.size();
}

struct Element {
  uint32_t flags = 0;  // leaf only
  PageId child = 0;    // branch only
  Bytes key{};
  Bytes value{};  // leaf only
};

class TreePage {
 public:
  TreePage() = default;

  // Requires: `bytes` is the whole run of the page, at least a page header.
  explicit TreePage(Bytes bytes) : header_(LoadPageHeader(bytes.data())), bytes_(bytes) {}

  const PageHeader& header() const { return header_; }
  Bytes bytes() const { return bytes_; }
  uint32_t count() const { return header_.count; }
  bool IsBranch() const { return header_.flags == kBranchFlag; }
  bool IsLeaf() const { return header_.flags == kLeafFlag; }

  // Returns: whether every element, key and value lies inside the run, behind the element array.
  // Everything below requires it.
  bool ElementsLieInside() const;

  // Requires: index < count(), and the flag that goes with the kind of element.
  Element LeafElement(uint32_t index) const;
  Element BranchElement(uint32_t index) const;
  Bytes Key(uint32_t index) const;

  // Returns: the first index whose key is not less than `key`; count() when there is none.
  uint32_t LowerBound(Bytes key) const;

  // Returns: the child of a branch page under which `key` belongs. Requires: count() > 0.
  uint32_t ChildIndexFor(Bytes key) const;

 private:
  const std::byte* ElementAt(uint32_t index) const {
    return bytes_.data() + kPageHeaderBytes + uint64_t{kElementBytes} * index;
  }

  PageHeader header_;
  Bytes bytes_;
};

// Returns: what makes a page unfit to be walked as part of a tree, as bbolt would say it when it
// stumbles; nothing when it is fit. `id` is where the page was found.
std::optional<std::string> TreePageFault(const TreePage& page, PageId id);

}  // namespace plugpull::cow_tree
