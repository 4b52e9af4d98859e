// Which pages below a root can be believed: a page knows its id, is laid out soundly, has its keys
// in order and between those of its parent, lies as deep as its siblings, and is claimed once.
// Whatever fails in any of that proves nothing about the keys that it shows.
#pragma once

#include <expected>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/cow_tree/page_cache.h"
#include "engine/cow_tree/tree_reader.h"

namespace plugpull::bbolt_file {

using cow_tree::Bytes;
using cow_tree::Meta;
using cow_tree::PageCache;
using cow_tree::PageId;
using cow_tree::TreePage;

// The keys that a page may have: [lower, upper). A bound without bytes (data() null) binds nothing.
struct KeyRange {
  Bytes lower{};
  Bytes upper{};
};

// Where a page is met on the way down from the root of a bucket.
struct PagePlace {
  PageId bucket_root = 0;
  size_t depth = 0;  // of the root: 1
  KeyRange keys{};
};

// Returns: the leaf of an inline bucket, or why it is none.
std::expected<TreePage, std::string> TrustInlinePage(Bytes inline_page);

class TrustedPages {
 public:
  // Looks at all that `meta` reaches, each page once. A page that cannot be read is not believed.
  // `pages` must outlive the object.
  TrustedPages(PageCache& pages, const Meta& meta);

  // Returns: the page, or why it cannot be believed at this place.
  std::expected<TreePage, std::string> Get(PageId id, const PagePlace& place);

 private:
  struct Frame {
    TreePage page;
    PagePlace place;
    uint32_t next_index = 0;
  };

  void SurveyBucket(PageId root);
  void Enter(PageId id, const PagePlace& place);
  bool Claim(PageId id, uint32_t overflow);
  bool IsAmbiguous(PageId id, uint32_t overflow) const;
  std::expected<TreePage, std::string> Inspect(PageId id, const PagePlace& place);
  std::expected<TreePage, std::string> Look(PageId id);

  PageCache& pages_;
  PageId root_;  // of the root bucket, in which all elements are buckets
  PageId limit_;
  cow_tree::PageSet sound_;      // looked at, and nothing is wrong inside
  cow_tree::PageSet claimed_;    // fits a place that was seen before
  cow_tree::PageSet ambiguous_;  // fits two
  std::unordered_map<PageId, std::string> faults_;
  std::unordered_map<PageId, size_t> leaf_depths_;  // by the root of the bucket

  // Of the survey.
  std::vector<PageId> roots_;
  std::vector<Frame> path_;
  std::vector<uint64_t> leaf_counts_;  // by depth
};

}  // namespace plugpull::bbolt_file
