#include "engine/cow_tree/store_file.h"

#include <fmt/format.h>

#include "faults/vfs/whole_calls.h"

namespace plugpull::cow_tree {
namespace {

// One slot as read; `fault` says why there is no meta in it.
struct SlotRead {
  MetaSlot slot{};
  MetaFault fault = MetaFault::kMagic;
};

// Reads only the bytes that matter: on a crash image, each byte read is a question about the disk.
Expected<SlotRead> ReadSlot(VfsFile& file, uint64_t offset_bytes, const Protocol& protocol) {
  std::array<std::byte, kMetaBytes> bytes;
  const Expected<size_t> read = ReadFully(file, offset_bytes, bytes);
  if (!read) return std::unexpected(read.error());
  SlotRead result;
  if (*read < bytes.size()) return result;
  result.slot.header = LoadPageHeader(bytes.data());
  const std::expected<Meta, MetaFault> meta = LoadMeta(bytes, protocol.meta_checksum);
  if (!meta) {
    result.fault = meta.error();
  } else if (IsPageSize(meta->page_size_bytes)) {
    result.slot.meta = *meta;
  }
  return result;
}

// Returns: meta 1 of a store with pages of this size; an empty slot for mutant M3, whose first slot
// is the only one.
Expected<SlotRead> ReadSecondSlot(VfsFile& file, uint32_t page_size_bytes,
                                  const Protocol& protocol) {
  if (protocol.has_one_meta_slot) return SlotRead{};
  return ReadSlot(file, page_size_bytes, protocol);
}

// Looks for a valid meta 1 where each possible page size would put it, the expected one first.
// Returns: an empty slot when there is none. bbolt 1.3.7 and later do this; 1.3.6 gave up.
Expected<SlotRead> ProbeSecondSlot(VfsFile& file, const Options& options, uint64_t size_bytes) {
  const auto probe = [&](uint32_t page_size_bytes) -> Expected<SlotRead> {
    const bool has_second = !options.protocol.has_one_meta_slot;
    if (!has_second || size_bytes < uint64_t{2} * page_size_bytes) return SlotRead{};
    Expected<SlotRead> second = ReadSlot(file, page_size_bytes, options.protocol);
    if (second && second->slot.meta && second->slot.meta->page_size_bytes != page_size_bytes) {
      return SlotRead{};
    }
    return second;
  };
  Expected<SlotRead> second = probe(options.page_size_bytes);
  for (uint32_t page_size = kPageSizeMin; page_size <= kPageSizeMax; page_size *= 2) {
    if (!second || second->slot.meta) break;
    if (page_size != options.page_size_bytes) second = probe(page_size);
  }
  return second;
}

bool IsFirstActive(const Meta& first, const Meta& second, const Protocol& protocol) {
  if (protocol.open_lower_transaction) return first.transaction_id < second.transaction_id;
  return first.transaction_id >= second.transaction_id;
}

// Writes the four pages of an empty store and makes them durable, unless a mutant forgets to.
Expected<void> InitializeFile(VfsFile& file, const Options& options) {
  const size_t page_size_bytes = options.page_size_bytes;
  std::vector<std::byte> pages(4 * page_size_bytes);
  const std::span<std::byte> all(pages);
  for (PageId slot = 0; slot < 2; ++slot) {
    StoreMeta(all.subspan(slot * page_size_bytes), slot,
              Meta{.page_size_bytes = options.page_size_bytes,
                   .root = BucketHeader{.root = 3},
                   .freelist = 2,
                   .high_water_mark = 4,
                   .transaction_id = slot},
              options.protocol.meta_checksum);
  }
  StorePageHeader(&pages[2 * page_size_bytes], PageHeader{.id = 2, .flags = kFreelistFlag});
  StorePageHeader(&pages[3 * page_size_bytes], PageHeader{.id = 3, .flags = kLeafFlag});
  if (Expected<void> written = WriteFully(file, 0, pages); !written) return written;
  if (options.protocol.trust_new_store) return {};
  return file.Sync(SyncKind::kData);
}

Expected<std::unique_ptr<VfsFile>> OpenLocked(Vfs& vfs, const char* path, OpenOptions how) {
  Expected<std::unique_ptr<VfsFile>> file = RetryInterrupted([&] { return vfs.Open(path, how); });
  if (!file) return file;
  const Expected<bool> locked = (*file)->Lock(LockLevel::kExclusive);
  if (!locked) return std::unexpected(locked.error());
  if (!*locked) return Fail(ErrorCode::kBusy, "timeout: the store is open elsewhere");
  return file;
}

// Returns: the new store's file, under its name. What an earlier attempt left behind is
// overwritten.
Expected<std::unique_ptr<VfsFile>> CreateByRename(Vfs& vfs, const Options& options) {
  Expected<std::unique_ptr<VfsFile>> file =
      OpenLocked(vfs, kNewStorePath, {.create = true, .truncate = true});
  if (!file) return file;
  if (Expected<void> done = InitializeFile(**file, options); !done) {
    return std::unexpected(done.error());
  }
  if (Expected<void> done = vfs.Rename(kNewStorePath, kStorePath); !done) {
    return std::unexpected(done.error());
  }
  if (!options.sync_directory) return file;
  if (Expected<void> done = vfs.SyncDirectory(""); !done) return std::unexpected(done.error());
  return file;
}

}  // namespace

Expected<OpenedStore> OpenStoreFile(Vfs& vfs, const Options& options) {
  Expected<std::unique_ptr<VfsFile>> file =
      OpenLocked(vfs, kStorePath, {.create = !options.create_by_rename});
  if (!file && file.error().code == ErrorCode::kNotFound) {
    file = CreateByRename(vfs, options);
    if (!file) return std::unexpected(file.error());
    return OpenedStore{*std::move(file), /*is_new=*/true};
  }
  if (!file) return std::unexpected(file.error());
  const Expected<uint64_t> size = (*file)->Size();
  if (!size) return std::unexpected(size.error());
  if (*size > 0) return OpenedStore{*std::move(file), /*is_new=*/false};
  if (Expected<void> done = InitializeFile(**file, options); !done) {
    return std::unexpected(done.error());
  }
  if (options.sync_directory) {
    if (Expected<void> done = vfs.SyncDirectory(""); !done) return std::unexpected(done.error());
  }
  return OpenedStore{*std::move(file), /*is_new=*/true};
}

Expected<std::array<MetaSlot, 2>> ReadMetaSlots(VfsFile& file, uint32_t page_size_bytes,
                                                const Protocol& protocol) {
  const Expected<SlotRead> first = ReadSlot(file, 0, protocol);
  if (!first) return std::unexpected(first.error());
  const Expected<SlotRead> second = ReadSecondSlot(file, page_size_bytes, protocol);
  if (!second) return std::unexpected(second.error());
  return std::array{first->slot, second->slot};
}

Expected<void> WriteMetaPage(VfsFile& file, const Meta& meta, const Protocol& protocol) {
  const PageId slot = protocol.has_one_meta_slot ? 0 : meta.transaction_id % 2;
  std::vector<std::byte> page(meta.page_size_bytes);
  StoreMeta(page, slot, meta, protocol.meta_checksum);
  return WriteFully(file, slot * meta.page_size_bytes, page);
}

Expected<StoreState> ReadStoreState(VfsFile& file, const Options& options) {
  const Expected<uint64_t> size = file.Size();
  if (!size) return std::unexpected(size.error());
  const Protocol& protocol = options.protocol;
  const Expected<SlotRead> first = ReadSlot(file, 0, protocol);
  if (!first) return std::unexpected(first.error());
  Expected<SlotRead> second =
      first->slot.meta ? ReadSecondSlot(file, first->slot.meta->page_size_bytes, protocol)
                       : ProbeSecondSlot(file, options, *size);
  if (!second) return std::unexpected(second.error());
  StoreState state{.file_size_bytes = *size, .slots = {first->slot, second->slot}};
  std::optional<Meta>& one = state.slots[0].meta;
  std::optional<Meta>& two = state.slots[1].meta;
  if (one && two && one->page_size_bytes != two->page_size_bytes) two.reset();
  if (!one && !two) return Fail(ErrorCode::kCorrupt, Describe(first->fault));
  if (protocol.need_both_metas && !(one && two)) {
    return Fail(ErrorCode::kCorrupt, Describe(one ? second->fault : first->fault));
  }
  if (one && two) {
    state.active = IsFirstActive(*one, *two, protocol) ? *one : *two;
  } else {
    state.active = one ? *one : *two;
  }
  if (*size < state.active.page_size_bytes) return Fail(ErrorCode::kCorrupt, "invalid database");
  if (*size < 2 * uint64_t{state.active.page_size_bytes}) {
    return Fail(ErrorCode::kCorrupt, "file size too small");
  }
  return state;
}

}  // namespace plugpull::cow_tree
