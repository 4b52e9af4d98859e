// The part of the check that knows the trees about trees (rule V7): the B-tree of B-trees, which
// says where each revision of each tree is, and the copied pages, which say what an older revision
// has for itself.
#pragma once

#include <vector>

#include "engine/revision_tree/tree_walk.h"

namespace plugpull::revision_tree {

class DirectoryCheck {
 public:
  // All must outlive the check. Requires: header.has(kCopiedPagesFlag).
  DirectoryCheck(TreeWalk& walk, const Header& header, WalkMemory& memory, ProblemList& problems)
      : walk_(walk), header_(header), memory_(memory), problems_(problems) {}

  // Walks what the newest revision consists of. Returns: what is known of the user's tree; nothing
  // when it is broken. Errors: a read failed.
  Expected<std::optional<SubtreeFacts>> RunNewest();

  // Walks what is there for older revisions, after whatever else is kept.
  Expected<void> RunOlder();

 private:
  struct TreeEntry {
    TreeKey key;
    int64_t offset = kNoOffset;  // of the tree header
  };
  struct CopiedEntry {
    TreeKey key;
    Bytes offsets;
  };
  class TreeCollector;
  class CopiedCollector;

  Expected<std::optional<SubtreeFacts>> RunTree(const TreeEntry& entry, std::string_view what,
                                                PageClass page_class, ElementListener* visitor);
  Expected<void> RunCopied(const CopiedEntry& entry);
  const TreeEntry* NewestOf(std::string_view name) const;

  TreeWalk& walk_;
  const Header& header_;
  WalkMemory& memory_;
  ProblemList& problems_;
  std::vector<TreeEntry> trees_;
  std::vector<CopiedEntry> copied_;
};

}  // namespace plugpull::revision_tree
