#include "engine/revision_tree/tree_editor.h"

#include <fmt/format.h>

#include "engine/revision_tree/tree_reader.h"
#include "faults/base/assert.h"
#include "faults/base/bytes.h"

namespace plugpull::revision_tree {
namespace {

// Moves the entries of `node` from `begin` on into a node of their own.
std::unique_ptr<TreeNode> CutOff(TreeNode& node, size_t begin) {
  auto part = std::make_unique<TreeNode>();
  part->is_leaf = node.is_leaf;
  part->is_changed = true;
  const auto from = static_cast<ptrdiff_t>(begin);
  if (node.is_leaf) {
    part->elements.assign(std::make_move_iterator(node.elements.begin() + from),
                          std::make_move_iterator(node.elements.end()));
    node.elements.resize(begin);
  } else {
    part->branches.assign(std::make_move_iterator(node.branches.begin() + from),
                          std::make_move_iterator(node.branches.end()));
    part->keys.assign(node.keys.begin() + from, node.keys.end());
    node.branches.resize(begin);
    node.keys.resize(begin);  // the last of them goes up
  }
  return part;
}

}  // namespace

TreeEditor::TreeEditor(WriteTransaction& write, int64_t root, std::vector<int64_t>* copied)
    : write_(write), copied_(copied) {
  root_.place.first = root;
}

Expected<std::unique_ptr<TreeNode>> TreeEditor::Load(int64_t offset) {
  thread_local LogicalPage page;
  const Expected<Chain> chain = write_.pages().ReadChain(offset);
  if (!chain) return std::unexpected(chain.error());
  if (Expected<void> parsed = ParsePage(chain->data, page); !parsed) {
    return std::unexpected(parsed.error());
  }
  auto node = std::make_unique<TreeNode>();
  node->is_leaf = page.is_leaf;
  node->offset = offset;
  node->elements.reserve(page.elements.size());
  for (const LeafElement& element : page.elements) {
    node->elements.push_back(
        {std::string(AsText(element.key)), std::string(AsText(element.value))});
  }
  for (const Bytes key : page.keys) node->keys.emplace_back(AsText(key));
  for (const Child& child : page.children) node->branches.push_back({.place = child, .node = {}});
  return node;
}

Expected<TreeNode*> TreeEditor::LoadBranch(TreeNode::Branch& branch) {
  if (!branch.node) {
    Expected<std::unique_ptr<TreeNode>> loaded = Load(branch.place.first);
    if (!loaded) return std::unexpected(loaded.error());
    branch.node = *std::move(loaded);
  }
  return branch.node.get();
}

// Makes `path` lead from the root to the leaf of a key.
Expected<void> TreeEditor::Descend(std::string_view key, Path& path) {
  TreeNode::Branch* branch = &root_;
  for (;;) {
    if (path.size() >= kDepthMax) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("offset {}: the tree is too deep", branch->place.first));
    }
    const Expected<TreeNode*> node = LoadBranch(*branch);
    if (!node) return std::unexpected(node.error());
    path.push_back(*node);
    if ((*node)->is_leaf) return {};
    const auto above = std::ranges::upper_bound((*node)->keys, key);
    branch = &(*node)->branches[static_cast<size_t>(above - (*node)->keys.begin())];
  }
}

Expected<void> TreeEditor::Put(std::string_view key, std::string_view value) {
  Path path;
  if (Expected<void> found = Descend(key, path); !found) return found;
  std::vector<TreeNode::Element>& elements = path.back()->elements;
  const auto at = std::ranges::lower_bound(elements, key, {}, &TreeNode::Element::key);
  if (at != elements.end() && at->key == key) {
    at->value = value;
  } else {
    elements.insert(at, {std::string(key), std::string(value)});
    ++elements_added_;
  }
  for (TreeNode* node : path) node->is_changed = true;
  return {};
}

Expected<void> TreeEditor::Delete(std::string_view key) {
  Path path;
  if (Expected<void> found = Descend(key, path); !found) return found;
  std::vector<TreeNode::Element>& elements = path.back()->elements;
  const auto at = std::ranges::lower_bound(elements, key, {}, &TreeNode::Element::key);
  if (at == elements.end() || at->key != key) return {};
  elements.erase(at);
  --elements_added_;
  for (TreeNode* node : path) node->is_changed = true;
  return {};
}

Expected<int64_t> TreeEditor::Finish() {
  if (!root_.node || !root_.node->is_changed) return root_.place.first;
  if (Expected<void> balanced = BalanceRoot(); !balanced) {
    return std::unexpected(balanced.error());
  }
  for (const int64_t offset : replaced_) {
    if (Expected<void> replaced = Replace(offset); !replaced) {
      return std::unexpected(replaced.error());
    }
  }
  if (!root_.node->is_changed) return root_.place.first;
  const Expected<Child> place = Spill(*root_.node);
  if (!place) return std::unexpected(place.error());
  return place->first;
}

size_t TreeEditor::SmallestSize(const TreeNode& node) const {
  const size_t quarter = write_.options().capacity / 4;
  return std::max<size_t>(quarter, node.is_leaf ? 1 : 2);
}

// Brings the nodes below `node` to their sizes. Its own is its parent's affair.
Expected<void> TreeEditor::Balance(TreeNode& node, size_t depth) {
  if (node.is_leaf) return {};
  if (depth >= kDepthMax) return Fail(ErrorCode::kCorrupt, "the tree is too deep");
  for (TreeNode::Branch& branch : node.branches) {
    if (!branch.node || !branch.node->is_changed) continue;
    if (Expected<void> done = Balance(*branch.node, depth + 1); !done) return done;
  }
  if (Expected<void> merged = MergeSmall(node, depth); !merged) return merged;
  SplitLarge(node);
  return {};
}

Expected<void> TreeEditor::MergeSmall(TreeNode& node, size_t depth) {
  for (size_t i = 0; i < node.branches.size() && node.branches.size() > 1;) {
    const TreeNode* child = node.branches[i].node.get();
    if (child == nullptr || !child->is_changed || child->size() >= SmallestSize(*child)) {
      ++i;
      continue;
    }
    if (i + 1 == node.branches.size()) --i;  // the last one goes to the one before it
    if (Expected<void> merged = MergeWithNext(node, i, depth); !merged) return merged;
  }
  return {};
}

Expected<void> TreeEditor::MergeWithNext(TreeNode& node, size_t index, size_t depth) {
  const Expected<TreeNode*> left = LoadBranch(node.branches[index]);
  if (!left) return std::unexpected(left.error());
  const Expected<TreeNode*> right = LoadBranch(node.branches[index + 1]);
  if (!right) return std::unexpected(right.error());
  if ((*left)->is_leaf != (*right)->is_leaf) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("offset {}: a leaf beside a node", (*left)->offset));
  }
  const auto place = static_cast<ptrdiff_t>(index);
  (*left)->is_changed = true;
  std::ranges::move((*right)->elements, std::back_inserter((*left)->elements));
  if (!(*left)->is_leaf) {
    (*left)->keys.push_back(std::move(node.keys[index]));
    std::ranges::move((*right)->keys, std::back_inserter((*left)->keys));
    std::ranges::move((*right)->branches, std::back_inserter((*left)->branches));
  }
  if ((*right)->offset != kNoOffset) replaced_.push_back((*right)->offset);
  node.keys.erase(node.keys.begin() + place);
  node.branches.erase(node.branches.begin() + place + 1);
  // A child that was alone in its node has got siblings now.
  return Balance(**left, depth + 1);
}

// Cuts children that have grown too large into equal parts.
void TreeEditor::SplitLarge(TreeNode& node) const {
  const size_t capacity = write_.options().capacity;
  for (size_t i = 0; i < node.branches.size(); ++i) {
    TreeNode* child = node.branches[i].node.get();
    if (child == nullptr || !child->is_changed || child->size() <= capacity) continue;
    const size_t parts = (child->size() + capacity - 1) / capacity;
    const size_t size = child->size();
    for (size_t part = parts - 1; part > 0; --part) {
      const size_t begin = size * part / parts;
      std::string separator = child->is_leaf ? child->elements[begin].key : child->keys[begin - 1];
      std::unique_ptr<TreeNode> cut = CutOff(*child, begin);
      const auto place = static_cast<ptrdiff_t>(i);
      if (!child->is_leaf) child->keys.resize(begin - 1);
      node.keys.insert(node.keys.begin() + place, std::move(separator));
      node.branches.insert(node.branches.begin() + place + 1,
                           TreeNode::Branch{.place = {}, .node = std::move(cut)});
      child = node.branches[i].node.get();
    }
    i += parts - 1;
  }
}

Expected<void> TreeEditor::BalanceRoot() {
  if (Expected<void> balanced = Balance(*root_.node, 0); !balanced) return balanced;
  while (root_.node->size() > write_.options().capacity) {
    auto above = std::make_unique<TreeNode>();
    above->is_leaf = false;
    above->is_changed = true;
    above->branches.push_back(std::move(root_));
    root_ = {.place = {}, .node = std::move(above)};
    SplitLarge(*root_.node);
  }
  while (!root_.node->is_leaf && root_.node->size() == 1) {
    if (root_.node->offset != kNoOffset) replaced_.push_back(root_.node->offset);
    TreeNode::Branch only = std::move(root_.node->branches.front());
    root_ = std::move(only);
    if (const Expected<TreeNode*> loaded = LoadBranch(root_); !loaded) {
      return std::unexpected(loaded.error());
    }
  }
  return {};
}

// Writes the changed nodes from the leaves up. No deeper than Descend has gone.
Expected<Child> TreeEditor::Spill(TreeNode& node) {
  for (TreeNode::Branch& branch : node.branches) {
    if (!branch.node || !branch.node->is_changed) continue;
    const Expected<Child> place = Spill(*branch.node);
    if (!place) return place;
    branch.place = *place;
  }
  if (node.offset != kNoOffset) {
    const Expected<void> replaced = Replace(node.offset);
    if (!replaced) return std::unexpected(replaced.error());
  }
  return write_.NewChain(SerializeNode(node, write_.revision()));
}

Expected<void> TreeEditor::Replace(int64_t offset) {
  if (copied_ != nullptr) {
    copied_->push_back(offset);
    return {};
  }
  return write_.FreePage(offset);
}

std::vector<std::byte> SerializeNode(const TreeNode& node, Revision revision) {
  size_t size = kPageHeaderBytes;
  for (const TreeNode::Element& element : node.elements) {
    size += 12 + element.key.size() + element.value.size();
  }
  size += 16 * node.branches.size() + 4 * node.keys.size();
  for (const std::string& key : node.keys) size += key.size();
  std::vector<std::byte> data(size);
  std::byte* at = data.data();
  const auto put_int32 = [&at](int64_t value) {
    StoreInt32(at, static_cast<int32_t>(value));
    at += 4;
  };
  const auto put_int64 = [&at](int64_t value) {
    StoreInt64(at, value);
    at += 8;
  };
  const auto put_sized = [&](std::string_view text) {
    put_int32(static_cast<int64_t>(text.size()));
    at = std::ranges::copy(AsBytes(text), at).out;
  };
  put_int64(revision);
  put_int32(node.is_leaf ? static_cast<int64_t>(node.elements.size())
                         : -static_cast<int64_t>(node.keys.size()));
  put_int32(static_cast<int64_t>(size - kPageHeaderBytes));
  for (const TreeNode::Element& element : node.elements) {
    put_int32(1);
    put_sized(element.value);
    put_sized(element.key);
  }
  for (size_t i = 0; i < node.branches.size(); ++i) {
    put_int64(node.branches[i].place.first);
    put_int64(node.branches[i].place.last);
    if (i < node.keys.size()) put_sized(node.keys[i]);
  }
  Assert(at == data.data() + data.size(), "a page is as long as it was counted to be");
  return data;
}

}  // namespace plugpull::revision_tree
