#include "faults/persistence/overlay.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace plugpull {

void OverlayPage::Clear() {
  full_ = false;
  written_.fill(0);
}

void OverlayPage::Write(size_t begin, std::span<const std::byte> data) {
  std::memcpy(bytes_.data() + begin, data.data(), data.size());
  if (full_) return;
  if (data.size() == kPageBytes) {
    full_ = true;
    return;
  }
  size_t position = begin;
  const size_t end = begin + data.size();
  while (position < end) {
    const size_t bit = position % 64;
    const size_t count = std::min(end - position, 64 - bit);
    const uint64_t mask = (count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1) << bit;
    written_[position / 64] |= mask;
    position += count;
  }
}

size_t OverlayPage::RunEnd(size_t begin, size_t end, bool& written) const {
  if (full_) {
    written = true;
    return end;
  }
  written = (written_[begin / 64] >> (begin % 64) & 1U) != 0;
  size_t position = begin;
  while (position < end) {
    const uint64_t word = written ? ~written_[position / 64] : written_[position / 64];
    const uint64_t rest = word >> (position % 64);
    if (rest != 0) {
      return std::min<size_t>(end, position + static_cast<size_t>(std::countr_zero(rest)));
    }
    position = (position / 64 + 1) * 64;
  }
  return end;
}

OverlayPage* OverlayPool::Take() {
  if (used_ == pages_.size()) pages_.push_back(std::make_unique<OverlayPage>());
  OverlayPage* page = pages_[used_++].get();
  page->Clear();
  return page;
}

void OverlayFile::Clear() {
  for (const uint32_t index : touched_) pages_[index] = nullptr;
  touched_.clear();
  size_bytes.reset();
  forgotten_from_bytes = kNothingForgotten;
}

void OverlayFile::Write(OverlayPool& pool, uint64_t offset_bytes, std::span<const std::byte> data) {
  while (!data.empty()) {
    const size_t index = offset_bytes / kPageBytes;
    const size_t begin = offset_bytes % kPageBytes;
    const size_t length = std::min(data.size(), kPageBytes - begin);
    if (index >= pages_.size()) pages_.resize(index + 1, nullptr);
    if (pages_[index] == nullptr) {
      pages_[index] = pool.Take();
      touched_.push_back(static_cast<uint32_t>(index));
    }
    pages_[index]->Write(begin, data.first(length));
    data = data.subspan(length);
    offset_bytes += length;
  }
}

void OverlayFile::Truncate(uint64_t new_size_bytes) {
  static constexpr std::array<std::byte, kPageBytes> kZeros{};
  const size_t remainder = new_size_bytes % kPageBytes;
  // Written pages beyond the cut go; in the page of the cut, written bytes become zeros.
  for (const uint32_t index : touched_) {
    const uint64_t start = uint64_t{index} * kPageBytes;
    if (pages_[index] == nullptr || start + kPageBytes <= new_size_bytes) continue;
    if (start >= new_size_bytes) {
      pages_[index] = nullptr;
    } else {
      pages_[index]->Write(remainder, std::span(kZeros).first(kPageBytes - remainder));
    }
  }
  std::erase_if(touched_, [this](uint32_t index) { return pages_[index] == nullptr; });
  forgotten_from_bytes = std::min(forgotten_from_bytes, new_size_bytes);
  size_bytes = new_size_bytes;
}

}  // namespace plugpull
