#include "engine/serial_log/locator_page.h"

#include <algorithm>

#include "faults/base/assert.h"

namespace plugpull::serial_log {
namespace {

std::byte* ElementAt(MutableBytes page, int32_t slot) {
  Assert(slot >= 0 && slot < LocatorSlots(page.size()), "the locator page has the slot");
  return page.data() + kLocatorElementsAt + slot * kLocatorElementBytes;
}

int16_t SpaceAt(Bytes page, int32_t slot) {
  return Load<int16_t>(page.data() + kLocatorElementsAt + slot * kLocatorElementBytes + 6);
}

}  // namespace

LocatorHeader LoadLocatorHeader(Bytes page) {
  const std::byte* at = page.data() + kPageHeaderBytes;
  return LocatorHeader{.section = Load<int32_t>(at),
                       .sequence = Load<int32_t>(at + 4),
                       .max_line = Load<int16_t>(at + 8)};
}

void StoreLocatorHeader(MutableBytes page, const LocatorHeader& header) {
  std::byte* at = page.data() + kPageHeaderBytes;
  Store(at, header.section);
  Store(at + 4, header.sequence);
  Store(at + 8, header.max_line);
}

int32_t UsedSlots(Bytes page) {
  return std::clamp<int32_t>(LoadLocatorHeader(page).max_line, 0, LocatorSlots(page.size()));
}

void StoreElement(MutableBytes page, int32_t slot, const LocatorElement& element) {
  std::byte* at = ElementAt(page, slot);
  Store(at, element.page);
  Store(at + 4, element.line);
  Store(at + 6, element.space_available);
  LocatorHeader header = LoadLocatorHeader(page);
  const bool is_empty = element == LocatorElement{};
  if (!is_empty && slot >= header.max_line) {
    header.max_line = static_cast<int16_t>(slot + 1);
  } else if (is_empty && slot + 1 == header.max_line) {
    while (header.max_line > 0 && LoadElement(page, header.max_line - 1) == LocatorElement{}) {
      --header.max_line;
    }
  } else {
    return;
  }
  StoreLocatorHeader(page, header);
}

void FormatLocatorPage(MutableBytes page, PageNumber number, int32_t section, int32_t sequence) {
  FormatPage(page, PageType::kLocator, number);
  StoreLocatorHeader(page, LocatorHeader{.section = section, .sequence = sequence});
}

void RelinkSpaceSlots(MutableBytes page) {
  int16_t link = 0;
  for (int32_t slot = UsedSlots(page) - 1; slot >= 0; --slot) {
    std::byte* at = ElementAt(page, slot);
    if (Load<PageNumber>(at) == kNoPage) continue;
    if (Load<int16_t>(at + 6) > 0) {
      link = static_cast<int16_t>(-slot - 1);
    } else {
      Store(at + 6, link);
    }
  }
}

int32_t FindSpaceSlot(Bytes page, int32_t slot) {
  const int32_t slots = UsedSlots(page);
  while (slot >= 0 && slot < slots) {
    const int16_t space = SpaceAt(page, slot);
    if (space > 0) return slot;
    const int32_t next = -int32_t{space} - 1;
    slot = next > slot ? next : slot + 1;
  }
  return -1;
}

}  // namespace plugpull::serial_log
