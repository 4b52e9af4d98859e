#include "engine/serial_log/page_format.h"

#include <algorithm>

#include "faults/base/assert.h"

namespace plugpull::serial_log {
namespace {

constexpr size_t kSumAt = 2;  // of the checksum, in the page header

}  // namespace

std::string_view PageTypeName(PageType type) {
  switch (type) {
    case PageType::kNone:
      return "unused page";
    case PageType::kHeader:
      return "header page";
    case PageType::kInventory:
      return "inventory page";
    case PageType::kSection:
      return "section page";
    case PageType::kLocator:
      return "record locator page";
    case PageType::kData:
      return "data page";
    case PageType::kOverflow:
      return "overflow page";
    case PageType::kIndex:
      return "index page";
  }
  return "unknown page";
}

PageHeader LoadPageHeader(Bytes page) {
  return PageHeader{.type = PageType{Load<int16_t>(page.data())},
                    .checksum = Load<uint16_t>(page.data() + kSumAt),
                    .number = Load<int32_t>(page.data() + 4),
                    .owner = Load<int32_t>(page.data() + 8)};
}

void StorePageHeader(MutableBytes page, const PageHeader& header) {
  Store(page.data(), static_cast<int16_t>(header.type));
  Store(page.data() + kSumAt, header.checksum);
  Store(page.data() + 4, header.number);
  Store(page.data() + 8, header.owner);
}

void FormatPage(MutableBytes page, PageType type, PageNumber number, int32_t owner) {
  std::ranges::fill(page, std::byte{0});
  StorePageHeader(page, PageHeader{.type = type, .number = number, .owner = owner});
}

// Folding a sum of 32-bit words gives what folding that of 16-bit words gives.
uint16_t ChecksumOfPage(Bytes page) {
  uint64_t sum = 0;
  for (size_t at = 0; at + sizeof(uint32_t) <= page.size(); at += sizeof(uint32_t)) {
    sum += Load<uint32_t>(page.data() + at);
  }
  sum -= uint64_t{Load<uint16_t>(page.data() + kSumAt)} << 16;
  while (sum > 0xFFFF) sum = (sum & 0xFFFF) + (sum >> 16);
  const auto folded = static_cast<uint16_t>(sum);
  return folded == kNoChecksum ? static_cast<uint16_t>(folded + 1) : folded;
}

bool IsChecksumGood(Bytes page) {
  const PageHeader header = LoadPageHeader(page);
  if (header.checksum == kNoChecksum) return true;
  return header.checksum == ChecksumOfPage(page);
}

TablespaceHeader LoadTablespaceHeader(Bytes page) {
  const std::byte* at = page.data() + kPageHeaderBytes;
  return TablespaceHeader{.magic = Load<uint32_t>(at),
                          .version = Load<uint32_t>(at + 4),
                          .page_size_bytes = Load<uint32_t>(at + 8),
                          .sections = Load<uint32_t>(at + 12)};
}

void StoreTablespaceHeader(MutableBytes page, const TablespaceHeader& header) {
  std::byte* at = page.data() + kPageHeaderBytes;
  Store(at, header.magic);
  Store(at + 4, header.version);
  Store(at + 8, header.page_size_bytes);
  Store(at + 12, header.sections);
}

bool IsInUse(Bytes inventory, PageNumber page) {
  Assert(page >= 0 && page < PagesMax(inventory.size()), "the inventory has the page");
  const auto number = static_cast<uint32_t>(page);
  return (std::to_integer<uint32_t>(inventory[kPageHeaderBytes + number / 8]) >> (number % 8)) & 1;
}

void SetInUse(MutableBytes inventory, PageNumber page, bool in_use) {
  Assert(page >= 0 && page < PagesMax(inventory.size()), "the inventory has the page");
  const auto number = static_cast<uint32_t>(page);
  std::byte& byte = inventory[kPageHeaderBytes + number / 8];
  const std::byte bit{static_cast<unsigned char>(1u << (number % 8))};
  byte = in_use ? byte | bit : byte & ~bit;
}

PageNumber FindFreePage(Bytes inventory) {
  for (size_t at = kPageHeaderBytes; at < inventory.size(); ++at) {
    const auto bits = std::to_integer<uint8_t>(inventory[at]);
    if (bits == 0xFF) continue;
    return static_cast<PageNumber>((at - kPageHeaderBytes) * 8 +
                                   static_cast<size_t>(std::countr_one(bits)));
  }
  return kNoPage;
}

SectionHeader LoadSectionHeader(Bytes page) {
  const std::byte* at = page.data() + kPageHeaderBytes;
  return SectionHeader{.section = Load<int32_t>(at),
                       .sequence = Load<int32_t>(at + 4),
                       .level = Load<int16_t>(at + 8),
                       .flags = Load<int16_t>(at + 10)};
}

void StoreSectionHeader(MutableBytes page, const SectionHeader& header) {
  std::byte* at = page.data() + kPageHeaderBytes;
  Store(at, header.section);
  Store(at + 4, header.sequence);
  Store(at + 8, header.level);
  Store(at + 10, header.flags);
}

void StoreSectionSlot(MutableBytes page, int32_t slot, PageNumber number) {
  Assert(slot >= 0 && slot < SectionSlots(page.size()), "the section page has the slot");
  Store(page.data() + kSectionPagesAt + slot * sizeof(PageNumber), number);
}

OverflowHeader LoadOverflowHeader(Bytes page) {
  const std::byte* at = page.data() + kPageHeaderBytes;
  return OverflowHeader{.next = Load<PageNumber>(at),
                        .length = Load<int32_t>(at + 4),
                        .section = Load<int32_t>(at + 8)};
}

void StoreOverflowHeader(MutableBytes page, const OverflowHeader& header) {
  std::byte* at = page.data() + kPageHeaderBytes;
  Store(at, header.next);
  Store(at + 4, header.length);
  Store(at + 8, header.section);
}

}  // namespace plugpull::serial_log
