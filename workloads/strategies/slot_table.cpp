#include "workloads/strategies/slot_table.h"

#include <fmt/format.h>

#include <array>

#include "faults/base/bytes.h"
#include "faults/vfs/whole_calls.h"

namespace plugpull::strategies {
namespace {

constexpr uint32_t kTableMagic = 0x54505050;  // "PPPT"
constexpr uint32_t kSlotMagic = 0x544f4c53;   // "SLOT"
constexpr uint64_t kHeaderPageBytes = 4096;
constexpr size_t kTableHeaderBytes = 12;  // u32 magic, u64 generation
constexpr uint64_t kSlotBytes = 16384;
constexpr size_t kSlotHeaderBytes = 12;  // u32 magic, u32 key bytes, u32 value bytes

uint64_t OffsetOf(uint64_t slot) { return kHeaderPageBytes + slot * kSlotBytes; }

std::vector<std::byte> Image(const std::string& key, const std::string& value) {
  ByteWriter writer;
  writer.PutU32(kSlotMagic);
  writer.PutU32(static_cast<uint32_t>(key.size()));
  writer.PutU32(static_cast<uint32_t>(value.size()));
  writer.PutBytes(AsBytes(key));
  writer.PutBytes(AsBytes(value));
  return writer.Take();
}

// Reads one slot into `contents`.
Expected<void> ReadSlot(VfsFile& table, uint64_t slot, TableContents& contents) {
  std::array<std::byte, kSlotHeaderBytes> header;
  const Expected<size_t> header_read = ReadFully(table, OffsetOf(slot), header);
  if (!header_read) return std::unexpected(header_read.error());
  const auto damaged = [&](std::string_view what) {
    contents.damage.push_back(fmt::format("slot {} {}", slot, what));
    return Expected<void>();
  };
  if (*header_read < header.size()) return damaged("is cut off");
  ByteReader reader(header);
  const uint32_t magic = reader.TakeU32().value_or(0);
  const uint64_t key_bytes = reader.TakeU32().value_or(0);
  const uint64_t value_bytes = reader.TakeU32().value_or(0);
  if (magic == 0) return {};
  if (magic != kSlotMagic) return damaged("is neither free nor in use");
  if (key_bytes == 0 || kSlotHeaderBytes + key_bytes + value_bytes > kSlotBytes) {
    return damaged("has lengths that make no sense");
  }
  std::string text(key_bytes + value_bytes, '\0');
  const std::span<std::byte> bytes = std::as_writable_bytes(std::span(text));
  const Expected<size_t> read = ReadFully(table, OffsetOf(slot) + kSlotHeaderBytes, bytes);
  if (!read) return std::unexpected(read.error());
  if (*read < text.size()) return damaged("is cut off");
  const std::string key = text.substr(0, key_bytes);
  if (!contents.slots.Add(slot, key)) return damaged("has the key of another slot");
  contents.pairs[key] = text.substr(key_bytes);
  return {};
}

}  // namespace

Expected<SlotImages> SlotMap::Place(const Transaction& transaction) {
  SlotImages images;
  for (const Change& change : transaction.changes) {
    const auto known = slots_.find(change.key);
    if (!change.value) {
      if (known == slots_.end()) continue;
      images[known->second].assign(kSlotHeaderBytes, std::byte{0});
      free_.insert(known->second);
      slots_.erase(known);
      continue;
    }
    if (kSlotHeaderBytes + change.key.size() + change.value->size() > kSlotBytes) {
      return Fail(ErrorCode::kInvalidArgument, "a pair does not fit into a slot");
    }
    uint64_t slot = 0;
    if (known != slots_.end()) {
      slot = known->second;
    } else if (!free_.empty()) {
      slot = free_.extract(free_.begin()).value();
    } else {
      slot = end_++;
    }
    slots_[change.key] = slot;
    images[slot] = Image(change.key, *change.value);
  }
  return images;
}

bool SlotMap::Add(uint64_t slot, const std::string& key) {
  return slots_.emplace(key, slot).second;
}

void SlotMap::Finish(uint64_t slots) {
  end_ = slots;
  free_.clear();
  for (uint64_t slot = 0; slot < slots; ++slot) free_.insert(slot);
  for (const auto& [key, slot] : slots_) free_.erase(slot);
}

std::vector<std::byte> EmptyTable(uint64_t generation) {
  ByteWriter writer;
  writer.PutU32(kTableMagic);
  writer.PutU64(generation);
  return writer.Take();
}

Expected<uint64_t> ReadGeneration(VfsFile& table) {
  std::array<std::byte, kTableHeaderBytes> header;
  const Expected<size_t> read = ReadFully(table, 0, header);
  if (!read) return std::unexpected(read.error());
  ByteReader reader(header);
  const bool is_table = *read == header.size() && reader.TakeU32().value_or(0) == kTableMagic;
  if (!is_table) return Fail(ErrorCode::kCorrupt, "table has no header");
  return reader.TakeU64();
}

Expected<void> WriteGeneration(VfsFile& table, uint64_t generation) {
  return WriteFully(table, 0, EmptyTable(generation));
}

Expected<void> WriteSlots(VfsFile& table, const SlotImages& images) {
  for (const auto& [slot, bytes] : images) {
    if (Expected<void> written = WriteFully(table, OffsetOf(slot), bytes); !written) return written;
  }
  return {};
}

Expected<TableContents> ReadTable(VfsFile& table) {
  const Expected<uint64_t> size = table.Size();
  if (!size) return std::unexpected(size.error());
  const uint64_t slot_bytes = *size > kHeaderPageBytes ? *size - kHeaderPageBytes : 0;
  const uint64_t slots = (slot_bytes + kSlotBytes - 1) / kSlotBytes;
  TableContents contents;
  for (uint64_t slot = 0; slot < slots; ++slot) {
    if (Expected<void> read = ReadSlot(table, slot, contents); !read) {
      return std::unexpected(read.error());
    }
  }
  contents.slots.Finish(slots);
  return contents;
}

std::vector<std::byte> EncodeImages(const SlotImages& images) {
  ByteWriter writer;
  for (const auto& [slot, bytes] : images) {
    writer.PutVarint(slot);
    writer.PutString(AsText(bytes));
  }
  return writer.Take();
}

Expected<void> DecodeImages(std::span<const std::byte> payload, SlotImages& images) {
  ByteReader reader(payload);
  while (reader.remaining() > 0) {
    const Expected<uint64_t> slot = reader.TakeVarint();
    if (!slot) return std::unexpected(slot.error());
    const Expected<std::string> bytes = reader.TakeString();
    if (!bytes) return std::unexpected(bytes.error());
    const std::span<const std::byte> image = AsBytes(*bytes);
    images[*slot].assign(image.begin(), image.end());
  }
  return {};
}

}  // namespace plugpull::strategies
