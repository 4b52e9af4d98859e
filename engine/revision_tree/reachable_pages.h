// The scan: which PageIOs do the trees of a store reach? It reads each of them once, and the free
// ones not at all, so it is linear in the pages in use.
#pragma once

#include "engine/revision_tree/page_cache.h"
#include "engine/revision_tree/protocol.h"

namespace plugpull::revision_tree {

// A walk over trees that may stop after some chains and go on later, when other pages have been
// written: those of the revision that is walked must be left alone meanwhile.
class PageWalk {
 public:
  // Starts anew. With `skipped_before` (a mutant), pages of earlier revisions are not entered.
  void Begin(PageNumber page_limit, Revision skipped_before = 0);

  // From now on trees may share pages with one another, and a page with two parents is no error.
  void AllowSharing() { shares_ = true; }

  // Adds what a header reaches: its tree, or with copied pages the trees about trees, the newest of
  // the user's, and the pages that are listed as copied.
  Expected<void> AddStore(PageCache& pages, const Header& header);

  // Adds a tree by its root.
  void AddTree(int64_t root) { places_.push_back({.offset = root}); }

  // Walks up to `chains` more chains; 0: all. Returns: whether all is done. Errors: I/O, kCorrupt:
  // a page that two parents have within one tree, a chain that makes no sense.
  Expected<bool> Step(PageCache& pages, uint64_t chains);

  bool Has(PageNumber page) const { return reached_.Contains(page); }
  PageNumber page_limit() const { return page_limit_; }
  uint64_t elements() const { return elements_; }  // of all leaves

 private:
  struct Place {
    int64_t offset = kNoOffset;
    uint32_t depth = 0;
    bool is_tree = true;  // else the pages of this chain alone
  };

  Expected<void> Enter(PageCache& pages, const Place& place);

  PageNumber page_limit_ = 0;
  Revision skipped_before_ = 0;
  bool shares_ = false;
  PageSet reached_;
  std::vector<Place> places_;
  LogicalPage page_;
  uint64_t elements_ = 0;
};

}  // namespace plugpull::revision_tree
