#include "engine/cow_tree/checker.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "engine/cow_tree/freelist_page.h"
#include "engine/cow_tree/tree_check.h"

namespace plugpull::cow_tree {
namespace {

// I1. After `revert-meta-page` both slots carry one txid, which is odd but no damage.
void CheckMetas(const std::array<MetaSlot, 2>& slots, Problems& problems) {
  for (PageId slot = 0; slot < 2; ++slot) {
    const PageHeader& header = slots[slot].header;
    if (!slots[slot].meta) continue;
    if (header.id != slot) {
      problems.Add("assertion failed: Page expected to be: {}, but self identifies as {}", slot,
                   header.id);
    }
    if (header.flags != kMetaFlag) {
      problems.Add("page {}: has unexpected type/flags: {:x}", slot, header.flags);
    }
  }
  if (!slots[0].meta && !slots[1].meta) problems.Add("invalid database: no valid meta page");
  if (!slots[0].meta || !slots[1].meta) return;
  const uint64_t first = slots[0].meta->transaction_id;
  const uint64_t second = slots[1].meta->transaction_id;
  if (first == second) return;
  if (first % 2 != 0 || second % 2 != 1) {
    problems.Add("meta pages: txids {} and {} are in the wrong slots", first, second);
  } else if (first != second + 1 && second != first + 1) {
    problems.Add("meta pages: txids {} and {} do not follow each other", first, second);
  }
}

void CheckFreeIds(const FreelistPage& page, const StoreView& store, Problems& problems) {
  PageSet& freed = store.pages.freed();
  PageId previous = 0;
  for (uint64_t index = 0; index < page.count(); ++index) {
    const PageId id = page.At(index);
    if (id < kFirstDataPage) {
      problems.Add("cannot free page 0 or 1: {}", id);
    } else if (id >= store.meta.high_water_mark) {
      problems.Add("page {}: out of bounds: {}", id, store.meta.high_water_mark);
    } else if (id < store.pages.page_limit() && !freed.Insert(id)) {
      problems.Add("page {}: already freed", id);
    } else if (id < previous) {
      problems.Add("page {}: freelist is not sorted: {} after {}", store.meta.freelist, id,
                   previous);
    }
    previous = id;
  }
}

// I8 but for leaks. Returns: the freelist, nothing when it cannot be used.
Expected<std::optional<FreelistPage>> CheckFreelist(const StoreView& store, Problems& problems) {
  const PageId id = store.meta.freelist;
  const Expected<FreelistPage> page =
      FreelistPage::Read(store.pages, id, store.meta.high_water_mark);
  if (!page) {
    if (page.error().code != ErrorCode::kCorrupt) return std::unexpected(page.error());
    problems.Add("{}", page.error().context);
    return std::nullopt;
  }
  if (page->header().id != id) {
    problems.Add("assertion failed: Page expected to be: {}, but self identifies as {}", id,
                 page->header().id);
  }
  if (page->header().flags != kFreelistFlag) {
    problems.Add("page {}: has unexpected type/flags: {:x}", id, page->header().flags);
  }
  CheckFreeIds(*page, store, problems);
  return *page;
}

// I9.
Expected<void> CheckPreviousTree(const StoreView& store, Problems& problems) {
  const Expected<PreviousTree> previous = WalkPreviousTree(store);
  if (!previous) return std::unexpected(previous.error());
  for (const std::string& problem : previous->problems) {
    problems.Add("tree of the previous meta: {}", problem);
  }
  return {};
}

Expected<void> CheckTree(const StoreView& store, TreeCheck& check, Problems& problems) {
  const PageId root = store.meta.root.root;
  if (root < store.meta.high_water_mark) return check.Run(root);
  problems.Add("root bucket pgid ({}) above high water mark ({})", root,
               store.meta.high_water_mark);
  return {};
}

// Calls `visit` for every page from 2 on that is in neither set. Requires: as many words in both.
template <typename Visitor>
void ForEachAbsent(const PageSet& reached, const PageSet& freed, PageId limit, Visitor visit) {
  for (size_t word = 0; word < reached.words().size(); ++word) {
    uint64_t absent = ~(reached.words()[word] | freed.words()[word]);
    for (; absent != 0; absent &= absent - 1) {
      const PageId id = word * 64 + static_cast<PageId>(std::countr_zero(absent));
      if (id >= kFirstDataPage && id < limit) visit(id);
    }
  }
}

}  // namespace

Expected<CheckReport> CheckStore(const StoreView& store) {
  Problems problems(kProblemsMax);
  CheckMetas(store.slots, problems);
  const uint64_t file_pages = store.file_size_bytes / store.meta.page_size_bytes;
  if (store.meta.high_water_mark > file_pages) {
    problems.Add("file size too small: {} pages below the high water mark, {} in the file",
                 store.meta.high_water_mark, file_pages);
  }
  PageSet& freed = store.pages.freed();
  freed.Reset(store.pages.page_limit());
  std::optional<FreelistPage> freelist;
  if (store.meta.freelist != kNoFreelist) {
    Expected<std::optional<FreelistPage>> checked = CheckFreelist(store, problems);
    if (!checked) return std::unexpected(checked.error());
    freelist = *checked;
  }
  TreeCheck check(store.pages, store.meta.high_water_mark, &freed, problems);
  if (freelist) check.Claim(store.meta.freelist, freelist->header().overflow);
  if (Expected<void> done = CheckTree(store, check, problems); !done) {
    return std::unexpected(done.error());
  }
  Problems leaks(kProblemsMax);
  if (freelist && store.stores_all_free_pages && check.is_complete()) {
    ForEachAbsent(store.pages.reached(), freed, store.pages.page_limit(),
                  [&](PageId id) { leaks.Add("page {}: unreachable unfreed", id); });
  }
  if (store.keeps_previous_tree) {  // last: it marks the pages of another tree
    Expected<void> checked = CheckPreviousTree(store, problems);
    if (!checked) return std::unexpected(checked.error());
  }
  return CheckReport{.structure = std::move(problems.found()), .leaks = std::move(leaks.found())};
}

Expected<PreviousTree> WalkPreviousTree(const StoreView& store) {
  PreviousTree previous;
  const auto is_older = [&](const MetaSlot& slot) {
    return slot.meta && slot.meta->transaction_id < store.meta.transaction_id;
  };
  const auto slot = std::ranges::find_if(store.slots, is_older);
  if (slot == store.slots.end()) return previous;
  StoreView older = store;
  older.meta = *slot->meta;
  Problems problems(kProblemsMax);
  TreeCheck check(older.pages, older.meta.high_water_mark, nullptr, problems);
  if (older.meta.freelist != kNoFreelist) {
    const Expected<FreelistPage> freelist =
        FreelistPage::Read(older.pages, older.meta.freelist, older.meta.high_water_mark);
    if (freelist) {
      check.Claim(older.meta.freelist, freelist->header().overflow);
    } else if (freelist.error().code == ErrorCode::kCorrupt) {
      problems.Add("{}", freelist.error().context);
    } else {
      return std::unexpected(freelist.error());
    }
  }
  if (Expected<void> done = CheckTree(older, check, problems); !done) {
    return std::unexpected(done.error());
  }
  const PageSet& reached = older.pages.reached();
  for (PageId id = kFirstDataPage; id < older.pages.page_limit(); ++id) {
    if (reached.Contains(id)) previous.pages.push_back(id);
  }
  previous.problems = std::move(problems.found());
  return previous;
}

Expected<std::vector<PageId>> FindFreePages(const StoreView& store) {
  Problems problems(1);
  TreeCheck check(store.pages, store.meta.high_water_mark, nullptr, problems);
  if (Expected<void> done = CheckTree(store, check, problems); !done) {
    return std::unexpected(done.error());
  }
  if (!problems.empty()) {
    return Fail(
        ErrorCode::kCorrupt,
        fmt::format("freepages: failed to get all reachable pages ({})", problems.found().front()));
  }
  PageSet& freed = store.pages.freed();
  freed.Reset(store.pages.page_limit());
  std::vector<PageId> free_pages;
  ForEachAbsent(store.pages.reached(), freed, store.pages.page_limit(),
                [&](PageId id) { free_pages.push_back(id); });
  return free_pages;
}

}  // namespace plugpull::cow_tree
