// Mutants of opening: what goes wrong only when the power fails while a store is opened.
#include <array>
#include <vector>

#include "engine/cow_tree/store_file.h"

namespace plugpull::cow_tree {
namespace {

constexpr const char* kNotePath = "store.note";
constexpr uint64_t kNoteBytes = 64;

// R1: puts the newest meta into both slots, for tidiness. It clears them first, so that no mix of
// old and new can be there, and makes sure of that; a crash in between leaves no meta at all.
Expected<void> Normalise(VfsFile& file, const Meta& meta) {
  std::array<std::byte, kMetaBytes> bytes{};
  for (PageId slot = 0; slot < 2; ++slot) {
    if (Expected<void> done = file.Write(slot * meta.page_size_bytes, bytes); !done) return done;
  }
  if (Expected<void> done = file.Sync(SyncKind::kData); !done) return done;
  for (PageId slot = 0; slot < 2; ++slot) {
    StoreMeta(bytes, slot, meta);
    if (Expected<void> done = file.Write(slot * meta.page_size_bytes, bytes); !done) return done;
  }
  return file.Sync(SyncKind::kData);
}

// R2: goes through the notes of openings that did not come to their end, adds one for each and one
// for itself, and removes them at the end.
Expected<void> NoteOpening(Vfs& vfs) {
  Expected<std::unique_ptr<VfsFile>> note = vfs.Open(kNotePath, {.create = true});
  if (!note) return std::unexpected(note.error());
  const Expected<uint64_t> size = (*note)->Size();
  if (!size) return std::unexpected(size.error());
  const std::vector<std::byte> more(*size + kNoteBytes, std::byte{'n'});
  if (Expected<void> done = (*note)->Write(*size, more); !done) return done;
  if (Expected<void> done = (*note)->Sync(SyncKind::kData); !done) return done;
  return vfs.Unlink(kNotePath);
}

}  // namespace

Expected<void> RecoverBadly(Vfs& vfs, VfsFile& file, const StoreState& state,
                            const Protocol& protocol) {
  const bool is_new = state.active.transaction_id <= 1;
  if (!is_new && protocol.normalise_on_open) return Normalise(file, state.active);
  if (!is_new && protocol.note_openings) return NoteOpening(vfs);
  return {};
}

}  // namespace plugpull::cow_tree
