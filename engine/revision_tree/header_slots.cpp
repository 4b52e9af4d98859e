#include "engine/revision_tree/header_slots.h"

#include <cstdlib>
#include <tuple>

#include "faults/vfs/whole_calls.h"

namespace plugpull::revision_tree {
namespace {

Expected<HeaderSlot> ReadSlot(VfsFile& file, uint64_t offset_bytes) {
  std::array<std::byte, kHeaderBytes> bytes;
  const Expected<size_t> read = ReadFully(file, offset_bytes, bytes);
  if (!read) return std::unexpected(read.error());
  HeaderSlot slot;
  slot.exists = true;
  if (*read < bytes.size()) {
    slot.fault = "header: end of file";
    return slot;
  }
  Expected<Header> header = LoadHeader(bytes);
  if (header) {
    slot.header = *header;
  } else {
    slot.fault = std::move(header.error().context);
  }
  return slot;
}

// Returns: slot 1 of a store whose first slot is broken; of a store of one slot none.
Expected<HeaderSlot> ProbeSecondSlot(VfsFile& file, uint32_t expected_page_size_bytes) {
  const uint32_t expected = SlotStrideBytes(expected_page_size_bytes);
  HeaderSlot none;
  for (uint32_t stride = 0; stride <= kPageSizeMax;
       stride = stride == 0 ? kSectorBytes : 2 * stride) {
    if (stride == expected) continue;
    const uint32_t at = stride == 0 ? expected : stride;  // where it should be comes first
    Expected<HeaderSlot> slot = ReadSlot(file, at);
    if (!slot) return slot;
    const bool is_there = slot->header && slot->header->has(kTwoSlotsFlag) &&
                          SlotStrideBytes(slot->header->page_size_bytes) == at;
    if (is_there) return slot;
  }
  return none;
}

bool IsOlder(const Header& left, const Header& right) {
  const auto order = [](const Header& header) {
    return std::tuple(header.current, header.ongoing, header.has(kInUseFlag));
  };
  return order(left) < order(right);
}

}  // namespace

Expected<HeadersRead> ReadHeaders(VfsFile& file, uint32_t expected_page_size_bytes) {
  HeadersRead read;
  Expected<HeaderSlot> first = ReadSlot(file, 0);
  if (!first) return std::unexpected(first.error());
  read.slots[0] = *std::move(first);
  const std::optional<Header>& one = read.slots[0].header;
  if (!one || one->has(kTwoSlotsFlag)) {
    Expected<HeaderSlot> second = one ? ReadSlot(file, SlotStrideBytes(one->page_size_bytes))
                                      : ProbeSecondSlot(file, expected_page_size_bytes);
    if (!second) return std::unexpected(second.error());
    read.slots[1] = *std::move(second);
  }
  std::optional<Header>& two = read.slots[1].header;
  if (one && two && (two->page_size_bytes != one->page_size_bytes || !two->has(kTwoSlotsFlag))) {
    two.reset();
    read.slots[1].fault = "header: the slots are of two stores";
  }
  if (!one && !two) return Fail(ErrorCode::kCorrupt, read.slots[0].fault);
  read.newest_slot = !one || (two && IsOlder(*one, *two)) ? 1 : 0;
  read.newest = *read.slots[read.newest_slot].header;
  read.is_whole = one && (two || !one->has(kTwoSlotsFlag));
  if (one && two && std::abs(one->current - two->current) > 1) read.is_whole = false;
  return read;
}

Expected<void> HeaderSlots::Write(const Header& header) {
  const size_t slot = header.has(kTwoSlotsFlag) ? 1 - newest_slot_ : 0;
  std::array<std::byte, kHeaderBytes> bytes;
  StoreHeader(bytes, header);
  Expected<void> written =
      WriteFully(*file_, slot * SlotStrideBytes(header.page_size_bytes), bytes);
  if (written) newest_slot_ = slot;
  return written;
}

Expected<void> HeaderSlots::WriteAll(const Header& header, bool syncs_between) {
  if (Expected<void> written = Write(header); !written) return written;
  if (!header.has(kTwoSlotsFlag)) return {};
  if (syncs_between) {
    if (Expected<void> synced = file_->Sync(SyncKind::kFull); !synced) return synced;
  }
  return Write(header);
}

}  // namespace plugpull::revision_tree
