// Changes one tree in memory: a node is loaded when it is first needed, the path to a change is
// copied. Finish brings nodes back to their sizes, writes what has changed to new pages from the
// leaves up, and gives the old ones back.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/revision_tree/write_transaction.h"

namespace plugpull::revision_tree {

// A logical page in memory. Elements and children that were not changed are copies, so that pages
// may come and go in the cache.
struct TreeNode {
  struct Element {
    std::string key;
    std::string value;
  };
  struct Branch {
    Child place{};                   // in the file, when there is no node or it is unchanged
    std::unique_ptr<TreeNode> node;  // when it is loaded
  };

  bool is_leaf = true;
  bool is_changed = false;
  int64_t offset = kNoOffset;     // of the page that it was loaded from
  std::vector<Element> elements;  // of a leaf
  std::vector<std::string> keys;  // of a node
  std::vector<Branch> branches;

  size_t size() const { return is_leaf ? elements.size() : branches.size(); }
};

class TreeEditor {
 public:
  // `copied`, where it is given, gets the offsets of the pages that were replaced; else they are
  // given back to the free space.
  TreeEditor(WriteTransaction& write, int64_t root, std::vector<int64_t>* copied = nullptr);

  Expected<void> Put(std::string_view key, std::string_view value);
  Expected<void> Delete(std::string_view key);  // an absent key: nothing

  int64_t elements_added() const { return elements_added_; }  // less those deleted

  // Returns: the root of the tree with its changes. After it the editor is of no more use.
  Expected<int64_t> Finish();

 private:
  using Path = std::vector<TreeNode*>;

  Expected<std::unique_ptr<TreeNode>> Load(int64_t offset);
  Expected<TreeNode*> LoadBranch(TreeNode::Branch& branch);
  Expected<void> Descend(std::string_view key, Path& path);
  Expected<void> Balance(TreeNode& node, size_t depth);
  Expected<void> MergeSmall(TreeNode& node, size_t depth);
  Expected<void> MergeWithNext(TreeNode& node, size_t index, size_t depth);
  void SplitLarge(TreeNode& node) const;
  Expected<void> BalanceRoot();
  Expected<Child> Spill(TreeNode& node);
  Expected<void> Replace(int64_t offset);

  size_t SmallestSize(const TreeNode& node) const;

  WriteTransaction& write_;
  TreeNode::Branch root_;
  std::vector<int64_t>* copied_;
  std::vector<int64_t> replaced_;  // pages of nodes that were merged away
  int64_t elements_added_ = 0;
};

// Returns: the bytes of a node's logical page. Requires: it is a leaf, or all branches have places.
std::vector<std::byte> SerializeNode(const TreeNode& node, Revision revision);

}  // namespace plugpull::revision_tree
