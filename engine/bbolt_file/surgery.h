// Mending a bbolt file, the verbs of bbolt's own `surgery` and one more. Each works on a file that
// is already a copy; the command makes that copy first. Facts: bbolt 1.3.7 and later.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/cow_tree/format.h"
#include "engine/repair.h"
#include "faults/base/error.h"
#include "faults/vfs/vfs.h"

namespace plugpull::bbolt_file {

using cow_tree::PageId;

// What a verb did, for the person who did it.
struct SurgeryReport {
  std::vector<std::string> done;      // "meta 1 (txid 41) now is meta 0 (txid 40)"
  std::vector<std::string> warnings;  // "the freelist may name pages that ...: freelist-abandon"
};

// Copies the meta with the lower txid over the other one. Validates neither, as bbolt's does.
Expected<SurgeryReport> RevertMeta(VfsFile& file);

// Makes the count of a page 0. Requires nothing of `page`. Errors: kInvalidArgument: no such page.
Expected<SurgeryReport> ClearPage(VfsFile& file, PageId page);

// Drops the elements [from, to) of a page and packs the others; to == -1: up to the last.
Expected<SurgeryReport> ClearPageElements(VfsFile& file, PageId page, int64_t from, int64_t to);

// Copies a page with its overflow, and sets the ids.
Expected<SurgeryReport> CopyPage(VfsFile& file, PageId from, PageId to);

// Both metas without a freelist: the next open finds free pages by walking the tree.
Expected<SurgeryReport> FreelistAbandon(VfsFile& file);

// Writes a freelist made from the tree. Errors: one is persisted already.
Expected<SurgeryReport> FreelistRebuild(VfsFile& file);

// A key that could not be brought over, or a range of them.
struct LostRange {
  std::string bucket;
  std::string first_key;  // bytes; empty: from the start
  std::string end_key;    // bytes; empty: to the end
  PageId page = 0;        // that cannot be used
  std::string reason;
};

struct SalvageReport {
  uint64_t keys = 0;           // brought over
  uint64_t from_previous = 0;  // of them, those that only the older tree shows
  uint64_t buckets = 0;
  std::vector<LostRange> lost;
  uint64_t more_lost = 0;
  bool has_one_root = false;  // the other meta is not valid: nobody knows whether it was newer
};

// Extracts every key that can be proved from either root into a new file `to`, which is sound.
// Requires: `to` is empty. Errors: nothing can be read.
Expected<SalvageReport> Salvage(VfsFile& from, VfsFile& to);

// For EngineType::repairs() of engines with files of this format, which are named `store.db`:
// revert-meta, freelist-abandon, salvage.
std::span<const Repair> Repairs();

}  // namespace plugpull::bbolt_file
