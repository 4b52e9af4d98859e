#include "engine/cow_tree/tree_editor.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace plugpull::cow_tree {
namespace {

std::unexpected<Error> FailIncompatible() {
  return Fail(ErrorCode::kCorrupt, "incompatible value");
}

std::unexpected<Error> FailEmptyBranch(PageId id) {
  return Fail(ErrorCode::kCorrupt, fmt::format("page {}: branch without elements", id));
}

std::unexpected<Error> FailTooDeep(PageId id) {
  return Fail(ErrorCode::kCorrupt,
              fmt::format("page {}: the tree is deeper than {} levels", id, kTreeDepthMax));
}

}  // namespace

TreeEditor::TreeEditor(WriteTransaction& transaction, const BucketLocation& bucket)
    : transaction_(transaction), header_(bucket.header), inline_page_(AsText(bucket.inline_page)) {}

Expected<std::optional<std::string>> TreeEditor::FindBucketValue(std::string_view key) {
  Expected<Found> found = Lookup(key);
  if (!found) return std::unexpected(found.error());
  if (!found->exists) return std::nullopt;
  if ((found->flags & kBucketElementFlag) == 0) return FailIncompatible();
  return std::move(found->value);
}

Expected<void> TreeEditor::Put(std::string_view key, std::string_view value, uint32_t flags) {
  const Expected<Node*> leaf = LeafFor(key);
  if (!leaf) return std::unexpected(leaf.error());
  std::vector<Entry>& entries = (*leaf)->entries;
  const size_t index = (*leaf)->LowerBound(key);
  if (!(*leaf)->HasKeyAt(index, key)) {
    entries.insert(entries.begin() + index, Entry{.key = std::string(key)});
  } else if ((entries[index].flags & kBucketElementFlag) != (flags & kBucketElementFlag)) {
    return FailIncompatible();
  }
  entries[index].value = value;
  entries[index].flags = flags;
  return {};
}

Expected<void> TreeEditor::Delete(std::string_view key) {
  const Expected<Found> found = Lookup(key);
  if (!found) return std::unexpected(found.error());
  if (!found->exists) return {};
  if ((found->flags & kBucketElementFlag) != 0) return FailIncompatible();
  const Expected<Node*> leaf = LeafFor(key);
  if (!leaf) return std::unexpected(leaf.error());
  (*leaf)->entries.erase((*leaf)->entries.begin() + (*leaf)->LowerBound(key));
  (*leaf)->is_unbalanced = true;
  return {};
}

Expected<TreeEditor::Found> TreeEditor::Lookup(std::string_view key) {
  if (root_ == nullptr) {
    if (header_.root != 0) return LookupInPages(header_.root, 0, key);
    const Expected<TreePage> page = ReadInlinePage(AsBytes(inline_page_));
    if (!page) return std::unexpected(page.error());
    return LookupInLeaf(*page, key);
  }
  const Node* node = root_;
  for (size_t depth = 0; !node->is_leaf; ++depth) {
    if (node->entries.empty()) return FailEmptyBranch(node->id);
    const Entry& entry = node->entries[node->ChildIndexFor(key)];
    if (entry.child == nullptr) return LookupInPages(entry.child_id, depth, key);
    node = entry.child;
  }
  const size_t index = node->LowerBound(key);
  if (!node->HasKeyAt(index, key)) return Found{};
  const Entry& entry = node->entries[index];
  return Found{.exists = true, .flags = entry.flags, .value = entry.value};
}

Expected<TreeEditor::Found> TreeEditor::LookupInPages(PageId id, size_t depth,
                                                      std::string_view key) {
  for (; depth < kTreeDepthMax; ++depth) {
    const Expected<TreePage> page = ReadTreePage(transaction_.pages(), id);
    if (!page) return std::unexpected(page.error());
    if (page->IsLeaf()) return LookupInLeaf(*page, key);
    if (page->count() == 0) return FailEmptyBranch(id);
    id = page->BranchElement(page->ChildIndexFor(AsBytes(key))).child;
  }
  return FailTooDeep(id);
}

TreeEditor::Found TreeEditor::LookupInLeaf(const TreePage& leaf, std::string_view key) {
  const uint32_t index = leaf.LowerBound(AsBytes(key));
  if (index == leaf.count() || CompareKeys(leaf.Key(index), AsBytes(key)) != 0) return Found{};
  const Element element = leaf.LeafElement(index);
  return Found{.exists = true, .flags = element.flags, .value = std::string(AsText(element.value))};
}

Expected<Node*> TreeEditor::LeafFor(std::string_view key) {
  Expected<Node*> node = LoadRoot();
  for (size_t depth = 0; node && !(*node)->is_leaf; ++depth) {
    if (depth == kTreeDepthMax) return FailTooDeep((*node)->id);
    if ((*node)->entries.empty()) return FailEmptyBranch((*node)->id);
    node = LoadChild(**node, (*node)->ChildIndexFor(key));
  }
  return node;
}

Expected<Node*> TreeEditor::LoadRoot() {
  if (root_ != nullptr) return root_;
  const Expected<TreePage> page = header_.root != 0
                                      ? ReadTreePage(transaction_.pages(), header_.root)
                                      : ReadInlinePage(AsBytes(inline_page_));
  if (!page) return std::unexpected(page.error());
  root_ = NewNode();
  FillNode(*root_, *page);
  return root_;
}

Expected<Node*> TreeEditor::LoadChild(Node& parent, size_t index) {
  Entry& entry = parent.entries[index];
  if (entry.child != nullptr) return entry.child;
  const Expected<TreePage> page = ReadTreePage(transaction_.pages(), entry.child_id);
  if (!page) return std::unexpected(page.error());
  entry.child = NewNode();
  entry.child->parent = &parent;
  FillNode(*entry.child, *page);
  return entry.child;
}

Node* TreeEditor::NewNode() { return nodes_.emplace_back(std::make_unique<Node>()).get(); }

}  // namespace plugpull::cow_tree
