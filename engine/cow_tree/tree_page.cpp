#include "engine/cow_tree/tree_page.h"

#include <fmt/format.h>

namespace plugpull::cow_tree {

bool TreePage::ElementsLieInside() const {
  const bool is_leaf = header_.flags == kLeafFlag;
  const uint64_t data_begin = kPageHeaderBytes + uint64_t{kElementBytes} * header_.count;
  if (data_begin > bytes_.size()) return false;
  for (uint32_t index = 0; index < header_.count; ++index) {
    const std::byte* at = ElementAt(index);
    const uint64_t element_begin = kPageHeaderBytes + uint64_t{kElementBytes} * index;
    const uint64_t key_begin = element_begin + Load<uint32_t>(is_leaf ? at + 4 : at);
    const uint64_t key_bytes = Load<uint32_t>(is_leaf ? at + 8 : at + 4);
    const uint64_t value_bytes = is_leaf ? Load<uint32_t>(at + 12) : 0;
    if (key_begin < data_begin || key_begin + key_bytes + value_bytes > bytes_.size()) return false;
  }
  return true;
}

Element TreePage::LeafElement(uint32_t index) const {
  const std::byte* at = ElementAt(index);
  const std::byte* key = at + Load<uint32_t>(at + 4);
  const uint32_t key_bytes = Load<uint32_t>(at + 8);
  return Element{.flags = Load<uint32_t>(at),
                 .key = Bytes(key, key_bytes),
                 .value = Bytes(key + key_bytes, Load<uint32_t>(at + 12))};
}

Element TreePage::BranchElement(uint32_t index) const {
  const std::byte* at = ElementAt(index);
  return Element{.child = Load<uint64_t>(at + 8),
                 .key = Bytes(at + Load<uint32_t>(at), Load<uint32_t>(at + 4))};
}

Bytes TreePage::Key(uint32_t index) const {
  return IsLeaf() ? LeafElement(index).key : BranchElement(index).key;
}

uint32_t TreePage::LowerBound(Bytes key) const {
  uint32_t first = 0;
  uint32_t last = count();
  while (first < last) {
    const uint32_t middle = first + (last - first) / 2;
    if (CompareKeys(Key(middle), key) < 0) {
      first = middle + 1;
    } else {
      last = middle;
    }
  }
  return first;
}

uint32_t TreePage::ChildIndexFor(Bytes key) const {
  const uint32_t index = LowerBound(key);
  const bool is_exact = index < count() && CompareKeys(Key(index), key) == 0;
  return is_exact || index == 0 ? index : index - 1;
}

std::optional<std::string> TreePageFault(const TreePage& page, PageId id) {
  const PageHeader& header = page.header();
  if (header.id != id) {
    return fmt::format("assertion failed: Page expected to be: {}, but self identifies as {}", id,
                       header.id);
  }
  if (std::popcount(header.flags) != 1 ||
      (header.flags & (kBranchFlag | kLeafFlag | kMetaFlag | kFreelistFlag)) == 0) {
    return fmt::format("page {}: has unexpected type/flags: {:x}", id, header.flags);
  }
  if (!page.IsBranch() && !page.IsLeaf()) {
    return fmt::format("invalid page type: {}: {:x}", id, header.flags);
  }
  if (!page.ElementsLieInside()) {
    return fmt::format("page {}: an element lies outside the page", id);
  }
  return std::nullopt;
}

}  // namespace plugpull::cow_tree
