// The part of the check that walks the trees: invariants I2 to I7, key order and page references.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "engine/cow_tree/tree_reader.h"

namespace plugpull::cow_tree {

// Collects problems up to a limit.
class Problems {
 public:
  explicit Problems(size_t limit) : limit_(limit) {}

  template <typename... Arguments>
  void Add(fmt::format_string<Arguments...> text, Arguments&&... arguments) {
    if (found_.size() < limit_) {
      found_.push_back(fmt::format(text, std::forward<Arguments>(arguments)...));
    }
  }

  bool empty() const { return found_.empty(); }
  std::vector<std::string>& found() { return found_; }

 private:
  size_t limit_;
  std::vector<std::string> found_;
};

class TreeCheck {
 public:
  // `freed` may be null: nothing is known to be free. All must outlive the walk.
  TreeCheck(PageCache& pages, PageId high_water_mark, const PageSet* freed, Problems& problems);

  // Walks the bucket at `root` and every bucket in it, and marks what it reaches in
  // pages.reached(). Errors: I/O; damage is a problem, not an error.
  Expected<void> Run(PageId root);

  // Marks a page run as reached. Returns: whether it may be looked into; if not, it says why.
  bool Claim(PageId id, uint32_t overflow);

  // Whether nothing was left out: only then is an unreached page a leak.
  bool is_complete() const { return is_complete_; }

 private:
  // A branch page on the way down. Bounds without bytes (data() null) do not bind.
  struct Frame {
    TreePage page;
    Bytes upper;
    uint32_t next_index = 0;
  };

  Expected<void> RunBucket(PageId root);

  // Checks a page and, when it is a branch, puts it on the path.
  Expected<void> Enter(PageId id, Bytes lower, Bytes upper);
  Expected<std::optional<TreePage>> Inspect(PageId id);
  void CheckKeys(const TreePage& page, PageId id, Bytes lower, Bytes upper);
  void CheckKey(const TreePage& page, PageId id, uint32_t index, Bytes previous, Bytes upper);
  void CheckLeaf(const TreePage& leaf, PageId id);
  void CheckBucketValue(PageId id, uint32_t index, Bytes value);
  void CheckInlineBucket(PageId id, Bytes inline_page);

  PageCache& pages_;
  PageId high_water_mark_;
  const PageSet* freed_;
  Problems& problems_;
  bool is_complete_ = true;

  std::vector<PageId> roots_;  // of buckets that are still to be walked
  size_t leaf_depth_ = 0;      // of the first leaf of the bucket in hand; 0: none yet
  PagePath path_;
  std::array<Frame, kTreeDepthMax> frames_;
};

}  // namespace plugpull::cow_tree
