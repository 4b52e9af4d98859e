// Record locator pages: where each record of a section lies. Record r is in the locator page of
// sequence r / LocatorSlots, in slot r mod LocatorSlots; a page of 4096 bytes has 509 slots, so
// that record 2011 is in sequence 3, slot 484.
//
//   after the page header   section i32 @12, sequence i32, max line i16 (slots in use: one beyond
//                           the last that is not empty), i16 unused
//   elements @24            page i32, line i16, space available i16
//
// Of the slots of one data page, one at most says how much room the data page has: its space
// available is positive, and it is in the list of slots to try. A negative one, -n - 1, says that
// the next slot of the list is n. 0 says nothing: try the slot after this one.
#pragma once

#include "engine/serial_log/page_format.h"
#include "faults/base/assert.h"

namespace plugpull::serial_log {

inline constexpr size_t kLocatorElementsAt = 24;
inline constexpr size_t kLocatorElementBytes = 8;

struct LocatorElement {
  PageNumber page = kNoPage;
  int16_t line = 0;
  int16_t space_available = 0;

  // A number that is taken, of a record that is not stored.
  bool is_stub() const { return page == kNoPage && line == 1; }

  bool operator==(const LocatorElement&) const = default;
};

inline constexpr LocatorElement kStubElement = {.page = kNoPage, .line = 1, .space_available = 0};

constexpr int32_t LocatorSlots(size_t page_size_bytes) {
  return static_cast<int32_t>((page_size_bytes - kLocatorElementsAt) / kLocatorElementBytes);
}

// Less room than this is not worth a place in the list of slots with space.
inline constexpr int32_t kSpaceMin = 16;

static_assert(LocatorSlots(4096) == 509, "the arithmetic of bug #44744");

struct LocatorHeader {
  int32_t section = 0;
  int32_t sequence = 0;
  int16_t max_line = 0;
};

LocatorHeader LoadLocatorHeader(Bytes page);

// Returns: max line, as far as the page can have so many slots, whatever it says.
int32_t UsedSlots(Bytes page);
void StoreLocatorHeader(MutableBytes page, const LocatorHeader& header);

// Requires: 0 <= slot < LocatorSlots(page.size()).
inline LocatorElement LoadElement(Bytes page, int32_t slot) {
  Assert(slot >= 0 && slot < LocatorSlots(page.size()), "the locator page has the slot");
  const std::byte* at = page.data() + kLocatorElementsAt + slot * kLocatorElementBytes;
  return LocatorElement{.page = Load<PageNumber>(at),
                        .line = Load<int16_t>(at + 4),
                        .space_available = Load<int16_t>(at + 6)};
}

// Also keeps the header's max line. The list of slots with space is Relink's.
void StoreElement(MutableBytes page, int32_t slot, const LocatorElement& element);

void FormatLocatorPage(MutableBytes page, PageNumber number, int32_t section, int32_t sequence);

// Makes the negative space available of every stored slot point at the next slot with space.
void RelinkSpaceSlots(MutableBytes page);

// Returns: the first slot at or after `slot` that has space; -1: there is none. Ends on any input.
int32_t FindSpaceSlot(Bytes page, int32_t slot);

}  // namespace plugpull::serial_log
