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
  return size_bytes_ == other.size_bytes_ && PagesUnlike(other).empty();
}

std::vector<uint64_t> FileContent::PagesUnlike(const FileContent& other) const {
  static constexpr Page kZeros{};
  const auto visible = [](const FileContent& content, const Page* page, uint64_t index) {
    const uint64_t begin = index * kPageBytes;
    if (page == nullptr || begin >= content.size_bytes_) return std::span<const std::byte>();
    return std::span(*page).first(std::min<uint64_t>(kPageBytes, content.size_bytes_ - begin));
  };
  const auto same = [&](const Page* page, const Page* other_page, uint64_t index) {
    const auto bytes = visible(*this, page, index);
    const auto other_bytes = visible(other, other_page, index);
    if (bytes.data() == other_bytes.data() && bytes.size() == other_bytes.size()) return true;
    const size_t common = std::min(bytes.size(), other_bytes.size());
    const auto& longer = bytes.size() > common ? bytes : other_bytes;
    // An empty span has no data to point at.
    return (common == 0 || std::memcmp(bytes.data(), other_bytes.data(), common) == 0) &&
           (longer.size() == common ||
            std::memcmp(longer.data() + common, kZeros.data(), longer.size() - common) == 0);
  };

  std::vector<uint64_t> unlike;
  size_t here = 0;
  size_t there = 0;
  while (here < slots_.size() || there < other.slots_.size()) {
    const bool only_there = here == slots_.size();
    const bool only_here = there == other.slots_.size();
    const uint64_t index = only_there  ? other.slots_[there].index
                           : only_here ? slots_[here].index
                                       : std::min(slots_[here].index, other.slots_[there].index);
    const bool is_here = !only_there && slots_[here].index == index;
    const bool is_there = !only_here && other.slots_[there].index == index;
    const Page* page = is_here ? slots_[here++].page.get() : nullptr;
    const Page* other_page = is_there ? other.slots_[there++].page.get() : nullptr;
    if (!same(page, other_page, index)) unlike.push_back(index);
  }
  return unlike;
}

std::span<const std::byte> FileContent::StoredPage(uint64_t index) const {
  const Page* page = FindPage(index);
  return page == nullptr ? std::span<const std::byte>() : std::span<const std::byte>(*page);
}

std::optional<uint64_t> FileContent::NextStoredPage(uint64_t index) const {
  const size_t slot = SlotAt(index);
  return slot < slots_.size() ? std::optional(slots_[slot].index) : std::nullopt;
}

}  // namespace plugpull
