// The structural check of an open store: pages as the gopher has left them, in the cache or in the
// file, and the log as it is in its files. It never follows a page twice, so it ends on every
// input.
//
// What is checked, in the numbering of the invariants:
//   F-I1  each locator element leads to a line of a data page of the right section
//   F-I2  lines lie inside their page, above the index, and do not overlap; max line is minimal
//   F-I3  each line belongs to one element; the list of slots with space has no cycle, and space
//         available is not more than there is
//   F-I4  overflow chains: right type, one owner, right section, whole length, no cycle
//   F-I5  in use in the inventory exactly if referenced; page numbers inside the file; each page
//         knows its number; checksums
//   F-I6  log blocks are there and consecutive from the read block to the last; the last checkpoint
//         speaks of a block that is durable
//
// Pages that the inventory has as in use and nothing refers to are leaks.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "engine/engine.h"
#include "engine/serial_log/log_format.h"
#include "engine/serial_log/page_cache.h"

namespace plugpull::serial_log {

// Enough to see what is wrong; a damaged file can have a problem per byte.
inline constexpr size_t kProblemsMax = 32;

// Where a block of the log is.
struct LogBlockPlace {
  BlockNumber number = 0;
  BlockNumber read_block = 0;
  uint8_t file = 0;  // index into kLogPaths
  uint64_t offset_bytes = 0;
  uint32_t length = 0;
};

// What an open store knows of its log.
struct LogView {
  std::array<VfsFile*, 2> files{};
  std::span<const LogBlockPlace> blocks{};  // ascending; from the read block or before it
  BlockNumber read_block = 1;               // where recovery would start
  BlockNumber last_block = 0;               // last one written; 0: none
  BlockNumber durable_block = 0;            // last one synced
  BlockNumber checkpoint_block = 0;         // B of the last Checkpoint(B); 0: none
  bool verifies_checksums = true;
};

// A committed change that the gopher has not applied yet; the pages need not have it.
struct PendingChange {
  int32_t section = 0;
  int32_t record = 0;
  std::optional<Bytes> bytes{};  // absent: deleted
};

struct StoreView {
  PageCache& pages;  // Read returns what is in memory where that is newer than the file
  uint64_t file_size_bytes = 0;
  uint32_t sections = 0;
  LogView log{};
  std::span<const PendingChange> pending{};
};

// Returns: all problems, up to kProblemsMax of each kind, each with the number of its invariant, as
// in "F-I3: ...". Errors: a read failed.
Expected<CheckReport> CheckStore(const StoreView& store);

}  // namespace plugpull::serial_log
