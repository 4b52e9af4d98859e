// What bbolt does with nodes that lost elements, before it writes them. It looks at nodes in the
// order of a Go map, which is random; here it is the order in which they were taken into memory.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/cow_tree/tree_editor.h"

namespace plugpull::cow_tree {
namespace {

void MoveEntries(Node& source, Node& target) {
  for (Entry& entry : source.entries) {
    if (entry.child != nullptr) entry.child->parent = &target;
  }
  std::move(source.entries.begin(), source.entries.end(), std::back_inserter(target.entries));
  source.entries.clear();
}

}  // namespace

Expected<void> TreeEditor::Rebalance() {
  // By index: a merge may take further nodes in. Those are balanced.
  for (size_t index = 0; index < nodes_.size(); ++index) {
    if (nodes_[index]->is_removed) continue;
    if (Expected<void> done = RebalanceNode(*nodes_[index]); !done) return done;
  }
  return {};
}

Expected<void> TreeEditor::RebalanceNode(Node& node) {
  if (!std::exchange(node.is_unbalanced, false)) return {};
  if (!IsTooSmall(node, transaction_.meta().page_size_bytes)) return {};
  if (node.parent == nullptr) return CollapseRoot(node);
  Node& parent = *node.parent;
  if (node.entries.empty()) {
    if (Expected<void> removed = RemoveFromParent(node); !removed) return removed;
  } else {
    if (Expected<void> merged = MergeWithSibling(node); !merged) return merged;
  }
  return RebalanceNode(parent);
}

// A branch root with a single child gives way to it.
Expected<void> TreeEditor::CollapseRoot(Node& root) {
  if (root.is_leaf) return {};
  if (root.entries.empty()) {  // every child was removed
    root.is_leaf = true;
    return {};
  }
  if (root.entries.size() != 1) return {};
  const Expected<Node*> child = LoadChild(root, 0);
  if (!child) return std::unexpected(child.error());
  root.entries.clear();
  root.is_leaf = (*child)->is_leaf;
  MoveEntries(**child, root);
  (*child)->is_removed = true;
  return transaction_.FreeRun(OldRun{(*child)->id, (*child)->overflow});
}

Expected<void> TreeEditor::MergeWithSibling(Node& node) {
  Node& parent = *node.parent;
  if (parent.entries.size() < 2) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("page {}: parent must have at least 2 children", parent.id));
  }
  const size_t index = parent.IndexOf(&node);
  const Expected<Node*> sibling = LoadChild(parent, index == 0 ? 1 : index - 1);
  if (!sibling) return std::unexpected(sibling.error());
  if ((*sibling)->is_leaf != node.is_leaf) {
    return Fail(ErrorCode::kCorrupt, fmt::format("page {}: siblings of different kinds", node.id));
  }
  Node& left = index == 0 ? node : **sibling;
  Node& right = index == 0 ? **sibling : node;
  MoveEntries(right, left);
  return RemoveFromParent(right);
}

Expected<void> TreeEditor::RemoveFromParent(Node& node) {
  Node& parent = *node.parent;
  parent.entries.erase(parent.entries.begin() + parent.IndexOf(&node));
  parent.is_unbalanced = true;
  node.is_removed = true;
  return transaction_.FreeRun(OldRun{node.id, node.overflow});
}

}  // namespace plugpull::cow_tree
