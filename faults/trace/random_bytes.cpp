// The actions of random traces on bytes and sizes: writes of every alignment and in every way.
#include <algorithm>
#include <cerrno>

#include "faults/trace/random_operations.h"
#include "faults/trace/trace_draft.h"

namespace plugpull {
namespace {

constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kSectorBytes = 512;
constexpr uint64_t kMaxBytes = kMaxRandomFileBytes;

uint64_t RoundUp(uint64_t bytes, uint64_t unit) { return (bytes + unit - 1) / unit * unit; }

bool Write(TraceDraft& draft, InodeId file, uint64_t offset_bytes, uint64_t size_bytes,
           uint32_t flags = 0) {
  return draft.Put(
      {.kind = OpKind::kWrite, .inode = file, .offset_bytes = offset_bytes, .flags = flags},
      draft.Fresh(size_bytes));
}

// Returns: the length of a write: 1 to `limit`.
uint64_t AnyLength(TraceDraft& draft, uint64_t limit) {
  const uint64_t few = 1 + draft.random().Below(600);
  return std::min(limit,
                  draft.AnyOf({uint64_t{1}, few, few, kSectorBytes, kPageBytes, kPageBytes + 100}));
}

bool WriteInPlace(TraceDraft& draft) {
  const auto file = draft.AnyFile(1, kMaxBytes);
  if (!file) return false;
  const uint64_t offset = draft.AnyPosition(draft.SizeOf(*file) - 1);
  return Write(draft, *file, offset, AnyLength(draft, draft.SizeOf(*file) - offset));
}

// Grows the file within the page of its end, from there or from before it.
bool WriteInLastPage(TraceDraft& draft) {
  const auto file = draft.AnyFile(0, kMaxBytes - 1);
  if (!file) return false;
  const uint64_t size = draft.SizeOf(*file);
  const uint64_t page_end = (size / kPageBytes + 1) * kPageBytes;
  const uint64_t end = size + AnyLength(draft, page_end - size);
  const uint64_t overlap = draft.random().Below(std::min<uint64_t>(size, 600) + 1);
  const uint64_t offset = draft.random().OneIn(1, 2) ? size : size - overlap;
  return Write(draft, *file, offset, end - offset);
}

// Fills the page of the end and one more, or starts at a border and fills one.
bool AppendPages(TraceDraft& draft) {
  const auto file = draft.AnyFile(0, kMaxBytes - kPageBytes);
  if (!file) return false;
  const uint64_t size = draft.SizeOf(*file);
  return Write(draft, *file, size, RoundUp(size, kPageBytes) + kPageBytes - size);
}

bool WriteBeyondGap(TraceDraft& draft) {
  const auto file = draft.AnyFile(0, kMaxBytes - 2);
  if (!file) return false;
  const uint64_t size = draft.SizeOf(*file);
  const uint64_t offset = size + 1 + draft.AnyPosition(kMaxBytes - size - 2);
  return Write(draft, *file, offset, AnyLength(draft, kMaxBytes - offset));
}

bool WriteDirect(TraceDraft& draft) {
  const auto file = draft.AnyFile();
  if (!file) return false;
  const uint64_t last = std::min(draft.SizeOf(*file), kMaxBytes - kSectorBytes) / kSectorBytes;
  const uint64_t offset = draft.AnyOf({draft.random().Below(last + 1), last}) * kSectorBytes;
  const uint64_t length = draft.AnyOf({kSectorBytes, 3 * kSectorBytes, kPageBytes});
  return Write(draft, *file, offset, std::min(length, kMaxBytes - offset), kDirect);
}

// Of a power of two and aligned to it, as RWF_ATOMIC wants it.
bool WriteUntorn(TraceDraft& draft) {
  const auto file = draft.AnyFile();
  if (!file) return false;
  const uint64_t length = draft.AnyOf({kPageBytes, kPageBytes, 2 * kPageBytes});
  const uint64_t last = std::min(draft.SizeOf(*file), kMaxBytes - length) / length;
  const uint64_t offset = draft.random().Below(last + 1) * length;
  return Write(draft, *file, offset, length, draft.AnyOf<uint32_t>({kUntorn, kUntorn | kDirect}));
}

// A page as it was captured: what it held, with a part of it stored over. Where the file ends in
// the page, the capture ends there too: a mapping does not grow a file.
bool WriteMapped(TraceDraft& draft) {
  const auto file = draft.AnyFile(1, kMaxBytes);
  if (!file) return false;
  const uint64_t page = draft.random().Below(RoundUp(draft.SizeOf(*file), kPageBytes) / kPageBytes);
  std::string bytes = draft.disk().At(*file).bytes.substr(page * kPageBytes, kPageBytes);
  const uint64_t stored = draft.AnyPosition(bytes.size() - 1);
  const uint64_t length = AnyLength(draft, bytes.size() - stored);
  bytes.replace(stored, length, draft.Fresh(length));
  return draft.Put(
      {.kind = OpKind::kWrite, .inode = *file, .offset_bytes = page * kPageBytes, .flags = kMapped},
      bytes);
}

bool WriteSynchronously(TraceDraft& draft) {
  if (draft.room() < 2) return false;
  const auto write =
      draft.AnyOf({&WriteInPlace, &WriteInLastPage, &AppendPages, &WriteBeyondGap, &WriteDirect});
  if (!write(draft)) return false;
  const Op& done = draft.trace().ops.back();
  return draft.Put({.kind = OpKind::kSyncWrite,
                    .inode = done.inode,
                    .offset_bytes = done.offset_bytes,
                    .size_bytes = done.size_bytes,
                    .flags = draft.AnyOf<uint32_t>({0, kFullSync})});
}

bool FailToWrite(TraceDraft& draft) {
  const auto file = draft.AnyFile();
  return file && draft.Put({.kind = OpKind::kWrite, .result_errno = ENOSPC, .inode = *file},
                           draft.Fresh(9));
}

bool Truncate(TraceDraft& draft, InodeId file, uint64_t size_bytes) {
  return draft.Put({.kind = OpKind::kTruncate, .inode = file, .size_bytes = size_bytes});
}

bool TruncateDown(TraceDraft& draft) {
  const auto file = draft.AnyFile(1, kMaxBytes);
  return file && Truncate(draft, *file, draft.AnyPosition(draft.SizeOf(*file) - 1));
}

bool TruncateUp(TraceDraft& draft) {
  const auto file = draft.AnyFile(0, kMaxBytes - 1);
  if (!file) return false;
  const uint64_t size = draft.SizeOf(*file);
  return Truncate(draft, *file, size + 1 + draft.AnyPosition(kMaxBytes - size - 1));
}

bool TruncateToZero(TraceDraft& draft) {
  const auto file = draft.AnyFile(1, kMaxBytes);
  return file && Truncate(draft, *file, 0);
}

bool Allocate(TraceDraft& draft, std::initializer_list<uint32_t> flags) {
  const auto file = draft.AnyFile();
  if (!file) return false;
  // Half of the time it touches what the file holds.
  const uint64_t size = draft.SizeOf(*file);
  const bool within = size > 0 && draft.random().OneIn(1, 2);
  const uint64_t offset = draft.AnyPosition((within ? size : kMaxBytes) - 1);
  return draft.Put({.kind = OpKind::kAllocate,
                    .inode = *file,
                    .offset_bytes = offset,
                    .size_bytes = AnyLength(draft, kMaxBytes - offset),
                    .flags = draft.AnyOf(flags)});
}

bool Preallocate(TraceDraft& draft) { return Allocate(draft, {0, 0, kKeepSize}); }
bool PunchHole(TraceDraft& draft) { return Allocate(draft, {kPunchHole | kKeepSize}); }
bool ZeroRange(TraceDraft& draft) { return Allocate(draft, {kZeroRange, kZeroRange | kKeepSize}); }

// Whole pages, as FICLONERANGE takes them; the last one of the source only to the end of a file.
bool Clone(TraceDraft& draft) {
  const auto source = draft.AnyFile(1, kMaxBytes);
  const auto file = draft.AnyFile();
  if (!source || !file) return false;
  const uint64_t begin =
      draft.random().Below(RoundUp(draft.SizeOf(*source), kPageBytes)) / kPageBytes * kPageBytes;
  const uint64_t last = std::min(draft.SizeOf(*file), kMaxBytes - 1) / kPageBytes;
  const uint64_t offset = draft.random().Below(last + 1) * kPageBytes;
  const std::string bytes = draft.disk().At(*source).bytes.substr(begin, kPageBytes);
  const bool reaches_end = offset + bytes.size() >= draft.SizeOf(*file);
  if (bytes.size() < kPageBytes && !reaches_end) return false;
  if (source == file && begin == offset) return false;
  return draft.Put(
      {.kind = OpKind::kClone, .inode = *file, .offset_bytes = offset, .other_inode = *source},
      bytes);
}

constexpr RandomAction kActions[] = {
    {&WriteInLastPage, 3}, {&AppendPages, 3},  {&WriteInPlace, 3}, {&WriteBeyondGap, 5},
    {&WriteDirect, 6},     {&WriteUntorn, 6},  {&WriteMapped, 5},  {&WriteSynchronously, 5},
    {&FailToWrite, 20},    {&TruncateDown, 5}, {&TruncateUp, 5},   {&TruncateToZero, 6},
    {&Preallocate, 6},     {&PunchHole, 6},    {&ZeroRange, 6},    {&Clone, 6}};

}  // namespace

std::span<const RandomAction> ByteActions() { return kActions; }

}  // namespace plugpull
