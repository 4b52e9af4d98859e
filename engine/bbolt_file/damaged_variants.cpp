#include "engine/bbolt_file/damaged_variants.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/cow_tree/tree_page.h"
#include "faults/base/assert.h"

namespace plugpull::bbolt_file {

using namespace cow_tree;

namespace {

constexpr uint64_t kNasty[] = {0,      1,      2,          3,          0x10,       0x7F, 0xFF,
                               0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, ~0ULL >> 1, ~0ULL};

}  // namespace

VariantMaker::VariantMaker(std::vector<std::byte> file, std::vector<std::vector<std::byte>> older)
    : file_(std::move(file)),
      older_(std::move(older)),
      structure_(file_.size()),
      sizes_at_(file_.size()) {
  const auto first = LoadMeta(file_);
  Assert(first.has_value() && !older_.empty(), "variants are made of a sound file with a past");
  page_size_bytes_ = first->page_size_bytes;
  const auto second = LoadMeta(Bytes(file_).subspan(page_size_bytes_));
  Assert(second.has_value(), "variants are made of a file with two metas");
  const Meta& active = first->transaction_id > second->transaction_id ? *first : *second;
  is_freelist_stored_ = active.freelist != kNoFreelist;
  MarkMetas();
  MarkTree(active.root.root);
  if (is_freelist_stored_) MarkFreelist(active.freelist);
  for (uint64_t at = 0; at < structure_.size(); ++at) {
    if (structure_[at]) structure_at_.push_back(at);
  }
}

void VariantMaker::Mark(uint64_t at, uint64_t size) {
  std::fill_n(structure_.begin() + static_cast<std::ptrdiff_t>(at), size, true);
}

void VariantMaker::MarkMetas() {
  for (PageId slot = 0; slot < 2; ++slot) Mark(slot * page_size_bytes_, kMetaBytes);
}

void VariantMaker::MarkTree(PageId root) {
  std::vector<PageId> todo{root};
  while (!todo.empty()) {
    const PageId id = todo.back();
    todo.pop_back();
    const uint64_t at = id * page_size_bytes_;
    const PageHeader header = LoadPageHeader(&file_[at]);
    if (header.flags == kLeafFlag) {
      MarkLeaf(id, at, false);
      const TreePage leaf(Bytes(file_).subspan(at));
      for (uint32_t index = 0; index < header.count; ++index) {
        const Element element = leaf.LeafElement(index);
        if ((element.flags & kBucketElementFlag) == 0) continue;
        const PageId inner = LoadBucketHeader(element.value.data()).root;
        if (inner != 0) todo.push_back(inner);
      }
      continue;
    }
    Mark(at, kPageHeaderBytes + uint64_t{kElementBytes} * header.count);
    const TreePage branch(Bytes(file_).subspan(at));
    for (uint32_t index = 0; index < header.count; ++index) {
      todo.push_back(branch.BranchElement(index).child);
    }
  }
}

// `at` is where the page begins in the file.
void VariantMaker::MarkLeaf(PageId id, uint64_t at, bool is_inline) {
  const TreePage leaf(Bytes(file_).subspan(at));
  Mark(at, kPageHeaderBytes + uint64_t{kElementBytes} * leaf.count());
  for (uint32_t index = 0; index < leaf.count(); ++index) {
    const Element element = leaf.LeafElement(index);
    const uint64_t sizes_at = at + kPageHeaderBytes + uint64_t{kElementBytes} * index + 8;
    std::fill_n(sizes_at_.begin() + static_cast<std::ptrdiff_t>(sizes_at), 8, sizes_at);
    if ((element.flags & kBucketElementFlag) == 0) continue;
    const auto value_at = static_cast<uint64_t>(element.value.data() - file_.data());
    const bool is_inner_inline = LoadBucketHeader(element.value.data()).root == 0;
    // The sequence may be any. Without a freelist, so may a root that leads to a part of the tree.
    if (is_freelist_stored_ || is_inner_inline) Mark(value_at, 8);
    if (is_inner_inline) {
      MarkLeaf(id, value_at + kBucketHeaderBytes, true);
    }
  }
  if (leaf.count() == 0) return;
  const uint64_t last = at + kPageHeaderBytes + uint64_t{kElementBytes} * (leaf.count() - 1);
  // Inside a bucket's value the two sizes make up a third, and only both at once can be others.
  if (!is_inline) std::fill_n(structure_.begin() + static_cast<std::ptrdiff_t>(last + 8), 8, false);
}

void VariantMaker::MarkFreelist(PageId id) {
  const uint64_t at = id * page_size_bytes_;
  const PageHeader header = LoadPageHeader(&file_[at]);
  Assert(header.count < kFreelistCountEscape, "the file is small");
  Mark(at, kPageHeaderBytes + 8ULL * header.count);
}

bool VariantMaker::IsSeen(const std::vector<std::byte>& damaged, uint64_t at) const {
  if (!structure_[at] || damaged[at] == file_[at]) return false;
  const uint64_t sizes_at = sizes_at_[at];
  if (sizes_at == 0) return true;
  const auto sum = [&](const std::vector<std::byte>& bytes) {
    return uint64_t{Load<uint32_t>(&bytes[sizes_at])} + Load<uint32_t>(&bytes[sizes_at + 4]);
  };
  return sum(damaged) != sum(file_);
}

// Mostly where it hurts.
uint64_t VariantMaker::DrawPlace(Random& random) const {
  if (random.OneIn(1, 4)) return random.Below(file_.size());
  return structure_at_[random.Below(structure_at_.size())];
}

void VariantMaker::Put(DamagedVariant& variant, uint64_t at, std::vector<std::byte> bytes) const {
  bytes.resize(std::min<uint64_t>(bytes.size(), file_.size() - at));
  variant.patches.push_back({at, std::move(bytes)});
}

void VariantMaker::ChangeBits(Random& random, DamagedVariant& variant) const {
  const uint64_t at = DrawPlace(random);
  const auto mask = static_cast<std::byte>(random.OneIn(1, 2) ? uint64_t{1} << random.Below(8)
                                                              : 1 + random.Below(255));
  Put(variant, at, {file_[at] ^ mask});
  variant.what += fmt::format("byte {} ^ {:02x}; ", at, static_cast<unsigned>(mask));
}

void VariantMaker::ChangeField(Random& random, DamagedVariant& variant) const {
  constexpr uint64_t kFieldBytes[] = {2, 4, 8};
  const uint64_t at = DrawPlace(random) / 2 * 2;
  const uint64_t size = kFieldBytes[random.Below(std::size(kFieldBytes))];
  const uint64_t value = random.OneIn(1, 2) ? kNasty[random.Below(std::size(kNasty))]
                                            : random.Below(2 * file_.size() / page_size_bytes_);
  std::vector<std::byte> bytes(8);
  Store(bytes.data(), value);
  bytes.resize(size);
  Put(variant, at, std::move(bytes));
  variant.what += fmt::format("{} bytes at {} := {:x}; ", size, at, value);
}

void VariantMaker::ReplacePage(Random& random, DamagedVariant& variant) const {
  const uint64_t page_count = file_.size() / page_size_bytes_;
  const PageId page = random.Below(page_count);
  const uint64_t at = page * page_size_bytes_;
  const auto page_of = [&](const std::vector<std::byte>& file, PageId id) {
    const auto begin = file.begin() + static_cast<std::ptrdiff_t>(id * page_size_bytes_);
    return std::vector<std::byte>(begin, begin + page_size_bytes_);
  };
  std::vector<std::byte> bytes(page_size_bytes_);
  const PageId source = random.Below(page_count);
  switch (random.Below(6)) {
    case 0:
      variant.what += fmt::format("page {} zeroed; ", page);
      break;
    case 1:
      bytes = page_of(file_, source);
      variant.what += fmt::format("page {} := page {}; ", page, source);
      break;
    case 2:
      bytes = page_of(file_, source);
      Store(bytes.data(), page);
      variant.what += fmt::format("page {} := page {} with its id; ", page, source);
      break;
    case 3: {
      const std::vector<std::byte>& older = older_[random.Below(older_.size())];
      if (older.size() < at + page_size_bytes_) break;
      bytes = page_of(older, page);
      variant.what += fmt::format("page {} stale; ", page);
      break;
    }
    case 4:
      for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.Next());
      variant.what += fmt::format("page {} noise; ", page);
      break;
    default: {
      bytes = page_of(file_, page);
      const uint64_t from = random.Below(page_size_bytes_);
      std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.end(), std::byte{0});
      variant.what += fmt::format("page {} zeroed from {} on; ", page, from);
      break;
    }
  }
  Put(variant, at, std::move(bytes));
}

// Makes metas valid again whatever was done to them, so that they are believed.
void VariantMaker::ResealMetas(DamagedVariant& variant) const {
  for (PageId slot = 0; slot < 2; ++slot) {
    std::vector<std::byte> meta(kMetaBytes);
    const uint64_t begin = slot * page_size_bytes_;
    std::copy_n(file_.begin() + static_cast<std::ptrdiff_t>(begin), kMetaBytes, meta.begin());
    for (const DamagedVariant::Patch& patch : variant.patches) {
      for (uint64_t index = 0; index < patch.bytes.size(); ++index) {
        const uint64_t at = patch.at + index;
        if (at >= begin && at < begin + kMetaBytes) meta[at - begin] = patch.bytes[index];
      }
    }
    Store(meta.data() + 16, kFormatMagic);
    Store(meta.data() + 72, Fnv1a64(Bytes(meta).subspan(16, 56)));
    Put(variant, begin, std::move(meta));
  }
  variant.what += "metas sealed; ";
}

DamagedVariant VariantMaker::Make(uint64_t seed) const {
  Random random(seed, "variant");
  DamagedVariant variant{.size_bytes = file_.size()};
  const uint64_t hits = random.OneIn(1, 2) ? 1 : 1 + random.Below(5);
  bool has_whole_pages = false;
  for (uint64_t hit = 0; hit < hits; ++hit) {
    switch (random.Below(5)) {
      case 0:
      case 1:
        ChangeBits(random, variant);
        break;
      case 2:
      case 3:
        ChangeField(random, variant);
        break;
      default:
        ReplacePage(random, variant);
        has_whole_pages = true;
        break;
    }
  }
  if (random.OneIn(1, 20)) {
    variant.size_bytes = random.Below(file_.size());
    variant.what += fmt::format("cut to {} bytes; ", variant.size_bytes);
  }
  const bool is_sealed = random.OneIn(1, 10);
  if (is_sealed) ResealMetas(variant);
  // A whole page of the past may be one that fits, and a meta that is sealed is believed.
  if (has_whole_pages || is_sealed) return variant;
  std::vector<std::byte> damaged = file_;
  for (const DamagedVariant::Patch& patch : variant.patches) {
    std::copy(patch.bytes.begin(), patch.bytes.end(),
              damaged.begin() + static_cast<std::ptrdiff_t>(patch.at));
  }
  for (const DamagedVariant::Patch& patch : variant.patches) {
    for (uint64_t at = patch.at; at < patch.at + patch.bytes.size(); ++at) {
      variant.must_be_seen = variant.must_be_seen || IsSeen(damaged, at);
    }
  }
  return variant;
}

}  // namespace plugpull::bbolt_file
