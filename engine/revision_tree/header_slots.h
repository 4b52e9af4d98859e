// The header's one or two places in the file. Each write goes to the slot that does not hold the
// newest header, so that with two slots a torn write leaves the header before it.
#pragma once

#include <array>

#include "engine/revision_tree/checker.h"
#include "engine/revision_tree/protocol.h"
#include "faults/vfs/vfs.h"

namespace plugpull::revision_tree {

// What the slots say.
struct HeadersRead {
  std::array<HeaderSlot, 2> slots{};
  Header newest{};
  size_t newest_slot = 0;
  // Each slot that the store has is valid, and no write to one of them is missing. A store that was
  // closed, or not in the middle of a write, has them so.
  bool is_whole = true;
};

// Reads the slots and picks the header of the later revision; of two of the same revisions the one
// that is marked in use. Errors: I/O, kCorrupt: no slot has a valid header.
Expected<HeadersRead> ReadHeaders(VfsFile& file, uint32_t expected_page_size_bytes);

class HeaderSlots {
 public:
  HeaderSlots() = default;
  HeaderSlots(VfsFile& file, size_t newest_slot) : file_(&file), newest_slot_(newest_slot) {}

  // Writes a header that is newer than all before.
  Expected<void> Write(const Header& header);

  // Writes a header that is to replace all others: with two slots twice, and a sync in between. The
  // second write is not synced; with a mutant the first is not, either.
  Expected<void> WriteAll(const Header& header, bool syncs_between = true);

 private:
  VfsFile* file_ = nullptr;
  size_t newest_slot_ = 0;
};

}  // namespace plugpull::revision_tree
