// The reclaim of the report: read all pages, and put every page that nothing links to on the free
// list. All at once, or in the background, some chains with each commit.
#pragma once

#include "engine/revision_tree/free_space.h"
#include "engine/revision_tree/reachable_pages.h"

namespace plugpull::revision_tree {

// Finds the pages that nothing reached when the scan began. They stay so while it goes on: what is
// in no class is never allocated, and what later revisions free is for the next scan. Requires: no
// pages become free in another way meanwhile.
class ReclaimScan {
 public:
  bool is_running() const { return is_running_; }
  void Stop() { is_running_ = false; }

  // Begins with a revision, the ones that readers have open, and with proposal K the older one.
  Expected<void> Begin(PageCache& pages, const Header& header, const FreeSpace& space,
                       const ReaderSet& readers);

  // Walks up to `chains` more chains; 0: all. At the end, what was found is free.
  // Requires: is_running().
  Expected<void> Step(PageCache& pages, uint64_t chains, FreeSpace& space);

 private:
  bool is_running_ = false;
  PageNumber first_page_ = 0;
  PageWalk walk_;
  PageSet free_before_;
};

}  // namespace plugpull::revision_tree
