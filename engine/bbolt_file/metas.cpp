#include "engine/bbolt_file/metas.h"

#include <fmt/format.h>

#include <algorithm>

namespace plugpull::bbolt_file {
namespace {

using namespace cow_tree;

constexpr size_t kMagicAt = 16;
constexpr size_t kPageSizeAt = 24;
constexpr size_t kFlagsAt = 28;
constexpr uint32_t kUsualPageSize = 4096;

Expected<std::vector<std::byte>> ReadMetaBytes(const PageFile& file, uint64_t offset_bytes) {
  std::vector<std::byte> bytes(kMetaBytes);
  if (Expected<void> read = file.Read(offset_bytes, bytes); !read) {
    return std::unexpected(read.error());
  }
  return bytes;
}

bool HasMagic(Bytes meta_page) {
  return Load<uint32_t>(meta_page.data() + kMagicAt) == kFormatMagic;
}

// Returns: a page size that a valid meta at its place states, 0 when there is none.
Expected<uint32_t> StatedPageSize(const PageFile& file) {
  for (uint32_t size = 0; size <= kPageSizeMax; size = size == 0 ? kPageSizeMin : 2 * size) {
    const Expected<std::vector<std::byte>> bytes = ReadMetaBytes(file, size);
    if (!bytes) return std::unexpected(bytes.error());
    const auto meta = LoadMeta(*bytes);
    if (!meta || !IsPageSize(meta->page_size_bytes)) continue;
    if (size == 0 || meta->page_size_bytes == size) return meta->page_size_bytes;
  }
  return 0;
}

// Returns: whether some page at the start of the file knows its place.
Expected<bool> HasPagesOfSize(const PageFile& file, uint32_t page_size_bytes) {
  constexpr PageId kPagesTried = 64;
  std::array<std::byte, kPageHeaderBytes> bytes;
  for (PageId id = kFirstDataPage; id < kPagesTried; ++id) {
    if ((id + 1) * page_size_bytes > file.size_bytes()) break;
    if (Expected<void> read = file.Read(id * page_size_bytes, bytes); !read) {
      return std::unexpected(read.error());
    }
    const PageHeader header = LoadPageHeader(bytes.data());
    const bool is_known =
        header.flags == kBranchFlag || header.flags == kLeafFlag || header.flags == kFreelistFlag;
    if (header.id == id && is_known) return true;
  }
  return false;
}

// Returns: the page size of a file without a valid meta.
Expected<uint32_t> GuessPageSize(const PageFile& file) {
  const Expected<std::vector<std::byte>> first = ReadMetaBytes(file, 0);
  if (!first) return std::unexpected(first.error());
  const auto stated = Load<uint32_t>(first->data() + kPageSizeAt);
  if (HasMagic(*first)) return IsPageSize(stated) ? stated : kUsualPageSize;
  for (uint32_t size = kPageSizeMin; size <= kPageSizeMax; size *= 2) {
    const Expected<std::vector<std::byte>> second = ReadMetaBytes(file, size);
    if (!second) return std::unexpected(second.error());
    if (HasMagic(*second)) return size;
  }
  for (const uint32_t size : {4096u, 16384u, 8192u, 65536u, 1024u, 2048u, 32768u}) {
    const Expected<bool> found = HasPagesOfSize(file, size);
    if (!found) return std::unexpected(found.error());
    if (*found) return size;
  }
  return Fail(ErrorCode::kCorrupt,
              "no bbolt file: no meta page has the magic number ed0cdaed, and no page knows its "
              "place; is it the right file, and neither compressed nor encrypted?");
}

void Examine(PageId slot, Bytes bytes, uint64_t file_bytes, MetaPages& metas) {
  MetaFinding& finding = metas.slots[slot];
  finding.slot = slot;
  if (slot * uint64_t{metas.page_size_bytes} + kMetaBytes > file_bytes) {
    finding.fault = "file size too small";
    return;
  }
  const auto meta = LoadMeta(bytes);
  if (meta) {
    finding.meta = *meta;
    if (meta->page_size_bytes != metas.page_size_bytes) {
      finding.fault = fmt::format("page size of {} bytes in a file with pages of {}",
                                  meta->page_size_bytes, metas.page_size_bytes);
    }
    return;
  }
  finding.fault = Describe(meta.error());
  if (!HasMagic(bytes)) return;
  // The fields as they are, sealed for the reader's sake.
  std::array<std::byte, kMetaBytes> sealed;
  std::copy_n(bytes.begin(), kMetaBytes, sealed.begin());
  Store(sealed.data() + 20, kFormatVersion);
  Store(sealed.data() + 72, Fnv1a64(Bytes(sealed).subspan(kMagicAt, 56)));
  if (const auto fields = LoadMeta(sealed)) finding.meta = *fields;
}

void CheckHeader(PageId slot, Bytes bytes, MetaPages& metas) {
  const auto add = [&](std::string text) {
    metas.violations.push_back({.rule = "I1", .text = std::move(text), .page = slot});
  };
  const PageHeader header = LoadPageHeader(bytes.data());
  if (header.id != slot) {
    add(fmt::format("assertion failed: Page expected to be: {}, but self identifies as {}", slot,
                    header.id));
  }
  if (header.flags != kMetaFlag) {
    add(fmt::format("page {}: has unexpected type/flags: {:x}", slot, header.flags));
  }
  if (header.count != 0 || header.overflow != 0) {
    add(fmt::format("page {}: a meta page with {} elements and {} pages of overflow", slot,
                    header.count, header.overflow));
  }
  if (Load<uint32_t>(bytes.data() + kFlagsAt) != 0) {
    add(fmt::format("meta {}: unknown flags {:x}", slot, Load<uint32_t>(bytes.data() + kFlagsAt)));
  }
}

void CheckTransactionIds(MetaPages& metas) {
  const uint64_t first = metas.slots[0].meta->transaction_id;
  const uint64_t second = metas.slots[1].meta->transaction_id;
  if (first == second) return;  // after `surgery revert-meta-page`
  std::string text;
  if (first % 2 != 0 || second % 2 != 1) {
    text = fmt::format("meta pages: txids {} and {} are in the wrong slots", first, second);
  } else if (first != second + 1 && second != first + 1) {
    text = fmt::format("meta pages: txids {} and {} do not follow each other", first, second);
  } else {
    return;
  }
  metas.violations.push_back(
      {.rule = "I1", .text = std::move(text), .page = first < second ? PageId{0} : PageId{1}});
}

void Choose(MetaPages& metas) {
  if (!metas.IsValid(0) && !metas.IsValid(1)) {
    metas.active_reason = "no meta page is valid: bbolt refuses to open the file";
    return;
  }
  if (!metas.IsValid(0) || !metas.IsValid(1)) {
    const PageId valid = metas.IsValid(0) ? 0 : 1;
    metas.slots[valid].is_active = true;
    metas.active_reason = fmt::format("meta {} is the only valid one: {} in meta {}", valid,
                                      metas.slots[1 - valid].fault, 1 - valid);
    return;
  }
  const uint64_t first = metas.slots[0].meta->transaction_id;
  const uint64_t second = metas.slots[1].meta->transaction_id;
  metas.slots[first > second || first == second ? 0 : 1].is_active = true;
  metas.active_reason =
      first == second
          ? fmt::format("both metas are of transaction {}, as after a reverted meta", first)
          : fmt::format("meta {} has the higher txid, {} against {}", first > second ? 0 : 1,
                        std::max(first, second), std::min(first, second));
}

}  // namespace

Expected<MetaPages> ReadMetas(const PageFile& file) {
  MetaPages metas;
  Expected<uint32_t> page_size = StatedPageSize(file);
  if (page_size && *page_size == 0) page_size = GuessPageSize(file);
  if (!page_size) return std::unexpected(page_size.error());
  metas.page_size_bytes = *page_size;
  for (PageId slot = 0; slot < 2; ++slot) {
    Expected<std::vector<std::byte>> bytes = ReadMetaBytes(file, slot * metas.page_size_bytes);
    if (!bytes) return std::unexpected(bytes.error());
    Examine(slot, *bytes, file.size_bytes(), metas);
    if (!metas.IsValid(slot)) {
      metas.violations.push_back({.rule = "I1",
                                  .text = fmt::format("meta {}: {}", slot, metas.slots[slot].fault),
                                  .page = slot});
    } else {
      CheckHeader(slot, *bytes, metas);
    }
    metas.bytes[slot] = *std::move(bytes);
  }
  Choose(metas);
  if (metas.IsValid(0) && metas.IsValid(1)) CheckTransactionIds(metas);
  return metas;
}

}  // namespace plugpull::bbolt_file
