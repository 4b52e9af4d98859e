#include "engine/revision_tree/repairs.h"

#include <array>

#include "engine/revision_tree/header_slots.h"

namespace plugpull::revision_tree {
namespace {

// Writes a header that asks for a scan into each slot that the store has.
Expected<void> PutHeader(VfsFile& file, Header header, size_t newest_slot) {
  header.flags |= kInUseFlag;
  if (!header.has(kProposalKFlag)) header.ongoing = header.current + 1;
  HeaderSlots slots(file, newest_slot);
  if (Expected<void> written = slots.WriteAll(header); !written) return written;
  return file.Sync(SyncKind::kFull);
}

// For a free chain that is damaged: the next open makes a new one.
Expected<void> MendByScan(Vfs& vfs) {
  const Expected<std::unique_ptr<VfsFile>> file = vfs.Open(kStorePath, {});
  if (!file) return std::unexpected(file.error());
  const Expected<HeadersRead> read = ReadHeaders(**file, kSectorBytes);
  if (!read) return std::unexpected(read.error());
  return PutHeader(**file, read->newest, read->newest_slot);
}

// For a newest revision that is damaged: the other slot has the one before it, whose pages are
// whole as long as nothing has been committed since.
Expected<void> MendByOtherHeader(Vfs& vfs) {
  const Expected<std::unique_ptr<VfsFile>> file = vfs.Open(kStorePath, {});
  if (!file) return std::unexpected(file.error());
  const Expected<HeadersRead> read = ReadHeaders(**file, kSectorBytes);
  if (!read) return std::unexpected(read.error());
  const std::optional<Header>& other = read->slots[1 - read->newest_slot].header;
  if (!other || other->root == read->newest.root) {
    return Fail(ErrorCode::kInvalidArgument, "no header slot has another root");
  }
  return PutHeader(**file, *other, read->newest_slot);
}

constexpr std::array<Repair, 2> kRepairs = {Repair{.name = "rebuild-free-list",
                                                   .recoverability = "cured by scan of free list",
                                                   .mend = MendByScan},
                                            Repair{.name = "take-other-header",
                                                   .recoverability = "cured by previous header",
                                                   .mend = MendByOtherHeader}};

}  // namespace

std::span<const Repair> Repairs() { return kRepairs; }

}  // namespace plugpull::revision_tree
