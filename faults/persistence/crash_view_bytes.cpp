// The sizes and bytes that a CrashView shows. Names are in crash_view.cpp.
#include <algorithm>
#include <cstring>

#include "faults/persistence/crash_view.h"

namespace plugpull {

// Returns: the size, clamped to [low, high]. Asks only as much as that needs.
uint64_t CrashView::SizeWithin(File& file, uint64_t low_bytes, uint64_t high_bytes) {
  if (file.overlay.size_bytes) return std::clamp(*file.overlay.size_bytes, low_bytes, high_bytes);
  return disk_.SizeWithin(file.on_disk, low_bytes, high_bytes);
}

size_t CrashView::Read(File& file, uint64_t offset_bytes, std::span<std::byte> out) {
  if (out.empty()) return 0;
  const uint64_t end_bytes = SizeWithin(file, offset_bytes, offset_bytes + out.size());
  const size_t length = end_bytes - offset_bytes;
  size_t done = 0;
  while (done < length) {
    const uint64_t position = offset_bytes + done;
    const size_t in_page = position % kPageBytes;
    const size_t count = std::min(length - done, kPageBytes - in_page);
    const OverlayPage* page = file.overlay.PageAt(position / kPageBytes);
    if (page == nullptr) {
      ReadCrashState(file, position, out.subspan(done, count));
      done += count;
      continue;
    }
    bool written = false;
    const size_t run_end = page->RunEnd(in_page, in_page + count, written);
    const size_t run = run_end - in_page;
    if (written) {
      std::memcpy(out.data() + done, page->bytes() + in_page, run);
    } else {
      ReadCrashState(file, position, out.subspan(done, run));
    }
    done += run;
  }
  return length;
}

// Reads what the crash left, within one page.
void CrashView::ReadCrashState(File& file, uint64_t offset_bytes, std::span<std::byte> out) {
  if (offset_bytes + out.size() > file.overlay.forgotten_from_bytes) {
    const size_t remembered = file.overlay.forgotten_from_bytes > offset_bytes
                                  ? file.overlay.forgotten_from_bytes - offset_bytes
                                  : 0;
    std::ranges::fill(out.subspan(remembered), std::byte{0});
    out = out.first(remembered);
    if (out.empty()) return;
  }
  disk_.Read(file.on_disk, offset_bytes, out);
}

Expected<void> CrashView::Write(File& file, uint64_t offset_bytes,
                                std::span<const std::byte> data) {
  Op op{.kind = OpKind::kWrite,
        .inode = file.on_disk.inode,
        .offset_bytes = offset_bytes,
        .size_bytes = data.size()};
  if (data.empty() && !is_dead_) return {};
  if (Expected<void> alive = Announce(op); !alive) return alive;
  modified_ = true;
  const uint64_t end_bytes = offset_bytes + data.size();
  const uint64_t old_size = SizeWithin(file, 0, end_bytes);
  NoteSize(file, old_size, /*is_exact=*/old_size < end_bytes);
  Append(std::move(op), data);
  if (old_size < end_bytes) {
    // Growing: what the crash left beyond the old end does not come back.
    file.overlay.forgotten_from_bytes = std::min(file.overlay.forgotten_from_bytes, old_size);
    file.overlay.size_bytes = end_bytes;
  }
  file.overlay.Write(pool_, offset_bytes, data);
  return {};
}

Expected<void> CrashView::Truncate(File& file, uint64_t size_bytes) {
  Op op{.kind = OpKind::kTruncate, .inode = file.on_disk.inode, .size_bytes = size_bytes};
  if (Expected<void> alive = Announce(op); !alive) return alive;
  if (log_ != nullptr) NoteSize(file, SizeWithin(file, 0, UINT64_MAX), /*is_exact=*/true);
  Append(std::move(op));
  Cut(file, size_bytes);
  return {};
}

void CrashView::Cut(File& file, uint64_t size_bytes) {
  modified_ = true;
  const uint64_t old_size = SizeWithin(file, 0, size_bytes);
  file.overlay.Truncate(size_bytes);
  file.overlay.forgotten_from_bytes = std::min(file.overlay.forgotten_from_bytes, old_size);
}

Expected<void> CrashView::Allocate(File& file, uint64_t offset_bytes, uint64_t size_bytes) {
  Op op{.kind = OpKind::kAllocate,
        .inode = file.on_disk.inode,
        .offset_bytes = offset_bytes,
        .size_bytes = size_bytes};
  if (Expected<void> alive = Announce(op); !alive) return alive;
  const uint64_t end_bytes = offset_bytes + size_bytes;
  const uint64_t old_size = SizeWithin(file, 0, end_bytes);
  NoteSize(file, old_size, /*is_exact=*/old_size < end_bytes);
  Append(std::move(op));
  if (old_size < end_bytes) Cut(file, end_bytes);
  return {};
}

}  // namespace plugpull
