#include "engine/revision_tree/reclaim_scan.h"

namespace plugpull::revision_tree {

Expected<void> ReclaimScan::Begin(PageCache& pages, const Header& header, const FreeSpace& space,
                                  const ReaderSet& readers) {
  is_running_ = false;
  first_page_ = FirstDataPage(header);
  walk_.Begin(static_cast<PageNumber>(header.page_count));
  walk_.AllowSharing();
  if (Expected<void> added = walk_.AddStore(pages, header); !added) return added;
  if (header.has(kProposalKFlag) && header.previous_root != kNoOffset) {
    walk_.AddTree(header.previous_root);
  }
  for (const auto& [revision, root] : readers) walk_.AddTree(root);
  free_before_.Reset(walk_.page_limit());
  for (const PageNumber page : space.chain()) free_before_.Insert(page);
  for (const PageNumber page : space.Waiting()) free_before_.Insert(page);
  is_running_ = true;
  return {};
}

Expected<void> ReclaimScan::Step(PageCache& pages, uint64_t chains, FreeSpace& space) {
  const Expected<bool> is_done = walk_.Step(pages, chains);
  if (!is_done) return std::unexpected(is_done.error());
  if (!*is_done) return {};
  is_running_ = false;
  std::vector<PageNumber> found;
  for (PageNumber page = walk_.page_limit(); page-- > first_page_;) {
    if (!walk_.Has(page) && !free_before_.Contains(page)) found.push_back(page);
  }
  space.AddLoose(found);
  return {};
}

}  // namespace plugpull::revision_tree
