#include "faults/trace/trace_draft.h"

#include <algorithm>
#include <limits>

#include "faults/base/assert.h"
#include "faults/base/bytes.h"

namespace plugpull {

bool TraceDraft::Put(Op op, std::string_view payload) {
  Assert(room() > 0, "a draft has the length that was asked for");
  if (!payload.empty()) {
    const auto bytes = AsBytes(payload);
    op.size_bytes = bytes.size();
    op.payload_offset = trace_.payload.size();
    trace_.payload.insert(trace_.payload.end(), bytes.begin(), bytes.end());
  }
  if (op.result_errno == 0) disk_.Apply(op, AsBytes(payload));
  trace_.ops.push_back(std::move(op));
  return true;
}

void TraceDraft::MaybeClose(InodeId inode) {
  const std::vector<InodeId> files = disk_.Inodes(Kind::kFile);
  const bool is_open = std::ranges::count(files, inode) != 0;
  if (is_open && !disk_.IsNamed(inode) && random_.OneIn(1, 2)) disk_.Close(inode);
}

std::optional<InodeId> TraceDraft::AnyFile(uint64_t min_bytes, uint64_t max_bytes) {
  std::vector<InodeId> files = disk_.Inodes(Kind::kFile);
  std::erase_if(files,
                [&](InodeId file) { return SizeOf(file) < min_bytes || SizeOf(file) > max_bytes; });
  return AnyOf(files);
}

std::optional<InodeId> TraceDraft::AnyFile() {
  return AnyFile(0, std::numeric_limits<uint64_t>::max());
}

std::optional<TraceDraft::Place> TraceDraft::AnyFreePlace(bool in_root) {
  std::vector<Place> places;
  for (const InodeId directory : disk_.Inodes(Kind::kDirectory)) {
    if (in_root && directory != kRootInode) continue;
    for (const char* name : {"a", "b", "d"}) {
      if (!disk_.entries().contains({directory, name})) places.emplace_back(directory, name);
    }
  }
  return AnyOf(places);
}

uint64_t TraceDraft::AnyPosition(uint64_t limit) {
  const uint64_t unit = AnyOf<uint64_t>({1, 1, 512, 4096, 4096});
  const uint64_t position = random_.Below(limit / unit + 1) * unit;
  const bool before = unit != 1 && position > 0 && random_.OneIn(1, 4);
  return before ? position - 1 : position;
}

}  // namespace plugpull
