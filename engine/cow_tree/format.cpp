#include "engine/cow_tree/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "faults/base/assert.h"

namespace plugpull::cow_tree {
namespace {

// Byte offsets inside a meta page.
constexpr size_t kMagicAt = 16;
constexpr size_t kVersionAt = 20;
constexpr size_t kPageSizeAt = 24;
constexpr size_t kFlagsAt = 28;
constexpr size_t kRootAt = 32;
constexpr size_t kFreelistAt = 48;
constexpr size_t kHighWaterMarkAt = 56;
constexpr size_t kTransactionIdAt = 64;
constexpr size_t kChecksumAt = 72;

uint64_t ChecksumOf(Bytes page, MetaChecksum checksum) {
  std::array<std::byte, kChecksumAt - kMagicAt> fields;
  std::ranges::copy(page.subspan(kMagicAt, fields.size()), fields.begin());
  if (checksum == MetaChecksum::kWithoutRoot) Store(&fields[kRootAt - kMagicAt], PageId{0});
  return Fnv1a64(fields);
}

bool IsChecksumGood(Bytes page, MetaChecksum checksum) {
  if (checksum == MetaChecksum::kNotVerified) return true;
  const auto stored = Load<uint64_t>(page.data() + kChecksumAt);
  if (checksum == MetaChecksum::kZeroIsValid && stored == 0) return true;
  return stored == ChecksumOf(page, checksum);
}

}  // namespace

PageHeader LoadPageHeader(const std::byte* at) {
  return PageHeader{.id = Load<uint64_t>(at),
                    .flags = Load<uint16_t>(at + 8),
                    .count = Load<uint16_t>(at + 10),
                    .overflow = Load<uint32_t>(at + 12)};
}

void StorePageHeader(std::byte* at, const PageHeader& header) {
  Store(at, header.id);
  Store(at + 8, header.flags);
  Store(at + 10, header.count);
  Store(at + 12, header.overflow);
}

std::string PageTypeName(uint16_t flags) {
  if (flags & kBranchFlag) return "branch";
  if (flags & kLeafFlag) return "leaf";
  if (flags & kMetaFlag) return "meta";
  if (flags & kFreelistFlag) return "freelist";
  return fmt::format("unknown<{:02x}>", flags);
}

BucketHeader LoadBucketHeader(const std::byte* at) {
  return BucketHeader{.root = Load<uint64_t>(at), .sequence = Load<uint64_t>(at + 8)};
}

void StoreBucketHeader(std::byte* at, const BucketHeader& header) {
  Store(at, header.root);
  Store(at + 8, header.sequence);
}

const char* Describe(MetaFault fault) {
  switch (fault) {
    case MetaFault::kMagic:
      return "invalid database";
    case MetaFault::kVersion:
      return "version mismatch";
    case MetaFault::kChecksum:
      return "checksum error";
  }
  return "invalid database";
}

std::expected<Meta, MetaFault> LoadMeta(Bytes page, MetaChecksum checksum) {
  Assert(page.size() >= kMetaBytes, "a meta is read whole");
  const std::byte* at = page.data();
  if (Load<uint32_t>(at + kMagicAt) != kFormatMagic) return std::unexpected(MetaFault::kMagic);
  if (Load<uint32_t>(at + kVersionAt) != kFormatVersion) {
    return std::unexpected(MetaFault::kVersion);
  }
  if (!IsChecksumGood(page, checksum)) return std::unexpected(MetaFault::kChecksum);
  return Meta{.page_size_bytes = Load<uint32_t>(at + kPageSizeAt),
              .root = LoadBucketHeader(at + kRootAt),
              .freelist = Load<uint64_t>(at + kFreelistAt),
              .high_water_mark = Load<uint64_t>(at + kHighWaterMarkAt),
              .transaction_id = Load<uint64_t>(at + kTransactionIdAt)};
}

void StoreMeta(std::span<std::byte> page, PageId slot, const Meta& meta, MetaChecksum checksum) {
  Assert(page.size() >= kMetaBytes, "a meta is written whole");
  std::byte* at = page.data();
  StorePageHeader(at, PageHeader{.id = slot, .flags = kMetaFlag});
  Store(at + kMagicAt, kFormatMagic);
  Store(at + kVersionAt, kFormatVersion);
  Store(at + kPageSizeAt, meta.page_size_bytes);
  Store(at + kFlagsAt, uint32_t{0});
  StoreBucketHeader(at + kRootAt, meta.root);
  Store(at + kFreelistAt, meta.freelist);
  Store(at + kHighWaterMarkAt, meta.high_water_mark);
  Store(at + kTransactionIdAt, meta.transaction_id);
  Store(at + kChecksumAt, ChecksumOf(page, checksum));
}

uint64_t Fnv1a64(Bytes bytes) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (const std::byte byte : bytes) {
    hash = (hash ^ static_cast<uint64_t>(byte)) * 0x100000001b3ULL;
  }
  return hash;
}

}  // namespace plugpull::cow_tree
