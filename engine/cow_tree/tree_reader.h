// Finding and listing what a committed tree holds. Everything read is checked before it is used; a
// page that makes bbolt panic makes an error here.
#pragma once

#include <array>
#include <optional>

#include "engine/cow_tree/page_cache.h"
#include "engine/cow_tree/tree_page.h"
#include "engine/engine.h"

namespace plugpull::cow_tree {

// No honest tree comes near: 64 levels of two keys each outnumber all page ids.
inline constexpr size_t kTreeDepthMax = 64;

// The pages from a bucket's root down to the one in hand, as bbolt's check prints them.
class PagePath {
 public:
  // Returns: false when the tree is deeper than kTreeDepthMax.
  bool Push(PageId id) {
    if (depth_ == ids_.size()) return false;
    ids_[depth_++] = id;
    return true;
  }
  void Pop() { --depth_; }
  size_t depth() const { return depth_; }
  bool Contains(PageId id) const;

  // Returns: "[1974 1229]".
  std::string Text() const;

  // Returns: "PAGE_CYCLE path=[..]" for a path that comes back to `id`.
  std::string CycleText(PageId id) const;

 private:
  std::array<PageId, kTreeDepthMax> ids_;
  size_t depth_ = 0;
};

// Where a bucket's tree starts.
struct BucketLocation {
  BucketHeader header{};
  Bytes inline_page{};  // when header.root is 0
};

// Returns: a page fit to be walked. Errors: I/O, TreePageFault.
Expected<TreePage> ReadTreePage(PageCache& pages, PageId id);

// Returns: the leaf inside an inline bucket. Errors: TreePageFault, not a leaf.
Expected<TreePage> ReadInlinePage(Bytes inline_page);

// Requires: `value` is that of a bucket element. Errors: too short for a bucket.
Expected<BucketLocation> ReadBucketValue(Bytes value);

// Returns: the top-level bucket `name`, nothing when the store has none. Errors: kCorrupt with
// bbolt's "incompatible value" when the key is there but is no bucket, and whatever lies in the
// way.
Expected<std::optional<BucketLocation>> FindBucket(PageCache& pages, const Meta& meta, Bytes name);

// Shows every pair of a bucket, buckets inside it left out as bbolt shows them without a value. A
// tree whose keys are out of order is shown as it lies: order is the checker's business.
// Errors: a page that cannot be walked, or that is reached twice.
Expected<void> ScanBucket(PageCache& pages, const BucketLocation& bucket, PairVisitor& visitor);

}  // namespace plugpull::cow_tree
