// The actions of random traces that make things durable, fail to, or are about something else.
#include <cerrno>
#include <utility>
#include <vector>

#include "faults/trace/random_operations.h"
#include "faults/trace/trace_draft.h"

namespace plugpull {
namespace {

constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kMaxBytes = kMaxRandomFileBytes;

// As TraceDraft::Put, but not the same twice in a row.
bool PutOnce(TraceDraft& draft, Op op) {
  const std::vector<Op>& ops = draft.trace().ops;
  return (ops.empty() || ops.back() != op) && draft.Put(std::move(op));
}

uint64_t PageCount(uint64_t size_bytes) { return (size_bytes + kPageBytes - 1) / kPageBytes; }

bool SyncFile(TraceDraft& draft, OpKind kind) {
  const auto file = draft.AnyFile();
  return file && PutOnce(draft, {.kind = kind, .inode = *file});
}

bool Sync(TraceDraft& draft) { return SyncFile(draft, OpKind::kSync); }
bool DataSync(TraceDraft& draft) { return SyncFile(draft, OpKind::kDataSync); }
bool SyncAll(TraceDraft& draft) { return PutOnce(draft, {.kind = OpKind::kSyncAll}); }

bool SyncDirectory(TraceDraft& draft) {
  const auto directory = draft.AnyOf(draft.disk().Inodes(TraceDraft::Kind::kDirectory));
  return directory && PutOnce(draft, {.kind = OpKind::kSyncDirectory, .inode = *directory});
}

// A page, or all that there are.
bool SyncPages(TraceDraft& draft, OpKind kind) {
  const auto file = draft.AnyFile(1, kMaxBytes);
  if (!file) return false;
  const uint64_t pages = PageCount(draft.SizeOf(*file));
  const bool whole = draft.random().OneIn(1, 2);
  const uint64_t first = whole ? 0 : draft.random().Below(pages);
  return PutOnce(draft, {.kind = kind,
                         .inode = *file,
                         .offset_bytes = first * kPageBytes,
                         .size_bytes = (whole ? pages : 1) * kPageBytes});
}

bool SyncMapped(TraceDraft& draft) { return SyncPages(draft, OpKind::kSyncMapped); }
bool SyncRange(TraceDraft& draft) { return SyncPages(draft, OpKind::kSyncRange); }

// All of the file was not written, or one page.
bool FailToSync(TraceDraft& draft) {
  const auto file = draft.AnyFile();
  if (!file) return false;
  const auto kind = draft.AnyOf({OpKind::kSync, OpKind::kDataSync, OpKind::kSyncMapped});
  Op op{.kind = kind, .result_errno = EIO, .inode = *file};
  const uint64_t pages = PageCount(draft.SizeOf(*file));
  if (pages > 0 && draft.random().OneIn(1, 2)) {
    op.offset_bytes = draft.random().Below(pages) * kPageBytes;
    op.size_bytes = kPageBytes;
  }
  return PutOnce(draft, op);
}

// Transactions one after the other, without changes.
bool Transact(TraceDraft& draft) {
  auto& transactions = draft.trace().transactions;
  for (auto op = draft.trace().ops.rbegin(); op != draft.trace().ops.rend(); ++op) {
    if (op->kind == OpKind::kAcknowledge) break;
    if (op->kind != OpKind::kBegin) continue;
    return draft.Put({.kind = OpKind::kAcknowledge, .transaction = op->transaction});
  }
  transactions.emplace_back();
  return draft.Put(
      {.kind = OpKind::kBegin, .transaction = static_cast<uint32_t>(transactions.size())});
}

bool CallTheUnknown(TraceDraft& draft) {
  const auto file = draft.AnyFile();
  return PutOnce(
      draft, {.kind = OpKind::kUnmodelled, .inode = file.value_or(kNoInode), .name = "ioctl 7"});
}

constexpr RandomAction kActions[] = {{&Sync, 3},       {&DataSync, 4},   {&SyncDirectory, 3},
                                     {&SyncAll, 8},    {&SyncMapped, 5}, {&SyncRange, 6},
                                     {&FailToSync, 5}, {&Transact, 16},  {&CallTheUnknown, 40}};

}  // namespace

std::span<const RandomAction> SyncActions() { return kActions; }

}  // namespace plugpull
