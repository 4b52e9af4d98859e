#include "engine/serial_log/record_pages.h"

#include <fmt/format.h>

#include "faults/base/assert.h"

namespace plugpull::serial_log {

Expected<void> RecordPages::Update(int32_t section, int32_t record, Bytes bytes) {
  const int32_t slots = LocatorSlots(pages_.page_size_bytes());
  if (section < 0 || record < 0 || section >= static_cast<int32_t>(kSectionsMax)) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("record {} of section {} cannot be", record, section));
  }
  const int32_t sequence = record / slots;
  Expected<PageNumber> number = FindLocator(section, sequence);
  if (number && *number == kNoPage) {
    if (bytes.empty()) return {};
    number = MakeLocator(section, sequence);
  }
  if (!number) return std::unexpected(number.error());
  const Expected<MutableBytes> locator = pages_.Edit(*number);
  if (!locator) return std::unexpected(locator.error());
  const Place place{
      .locator_number = *number, .locator = *locator, .section = section, .slot = record % slots};
  const LocatorElement element = LoadElement(*locator, place.slot);
  if (element.page != kNoPage) {
    return bytes.empty() ? Delete(place, element) : UpdateStored(place, element, bytes);
  }
  if (bytes.empty()) {
    Clear(place);
    return {};
  }
  StoreElement(place.locator, place.slot, kStubElement);
  return StoreRecord(place, bytes);
}

Expected<PageNumber> RecordPages::FindSection(int32_t section) {
  const Expected<Bytes> root = pages_.Read(kSectionRoot);
  if (!root) return std::unexpected(root.error());
  if (section < 0 || section >= SectionSlots(root->size())) return kNoPage;
  return LoadSectionSlot(*root, section);
}

Expected<PageNumber> RecordPages::FindLocator(int32_t section, int32_t sequence) {
  const Expected<PageNumber> number = FindSection(section);
  if (!number || *number == kNoPage) return number;
  const Expected<Bytes> page = pages_.Read(*number);
  if (!page) return std::unexpected(page.error());
  const PageType type = LoadPageHeader(*page).type;
  if (type != PageType::kSection) return FailWrongType(*number, PageType::kSection, type);
  if (sequence < 0 || sequence >= SectionSlots(page->size())) return kNoPage;
  const PageNumber locator = LoadSectionSlot(*page, sequence);
  if (locator == kNoPage) return kNoPage;
  const Expected<Bytes> bytes = pages_.Read(locator);
  if (!bytes) return std::unexpected(bytes.error());
  const PageType found = LoadPageHeader(*bytes).type;
  if (found != PageType::kLocator) return FailWrongType(locator, PageType::kLocator, found);
  const LocatorHeader header = LoadLocatorHeader(*bytes);
  if (header.section == section && header.sequence == sequence) return locator;
  return Fail(ErrorCode::kCorrupt,
              fmt::format("page {}: expected the locators of section {}, sequence {}, got those of "
                          "section {}, sequence {}",
                          locator, section, sequence, header.section, header.sequence));
}

Expected<PageNumber> RecordPages::MakeSection(int32_t section) {
  if (section >= SectionSlots(pages_.page_size_bytes())) {
    return Fail(ErrorCode::kNoSpace, "there is no room for another section");
  }
  const Expected<PageNumber> page = space_.Allocate();
  if (!page) return page;
  const MutableBytes bytes = pages_.Replace(*page);
  FormatPage(bytes, PageType::kSection, *page);
  StoreSectionHeader(bytes, SectionHeader{.section = section});
  const Expected<MutableBytes> root = pages_.Edit(kSectionRoot);
  if (!root) return std::unexpected(root.error());
  StoreSectionSlot(*root, section, *page);
  log_.Append(LogRecord{
      .type = LogRecordType::kSectionPage, .parent = kSectionRoot, .slot = section, .page = *page});
  return page;
}

Expected<PageNumber> RecordPages::MakeLocator(int32_t section, int32_t sequence) {
  if (sequence >= SectionSlots(pages_.page_size_bytes())) {
    return Fail(ErrorCode::kNoSpace, fmt::format("section {} is full", section));
  }
  Expected<PageNumber> parent = FindSection(section);
  if (parent && *parent == kNoPage) parent = MakeSection(section);
  if (!parent) return parent;
  const Expected<PageNumber> page = space_.Allocate();
  if (!page) return page;
  FormatLocatorPage(pages_.Replace(*page), *page, section, sequence);
  const Expected<MutableBytes> slots = pages_.Edit(*parent);
  if (!slots) return std::unexpected(slots.error());
  StoreSectionSlot(*slots, sequence, *page);
  log_.Append(LogRecord{.type = LogRecordType::kRecordLocator,
                        .section = section,
                        .sequence = sequence,
                        .page = *page});
  return page;
}

Expected<Bytes> RecordPages::Read(const LocatorElement& element, std::vector<std::byte>& out) {
  const Expected<Bytes> page = pages_.Read(element.page);
  if (!page) return page;
  const PageType type = LoadPageHeader(*page).type;
  if (type != PageType::kData) return FailWrongType(element.page, PageType::kData, type);
  if (!HasLine(*page, element.line)) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("page {}: missing line {}", element.page, element.line));
  }
  const DataLine line = LoadLine(*page, element.line);
  const std::optional<Bytes> bytes = LineBytes(*page, line);
  if (!bytes) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("page {}: line {} lies outside the page", element.page, element.line));
  }
  if (!line.is_overflow()) return *bytes;
  out.clear();
  Expected<void> read = space_.ReadChain(LoadOverflowReference(*bytes), out);
  if (!read) return std::unexpected(read.error());
  return Bytes(out);
}

}  // namespace plugpull::serial_log
