// Changes one bucket's tree in memory and writes it out again, copy on write: pages on the way to a
// change are taken into memory as nodes; spilling gives each of them new pages.
#pragma once

#include <memory>

#include "engine/cow_tree/tree_node.h"
#include "engine/cow_tree/tree_reader.h"
#include "engine/cow_tree/write_transaction.h"

namespace plugpull::cow_tree {

class TreeEditor {
 public:
  // Requires: `transaction` outlives the editor.
  TreeEditor(WriteTransaction& transaction, const BucketLocation& bucket);

  // Returns: the value of a bucket element with this key; nothing when the key is absent. Errors:
  // bbolt's "incompatible value" when the key holds no bucket, and pages that cannot be read.
  Expected<std::optional<std::string>> FindBucketValue(std::string_view key);

  // Errors: "incompatible value" when the key holds a bucket and the new value does not, or the
  // other way round; pages that cannot be read.
  Expected<void> Put(std::string_view key, std::string_view value, uint32_t flags);

  // Does nothing when the key is absent. Errors: as Put.
  Expected<void> Delete(std::string_view key);

  // Whether there is anything to write.
  bool is_changed() const { return root_ != nullptr; }

  // Merges what has become too small. Errors: pages that cannot be read.
  Expected<void> Rebalance();

  // Writes the tree into new pages of the transaction. Returns: the new root. Errors: a page freed
  // twice. Requires: is_changed().
  Expected<PageId> Spill();

  // As Spill, for a bucket inside another: a small one is not given a page. Returns: its value.
  Expected<std::string> SpillAsValue();

 private:
  struct Found {
    bool exists = false;
    uint32_t flags = 0;
    std::string value{};
  };

  // Looks a key up in nodes where they are in memory, else in pages, and takes in nothing.
  Expected<Found> Lookup(std::string_view key);
  Expected<Found> LookupInPages(PageId id, size_t depth, std::string_view key);
  static Found LookupInLeaf(const TreePage& leaf, std::string_view key);

  // Takes the pages from the root to the leaf of `key` into memory. Returns: the leaf.
  Expected<Node*> LeafFor(std::string_view key);
  Expected<Node*> LoadRoot();
  Expected<Node*> LoadChild(Node& parent, size_t index);
  Node* NewNode();

  Expected<void> RebalanceNode(Node& node);
  Expected<void> CollapseRoot(Node& root);
  Expected<void> MergeWithSibling(Node& node);
  Expected<void> RemoveFromParent(Node& node);

  // Spills a node and what is in memory below it. Returns: its pages as entries for the parent.
  Expected<std::vector<Entry>> SpillNode(Node& node);
  Expected<Entry> SpillPart(Node& node, EntryRange part, OldRun old);
  bool FitsInline(const Node& root) const;

  WriteTransaction& transaction_;
  BucketHeader header_;
  std::string inline_page_;                   // a copy: its home may be rewritten meanwhile
  Node* root_ = nullptr;                      // in memory from the first change on
  std::vector<std::unique_ptr<Node>> nodes_;  // in the order in which they were taken in
};

}  // namespace plugpull::cow_tree
