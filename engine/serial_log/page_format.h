// Pages of the tablespace file: header, fixed places, checksum, and the four kinds that are little
// more than an array. Integers are little-endian; page number times page size is the byte offset.
//
//   page header, 12 bytes   type i16, checksum u16, page number i32, owner i32
//   header page (0)         magic u32 @12, version u32, page size u32, sections u32
//   inventory page (1)      @12 one bit a page, set: in use. It says how many pages there can be
//   section page (2 and on) section i32 @12, sequence i32, level i16, flags i16, pages i32[] @24.
//                           Page 2, of level 1, has the section page of each section; those have
//                           the record locator page of each sequence
//   index root (3)          reserved; the index is in memory
//   overflow page           next page i32 @12 (0: last), length i32, section i32, bytes @24
//   record locator page     locator_page.h
//   data page               data_page.h
//
// Falcon has no use for the third word of a page header. Here it is the owner of a data page: the
// record locator page that all its lines belong to. Recovery needs it (README).
// Source: Falcon, MySQL 6.0 (May 2009).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "faults/base/assert.h"

namespace plugpull::serial_log {

static_assert(std::endian::native == std::endian::little,
              "the format is stored as the host has it");

using PageNumber = int32_t;
using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

inline constexpr const char* kTablespacePath = "tablespace.fts";
inline constexpr const char* kNewTablespacePath = "tablespace.fts.new";  // while it is created
inline constexpr const char* kLogPaths[2] = {"log.1", "log.2"};

inline constexpr uint32_t kFormatMagic = 0x4C4F4731;
inline constexpr uint32_t kFormatVersion = 1;

inline constexpr PageNumber kNoPage = 0;  // page 0 is never pointed at
inline constexpr PageNumber kHeaderPage = 0;
inline constexpr PageNumber kInventoryPage = 1;
inline constexpr PageNumber kSectionRoot = 2;
inline constexpr PageNumber kIndexRoot = 3;
inline constexpr PageNumber kFirstFreePage = 4;

inline constexpr size_t kPageHeaderBytes = 12;
inline constexpr size_t kSectionPagesAt = 24;
inline constexpr size_t kOverflowBytesAt = 24;
inline constexpr uint32_t kPageSizeMin = 512;
inline constexpr uint32_t kPageSizeMax = 16384;  // offsets and lengths of lines are 16 bits
inline constexpr uint32_t kSectionsMax = 64;

// A stored checksum of this value means: none. A page whose sum it is stores the next number.
inline constexpr uint16_t kNoChecksum = 0xA5A5;

enum class PageType : int16_t {
  kNone = 0,  // never written: a hole reads as zeros
  kHeader = 1,
  kInventory = 2,
  kSection = 3,
  kLocator = 4,
  kData = 5,
  kOverflow = 6,
  kIndex = 7,
};

// Returns: "data page" and the like; "unknown page" for a number that is none of them.
std::string_view PageTypeName(PageType type);

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
  PageType type = PageType::kNone;
  uint16_t checksum = kNoChecksum;
  PageNumber number = 0;
  int32_t owner = 0;  // of a data page: its record locator page
};

// Requires: `page` has kPageHeaderBytes bytes.
PageHeader LoadPageHeader(Bytes page);
void StorePageHeader(MutableBytes page, const PageHeader& header);

// Zeroes a page and gives it a header without a checksum.
void FormatPage(MutableBytes page, PageType type, PageNumber number, int32_t owner = 0);

// Returns: the 16-bit folded sum of a page without its checksum field, never kNoChecksum.
uint16_t ChecksumOfPage(Bytes page);

// Returns: whether the checksum is right, or there is none. A page of zeros has none.
bool IsChecksumGood(Bytes page);

struct TablespaceHeader {
  uint32_t magic = kFormatMagic;
  uint32_t version = kFormatVersion;
  uint32_t page_size_bytes = 0;
  uint32_t sections = 0;
};

inline constexpr size_t kTablespaceHeaderBytes = kPageHeaderBytes + 16;

// Requires: `page` has kTablespaceHeaderBytes bytes.
TablespaceHeader LoadTablespaceHeader(Bytes page);
void StoreTablespaceHeader(MutableBytes page, const TablespaceHeader& header);

// Returns: whether a tablespace may have pages of this size.
constexpr bool IsPageSize(uint64_t size_bytes) {
  return size_bytes >= kPageSizeMin && size_bytes <= kPageSizeMax &&
         std::has_single_bit(size_bytes);
}

// Returns: how many pages the one inventory page can speak of: no tablespace has more.
constexpr PageNumber PagesMax(size_t page_size_bytes) {
  return static_cast<PageNumber>((page_size_bytes - kPageHeaderBytes) * 8);
}

// Requires: 0 <= page < PagesMax(inventory.size()).
bool IsInUse(Bytes inventory, PageNumber page);
void SetInUse(MutableBytes inventory, PageNumber page, bool in_use);

// Returns: the lowest page number that is not in use; kNoPage: there is none.
PageNumber FindFreePage(Bytes inventory);

struct SectionHeader {
  int32_t section = 0;  // -1: the section root
  int32_t sequence = 0;
  int16_t level = 0;
  int16_t flags = 0;
};

SectionHeader LoadSectionHeader(Bytes page);
void StoreSectionHeader(MutableBytes page, const SectionHeader& header);

constexpr int32_t SectionSlots(size_t page_size_bytes) {
  return static_cast<int32_t>((page_size_bytes - kSectionPagesAt) / sizeof(PageNumber));
}

// Requires: 0 <= slot < SectionSlots(page.size()).
inline PageNumber LoadSectionSlot(Bytes page, int32_t slot) {
  Assert(slot >= 0 && slot < SectionSlots(page.size()), "the section page has the slot");
  return Load<PageNumber>(page.data() + kSectionPagesAt + slot * sizeof(PageNumber));
}
void StoreSectionSlot(MutableBytes page, int32_t slot, PageNumber number);

struct OverflowHeader {
  PageNumber next = kNoPage;
  int32_t length = 0;  // bytes of the record in this page
  int32_t section = 0;
};

OverflowHeader LoadOverflowHeader(Bytes page);
void StoreOverflowHeader(MutableBytes page, const OverflowHeader& header);

constexpr int32_t OverflowCapacity(size_t page_size_bytes) {
  return static_cast<int32_t>(page_size_bytes - kOverflowBytesAt);
}

}  // namespace plugpull::serial_log
