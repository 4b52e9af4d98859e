// Creating a store's file, and finding the active meta of an existing one: everything that happens
// before a tree is looked at. There is no log and no redo; picking the meta is the whole recovery.
#pragma once

#include <array>

#include "engine/cow_tree/checker.h"
#include "engine/cow_tree/protocol.h"

namespace plugpull::cow_tree {

inline constexpr const char* kStorePath = "store.db";
inline constexpr const char* kNewStorePath = "store.db.new";  // while it is being created

struct OpenedStore {
  std::unique_ptr<VfsFile> file;
  bool is_new = false;  // made just now, and durable as far as the options ask for that
};

// Opens the file, creating it when it is absent, takes bbolt's exclusive lock, and initialises a
// file of size 0. By default a new file gets its name only when it is complete, so that a crash
// leaves the whole store or none; bbolt writes in place. Errors: kBusy when somebody else has it
// open.
Expected<OpenedStore> OpenStoreFile(Vfs& vfs, const Options& options);

// Reads page header and meta of both slots. Errors: I/O.
Expected<std::array<MetaSlot, 2>> ReadMetaSlots(VfsFile& file, uint32_t page_size_bytes,
                                                const Protocol& protocol);

// Writes the whole page of a meta into its slot.
Expected<void> WriteMetaPage(VfsFile& file, const Meta& meta, const Protocol& protocol);

// What the metas say.
struct StoreState {
  uint64_t file_size_bytes = 0;
  std::array<MetaSlot, 2> slots{};
  Meta active{};
};

// Reads both metas and picks the valid one with the higher txid. Errors: kCorrupt with bbolt's
// "invalid database", "version mismatch", "checksum error", "file size too small".
Expected<StoreState> ReadStoreState(VfsFile& file, const Options& options);

// What the mutants R1 and R2 do when they open a store that has been written to.
Expected<void> RecoverBadly(Vfs& vfs, VfsFile& file, const StoreState& state,
                            const Protocol& protocol);

}  // namespace plugpull::cow_tree
