#include "faults/vfs/file_content.h"

#include <algorithm>
#include <cstring>

namespace plugpull {

size_t FileContent::Read(uint64_t offset_bytes, std::span<std::byte> out) const {
  if (offset_bytes >= size_bytes_) return 0;
  const size_t length = std::min<uint64_t>(out.size(), size_bytes_ - offset_bytes);
  ReadStored(offset_bytes, out.first(length));
  return length;
}

void FileContent::ReadStored(uint64_t offset_bytes, std::span<std::byte> out) const {
  while (!out.empty()) {
    const size_t begin = offset_bytes % kPageBytes;
    const size_t length = std::min(out.size(), kPageBytes - begin);
    if (const Page* page = FindPage(offset_bytes / kPageBytes)) {
      std::memcpy(out.data(), page->data() + begin, length);
    } else {
      std::memset(out.data(), 0, length);
    }
    out = out.subspan(length);
    offset_bytes += length;
  }
}

size_t FileContent::SlotAt(uint64_t index) const {
  if (index < slots_.size() && slots_[index].index == index) return index;  // no holes before it
  if (slots_.empty() || slots_.back().index < index) return slots_.size();
  const auto slot = std::ranges::lower_bound(slots_, index, {}, &Slot::index);
  return static_cast<size_t>(slot - slots_.begin());
}

const FileContent::Page* FileContent::FindPage(uint64_t index) const {
  const size_t slot = SlotAt(index);
  return slot < slots_.size() && slots_[slot].index == index ? slots_[slot].page.get() : nullptr;
}

FileContent::Page& FileContent::WritablePage(uint64_t index) {
  const size_t slot = SlotAt(index);
  if (slot == slots_.size() || slots_[slot].index != index) {
    slots_.insert(slots_.begin() + static_cast<ptrdiff_t>(slot), {index, std::make_shared<Page>()});
  } else if (slots_[slot].page.use_count() > 1) {
    slots_[slot].page = std::make_shared<Page>(*slots_[slot].page);
  }
  return *slots_[slot].page;
}

void FileContent::Store(uint64_t offset_bytes, std::span<const std::byte> data) {
  while (!data.empty()) {
    const size_t begin = offset_bytes % kPageBytes;
    const size_t length = std::min(data.size(), kPageBytes - begin);
    std::memcpy(WritablePage(offset_bytes / kPageBytes).data() + begin, data.data(), length);
    data = data.subspan(length);
    offset_bytes += length;
  }
}

void FileContent::RaiseSize(uint64_t size_bytes) {
  size_bytes_ = std::max(size_bytes_, size_bytes);
}

void FileContent::Truncate(uint64_t size_bytes) {
  size_bytes_ = size_bytes;
  const size_t remainder = size_bytes % kPageBytes;
  const size_t gone = SlotAt((size_bytes + kPageBytes - 1) / kPageBytes);
  slots_.erase(slots_.begin() + static_cast<ptrdiff_t>(gone), slots_.end());
  if (remainder == 0 || slots_.empty() || slots_.back().index != size_bytes / kPageBytes) return;
  const auto tail = std::span(*slots_.back().page).subspan(remainder);
  if (std::ranges::all_of(tail, [](std::byte byte) { return byte == std::byte{0}; })) return;
  std::ranges::fill(std::span(WritablePage(slots_.back().index)).subspan(remainder), std::byte{0});
}

bool FileContent::ReadsLike(const FileContent& other) const {
  if (size_bytes_ != other.size_bytes_) return false;
  static constexpr Page kZeros{};
  const auto covers = [](const FileContent& left, const FileContent& right) {
    for (const Slot& slot : left.slots_) {
      if (slot.index * kPageBytes >= left.size_bytes_) break;
      const Page* stored = right.FindPage(slot.index);
      const Page& page = stored == nullptr ? kZeros : *stored;
      const size_t length = std::min(kPageBytes, left.size_bytes_ - slot.index * kPageBytes);
      if (slot.page.get() == stored) continue;
      if (std::memcmp(slot.page->data(), page.data(), length) != 0) return false;
    }
    return true;
  };
  return covers(*this, other) && covers(other, *this);
}

}  // namespace plugpull
