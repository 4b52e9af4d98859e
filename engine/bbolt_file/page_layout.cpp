#include "engine/bbolt_file/page_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace plugpull::bbolt_file {
namespace {

using namespace cow_tree;

constexpr size_t kFaultsMax = 24;  // of one page; a torn one has many

class LayoutCheck {
 public:
  LayoutCheck(const PageRun& run, uint32_t page_size_bytes, bool first_only)
      : run_(run), page_size_bytes_(page_size_bytes), first_only_(first_only) {}

  // Returns: false when nothing more should be looked at.
  bool Add(LayoutFaultKind kind, uint32_t index = 0, uint64_t at = 0) {
    if (layout_.faults.size() < kFaultsMax) layout_.faults.push_back({kind, index, at});
    return !first_only_;
  }

  // Requires: the header says branch or leaf.
  Expected<void> CheckElements() {
    layout_.is_walkable = false;
    if (!run_.HasElements()) {
      Add(LayoutFaultKind::kOutside);
      return {};
    }
    bool is_inside = true;
    uint64_t expected_at = run_.data_begin();
    bool is_packed = true;
    for (uint32_t index = 0; index < run_.count(); ++index) {
      const RunElement element = run_.Element(index);
      const uint64_t element_at = kPageHeaderBytes + uint64_t{kElementBytes} * index;
      if (element.key_at < run_.data_begin() || element.end() > run_.run_bytes()) {
        is_inside = false;
        if (!Add(LayoutFaultKind::kOutside, index, element_at)) return {};
        continue;
      }
      if (element.key_bytes == 0 || element.key_bytes > kKeyBytesMax) {
        is_inside = is_inside && element.key_bytes == 0;
        if (!Add(LayoutFaultKind::kKeySize, index, element_at)) return {};
      }
      if ((element.flags & ~kBucketElementFlag) != 0 &&
          !Add(LayoutFaultKind::kElementFlags, index, element_at)) {
        return {};
      }
      if (element.key_at != expected_at) {
        is_packed = false;
        if (!Add(LayoutFaultKind::kPacking, index, element_at)) return {};
      }
      expected_at = element.end();
      layout_.payload_bytes += uint64_t{element.key_bytes} + element.value_bytes;
      layout_.has_buckets = layout_.has_buckets || IsBucket(element);
    }
    layout_.is_walkable = is_inside;
    layout_.used_bytes = is_packed && is_inside ? expected_at : 0;
    return is_inside ? CheckOrder() : Expected<void>{};
  }

  // The last value ends in the last page, and zeros follow it.
  Expected<void> CheckEnd() {
    if (layout_.used_bytes == 0) return {};
    const uint64_t pages = (layout_.used_bytes + page_size_bytes_ - 1) / page_size_bytes_;
    if (pages != uint64_t{run_.header().overflow} + 1 && !Add(LayoutFaultKind::kOverflow)) {
      return {};
    }
    const uint64_t end = std::min(pages * page_size_bytes_, run_.run_bytes());
    const Expected<Bytes> tail = run_.At(layout_.used_bytes, end - layout_.used_bytes, first_);
    if (!tail) return std::unexpected(tail.error());
    const size_t zeros = ZerosAtFront(*tail);
    if (zeros < tail->size()) Add(LayoutFaultKind::kTail, 0, layout_.used_bytes + zeros);
    return {};
  }

  PageLayout Take() { return std::move(layout_); }

 private:
  static size_t ZerosAtFront(Bytes bytes) {
    size_t at = 0;
    while (at + 8 <= bytes.size() && Load<uint64_t>(bytes.data() + at) == 0) at += 8;
    while (at < bytes.size() && bytes[at] == std::byte{0}) ++at;
    return at;
  }

  bool IsBucket(const RunElement& element) const {
    if ((element.flags & kBucketElementFlag) != 0) return true;
    constexpr uint64_t kFrontBytes = kBucketHeaderBytes + kPageHeaderBytes;
    if (element.value_bytes < kFrontBytes ||
        element.value_at() + kFrontBytes > run_.held().size()) {
      return false;
    }
    return LooksLikeInlineBucket(run_.held().subspan(element.value_at(), kFrontBytes),
                                 element.value_bytes, page_size_bytes_);
  }

  Expected<void> CheckOrder() {
    Bytes previous;
    for (uint32_t index = 0; index < run_.count(); ++index) {
      const Expected<Bytes> key = run_.Key(index, index % 2 == 0 ? first_ : second_);
      if (!key) return std::unexpected(key.error());
      if (index > 0 && CompareKeys(*key, previous) <= 0 &&
          !Add(LayoutFaultKind::kOrder, index, run_.Element(index).key_at)) {
        return {};
      }
      previous = *key;
    }
    return {};
  }

  const PageRun& run_;
  uint32_t page_size_bytes_;
  bool first_only_;
  PageLayout layout_;
  std::vector<std::byte> first_;
  std::vector<std::byte> second_;
};

bool IsKnownFlag(uint16_t flags) {
  return std::popcount(flags) == 1 &&
         (flags & (kBranchFlag | kLeafFlag | kMetaFlag | kFreelistFlag)) != 0;
}

}  // namespace

Expected<PageLayout> CheckLayout(const PageRun& run, PageId id, uint32_t page_size_bytes,
                                 bool first_only) {
  LayoutCheck check(run, page_size_bytes, first_only);
  const PageHeader& header = run.header();
  if (header.id != id && !check.Add(LayoutFaultKind::kId)) return check.Take();
  if (!IsKnownFlag(header.flags)) {
    check.Add(LayoutFaultKind::kFlags, 0, 8);
    return check.Take();
  }
  if (header.flags != kBranchFlag && header.flags != kLeafFlag) {
    check.Add(LayoutFaultKind::kType, 0, 8);
    return check.Take();
  }
  if (Expected<void> done = check.CheckElements(); !done) return std::unexpected(done.error());
  if (Expected<void> done = check.CheckEnd(); !done) return std::unexpected(done.error());
  PageLayout layout = check.Take();
  if (header.id != id) layout.is_walkable = false;
  return layout;
}

Expected<PageLayout> CheckInlineLayout(const PageRun& image) {
  // A bucket image is shorter than any page, so that its overflow must be 0; what would be its tail
  // is a fault of the size of the value instead.
  LayoutCheck check(image, kPageSizeMax, false);
  const PageHeader& header = image.header();
  if (header.id != 0) check.Add(LayoutFaultKind::kId);
  if (header.overflow != 0) check.Add(LayoutFaultKind::kOverflow, 0, 12);
  if (header.flags != kLeafFlag) {
    check.Add(IsKnownFlag(header.flags) ? LayoutFaultKind::kType : LayoutFaultKind::kFlags, 0, 8);
    return check.Take();
  }
  if (Expected<void> done = check.CheckElements(); !done) return std::unexpected(done.error());
  return check.Take();
}

bool LooksLikeInlineBucket(Bytes value_front, uint64_t value_bytes, uint32_t page_size_bytes) {
  if (value_bytes > kBucketHeaderBytes + page_size_bytes / 4) return false;
  const BucketHeader bucket = LoadBucketHeader(value_front.data());
  const PageHeader page = LoadPageHeader(value_front.data() + kBucketHeaderBytes);
  return bucket.root == 0 && page.id == 0 && page.flags == kLeafFlag && page.overflow == 0 &&
         kBucketHeaderBytes + kPageHeaderBytes + uint64_t{kElementBytes} * page.count <=
             value_bytes;
}

std::string RuleOf(LayoutFaultKind kind) { return kind == LayoutFaultKind::kOrder ? "I5" : "I3"; }

std::string HexKey(Bytes key) {
  constexpr size_t kShownBytesMax = 48;
  std::string text;
  for (const std::byte byte : key.first(std::min(key.size(), kShownBytesMax))) {
    text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  }
  if (key.size() > kShownBytesMax) text += "..";
  return text;
}

std::string DescribeLayoutFault(const LayoutFault& fault, const PageRun& run, PageId id,
                                const std::string& stack) {
  const PageHeader& header = run.header();
  switch (fault.kind) {
    case LayoutFaultKind::kId:
      return fmt::format(
          "assertion failed: Page expected to be: {}, but self identifies as {} (stack: {})", id,
          header.id, stack);
    case LayoutFaultKind::kFlags:
      return fmt::format("page {}: has unexpected type/flags: {:x} (stack: {})", id, header.flags,
                         stack);
    case LayoutFaultKind::kType:
      return fmt::format("page {}: invalid type: {} (stack: {})", id, PageTypeName(header.flags),
                         stack);
    case LayoutFaultKind::kOutside:
      return fmt::format("page {}: element {} of {} lies outside the page (stack: {})", id,
                         fault.index, header.count, stack);
    case LayoutFaultKind::kKeySize:
      return fmt::format("page {}: element {}: key of {} bytes (stack: {})", id, fault.index,
                         run.Element(fault.index).key_bytes, stack);
    case LayoutFaultKind::kPacking:
      return fmt::format(
          "page {}: element {}: its data at byte {} does not follow that before it "
          "(stack: {})",
          id, fault.index, run.Element(fault.index).key_at, stack);
    case LayoutFaultKind::kElementFlags:
      return fmt::format("page {}: element {}: unknown flags {:x} (stack: {})", id, fault.index,
                         run.Element(fault.index).flags, stack);
    case LayoutFaultKind::kOverflow:
      return fmt::format("page {}: overflow of {} pages does not fit the contents (stack: {})", id,
                         header.overflow, stack);
    case LayoutFaultKind::kTail:
      return fmt::format("page {}: byte {} after the last value is not zero (stack: {})", id,
                         fault.at, stack);
    case LayoutFaultKind::kOrder:
      break;
  }
  std::vector<std::byte> first;
  std::vector<std::byte> second;
  const Expected<Bytes> previous = run.Key(fault.index - 1, first);
  const Expected<Bytes> key = run.Key(fault.index, second);
  if (!previous || !key) return fmt::format("page {}: keys out of order", id);
  return fmt::format(
      "key[{}]=(hex){} on {} page({}) needs to be > (found {}) than previous element (hex){}. "
      "Stack: {}",
      fault.index, HexKey(*key), PageTypeName(header.flags), id,
      CompareKeys(*key, *previous) < 0 ? "<" : "=", HexKey(*previous), stack);
}

}  // namespace plugpull::bbolt_file
