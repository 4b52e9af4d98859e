// The structural check of an open store, on the bytes of the file alone: bbolt's own check (1.3.8)
// with its words, and the rules that it leaves to chance. It never follows a page twice, so it ends
// on every input.
//
// What is checked, in the numbering of the invariants:
//   I1  metas: slot parity, neighbouring txids
//   I2  page ids and the high-water mark lie inside the file
//   I3  each page knows its id and has one type; its elements lie inside it
//   I4  each page is reached once, without cycles; leaves of a bucket are equally deep
//   I5  keys ascend in a page and stay between the parent's keys
//   I6  no empty branch, no empty leaf below a root
//   I7  bucket values and inline buckets
//   I8  freelist: ascending, unique, in range, apart from the tree; nothing is left over
//   I9  the tree of the older meta is whole, too; only where the store promises that at all times
#pragma once

#include <array>
#include <optional>

#include "engine/cow_tree/page_cache.h"
#include "engine/engine.h"

namespace plugpull::cow_tree {

// Enough to see what is wrong; a damaged file can have a problem per byte.
inline constexpr size_t kProblemsMax = 32;

// Page header and meta of both slots as the file has them; a slot that could not be read is empty.
struct MetaSlot {
  PageHeader header{};
  std::optional<Meta> meta{};  // when valid
};

// What an open store knows of its file.
struct StoreView {
  PageCache& pages;
  uint64_t file_size_bytes = 0;
  std::array<MetaSlot, 2> slots{};
  Meta meta{};                        // the active one
  bool keeps_previous_tree = false;   // I9 is to hold
  bool stores_all_free_pages = true;  // else only the next open can tell what is free
};

// Returns: all problems, up to kProblemsMax of each kind. Errors: a read failed.
Expected<CheckReport> CheckStore(const StoreView& store);

// What the older meta's tree and its freelist use, as far as they can be walked.
struct PreviousTree {
  std::vector<PageId> pages;          // ascending
  std::vector<std::string> problems;  // broken invariants I2 to I7, up to kProblemsMax
};

// Returns: nothing there when the file has no valid meta older than the active one. Errors: a read
// failed.
Expected<PreviousTree> WalkPreviousTree(const StoreView& store);

// Walks the tree as an open without a stored freelist does. Returns: the pages that nothing
// reaches, ascending. Errors: bbolt's panic "freepages: failed to get all reachable pages (..)",
// reads.
Expected<std::vector<PageId>> FindFreePages(const StoreView& store);

}  // namespace plugpull::cow_tree
