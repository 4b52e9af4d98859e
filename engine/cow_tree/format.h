// The bbolt file format, version 2: where every field lies. Integers are little-endian; a file is
// an array of pages, and page id times page size is the byte offset.
//
//   page header, 16 bytes   id u64, flags u16, count u16, overflow u32
//   meta (pages 0 and 1)    magic u32 @16, version u32, page size u32, flags u32, root page u64,
//                           root sequence u64, freelist page u64, high-water mark u64, txid u64,
//                           FNV-1a 64 over bytes 16..71 @72
//   branch element          pos u32, key size u32, child page u64
//   leaf element            flags u32, pos u32, key size u32, value size u32
//   bucket value            root page u64, sequence u64; root 0: a leaf page image follows inline
//   freelist page           sorted u64 page ids, free and pending
//
// `pos` counts from the start of the element itself. Keys and values follow the element array.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <span>
#include <string>

namespace plugpull::cow_tree {

static_assert(std::endian::native == std::endian::little,
              "the format is stored as the host has it");

using PageId = uint64_t;
using Bytes = std::span<const std::byte>;

inline constexpr uint32_t kFormatMagic = 0xED0CDAED;
inline constexpr uint32_t kFormatVersion = 2;
inline constexpr PageId kNoFreelist = ~PageId{0};  // meta.freelist of a file without a freelist
inline constexpr PageId kFirstDataPage = 2;        // pages 0 and 1 are the metas

inline constexpr uint32_t kPageHeaderBytes = 16;
inline constexpr uint32_t kElementBytes = 16;
inline constexpr uint32_t kBucketHeaderBytes = 16;
inline constexpr uint32_t kMetaBytes = 80;  // page header and meta

inline constexpr uint16_t kBranchFlag = 0x01;
inline constexpr uint16_t kLeafFlag = 0x02;
inline constexpr uint16_t kMetaFlag = 0x04;
inline constexpr uint16_t kFreelistFlag = 0x10;
inline constexpr uint32_t kBucketElementFlag = 0x01;  // the value of this leaf element is a bucket

inline constexpr uint32_t kPageSizeMin = 1024;
inline constexpr uint32_t kPageSizeMax = 16u << 20;  // the last size that bbolt probes for
inline constexpr uint32_t kKeyBytesMax = 32768;
inline constexpr uint64_t kValueBytesMax = (uint64_t{1} << 31) - 2;

// A freelist of this many ids or more stores this count and the true number in its first slot.
inline constexpr uint16_t kFreelistCountEscape = 0xFFFF;

template <typename T>
T Load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

template <typename T>
void Store(std::byte* at, T value) {
  std::memcpy(at, &value, sizeof(T));
}

struct PageHeader {
  PageId id = 0;
  uint16_t flags = 0;
  uint16_t count = 0;
  uint32_t overflow = 0;  // further contiguous pages that belong to this one
};

// Requires: `at` has kPageHeaderBytes bytes.
PageHeader LoadPageHeader(const std::byte* at);
void StorePageHeader(std::byte* at, const PageHeader& header);

// Returns: bbolt's word for a page's type, "unknown<..>" for flags that have none.
std::string PageTypeName(uint16_t flags);

struct BucketHeader {
  PageId root = 0;  // 0: inline
  uint64_t sequence = 0;
};

// Requires: `at` has kBucketHeaderBytes bytes.
BucketHeader LoadBucketHeader(const std::byte* at);
void StoreBucketHeader(std::byte* at, const BucketHeader& header);

struct Meta {
  uint32_t page_size_bytes = 0;
  BucketHeader root{};
  PageId freelist = kNoFreelist;
  PageId high_water_mark = 0;  // first page id that was never allocated
  uint64_t transaction_id = 0;
};

enum class MetaFault : uint8_t { kMagic, kVersion, kChecksum };

// Returns: bbolt's error text.
const char* Describe(MetaFault fault);

// What the checksum of a meta is taken for. All but the first are bugs, of bbolt or on purpose.
enum class MetaChecksum : uint8_t {
  kWhole,        // covers every field before it
  kZeroIsValid,  // bbolt 1.3.6: a stored 0 means "not verified"
  kNotVerified,  // written, never read
  kWithoutRoot,  // covers every field but the root page
};

// Requires: `page` has kMetaBytes bytes.
std::expected<Meta, MetaFault> LoadMeta(Bytes page, MetaChecksum checksum = MetaChecksum::kWhole);

// Writes page header and meta. Requires: `page` has kMetaBytes bytes.
void StoreMeta(std::span<std::byte> page, PageId slot, const Meta& meta,
               MetaChecksum checksum = MetaChecksum::kWhole);

uint64_t Fnv1a64(Bytes bytes);

// Returns: whether a file may have pages of this size.
constexpr bool IsPageSize(uint64_t size_bytes) {
  return size_bytes >= kPageSizeMin && size_bytes <= kPageSizeMax &&
         std::has_single_bit(size_bytes);
}

}  // namespace plugpull::cow_tree
