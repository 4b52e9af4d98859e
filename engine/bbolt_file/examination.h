// Everything that has been read out of a file, for those who draw conclusions from it.
#pragma once

#include "engine/bbolt_file/freelist_check.h"
#include "engine/bbolt_file/metas.h"

namespace plugpull::bbolt_file {

struct Examination {
  const PageFile& file;
  const Census& census;
  const MetaPages& metas;
  std::vector<TreeWalk>& walks;  // active first; empty without a valid meta
  const FreelistCheck& freelist;
  const Evidence& evidence;

  bool IsActiveWhole() const { return !walks.empty() && walks[0].finding().is_whole; }
  bool IsPreviousWhole() const { return walks.size() == 2 && walks[1].finding().is_whole; }

  bool IsReached(size_t tree, PageId id) const {
    return tree < walks.size() && id < walks[tree].limit() && walks[tree].reached().Contains(id);
  }

  // Returns: whether the newer tree may have lost its way to pages, as another page above them fits
  // as well: they are neither in it nor free though the freelist is right in all else, and the
  // newer tree lacks as many keys as half of what the older one has on them. A freelist that lost
  // an id, of a page that the newest transaction freed, has copies of its keys in the newer tree.
  bool HasLostItsWay() const {
    const FreelistFinding& found = freelist.finding;
    if (!IsPreviousWhole() || freelist.is_page_sick || found.reachable_freed_count > 0)
      return false;
    uint64_t keys = 0;
    for (const PageId id : found.unreachable_unfreed) {
      if (IsReached(1, id) && census.At(id).flags == cow_tree::kLeafFlag)
        keys += census.At(id).count;
    }
    const uint64_t newer = walks[0].finding().keys;
    const uint64_t older = walks[1].finding().keys;
    return keys > 0 && newer < older && 2 * (older - newer) >= keys;
  }

  // Returns: whether a whole tree has this page, which is therefore as it should be.
  bool IsProven(PageId id) const { return IsPreviousWhole() && IsReached(1, id); }

  const Meta& active_meta() const { return *metas.slots[*metas.active()].meta; }
};

}  // namespace plugpull::bbolt_file
