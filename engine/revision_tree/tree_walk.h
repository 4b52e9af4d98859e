// The part of the check that walks trees: rules V2 to V6 of one tree after the other. What an
// earlier walk has found of a page is remembered, so that revisions that share subtrees cost no
// more than their own pages.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/revision_tree/page_cache.h"
#include "engine/revision_tree/page_classes.h"
#include "engine/revision_tree/problem_list.h"

namespace plugpull::revision_tree {

inline constexpr size_t kWalkDepthMax = 64;

// What holds of all that is below a page. Keys without bytes (data() null): there are none.
struct SubtreeFacts {
  Revision revision = 0;  // of the page on top
  uint32_t height = 0;    // a leaf has 1
  uint64_t elements = 0;
  Bytes first_key{};
  Bytes last_key{};
};

// Which tree is walked, for messages.
struct WalkedTree {
  std::string_view name;  // "revision", "reader of revision"; the number follows
  int64_t root = kNoOffset;
  Revision revision = 0;
  PageClass page_class = PageClass::kReachable;  // of what has none yet
};

// Gets the elements of a walked tree, in the order of its leaves; those of subtrees that an earlier
// walk has found whole are left out.
class ElementListener {
 public:
  virtual ~ElementListener() = default;
  virtual void OnElement(const LeafElement& element) = 0;
};

// Memory of walks, to be used again from check to check.
struct WalkMemory {
  // A page on the way down.
  struct Frame {
    LogicalPage page;
    PageNumber number = 0;
    size_t next_child = 0;
    Bytes lower;
    Bytes upper;
    SubtreeFacts facts;
    bool is_whole = true;
  };
  PageClasses classes;
  std::vector<SubtreeFacts> facts;  // by note - 1
  PageSet listed_as_copied;
  std::array<Frame, kWalkDepthMax> frames;
};

class TreeWalk {
 public:
  // All must outlive the walks. Requires: memory.classes was reset for the file of `pages`.
  TreeWalk(PageCache& pages, const Header& header, WalkMemory& memory, ProblemList& problems);

  // Returns: what is known of the tree; nothing when some of it is broken. Errors: a read failed;
  // damage is a problem, not an error.
  Expected<std::optional<SubtreeFacts>> Run(const WalkedTree& tree, ElementListener* visitor);

  // Reads a chain and claims it. Returns: nothing when it is broken; then `fault` says why, and the
  // caller tells whose chain it is. Errors: a read failed.
  Expected<std::optional<Chain>> ClaimChain(int64_t offset, PageClass page_class,
                                            std::string& fault);

  // Whether nothing was left out: only then is a page of no class a leak.
  bool is_complete() const { return is_complete_; }
  void SetIncomplete() { is_complete_ = false; }

 private:
  using Frame = WalkMemory::Frame;

  Expected<void> Enter(const Child& child, bool is_root, Bytes lower, Bytes upper);
  Expected<bool> Load(const Child& child, bool is_root, PageNumber number, Frame& frame);
  void EnterKnown(PageNumber number, Bytes lower, Bytes upper);
  void CheckRevision(PageNumber number, Revision revision);
  void CheckKey(PageNumber number, size_t index, Bytes key, Bytes previous, const Frame& frame);
  void CheckLeaf(Frame& frame);
  void CheckNode(const Frame& frame);
  void Leave();
  void Combine(PageNumber number, const SubtreeFacts* facts);
  void Broken();
  std::string Where(PageNumber page) const;
  std::string TreeText() const;

  PageCache& pages_;
  const Header& header_;
  WalkMemory& memory_;
  ProblemList& problems_;
  ElementListener* visitor_ = nullptr;
  WalkedTree tree_;
  uint32_t walk_ = 0;
  size_t depth_ = 0;
  bool is_complete_ = true;
  std::optional<SubtreeFacts> result_;
};

}  // namespace plugpull::revision_tree
