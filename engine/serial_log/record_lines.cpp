// Of RecordPages: what happens to lines and locator elements.
#include <fmt/format.h>

#include <algorithm>
#include <bitset>

#include "engine/serial_log/record_pages.h"
#include "faults/base/assert.h"

namespace plugpull::serial_log {
namespace {

// Returns: the bytes that a record may have in a data page.
int32_t InlineMax(size_t page_size_bytes) {
  return static_cast<int32_t>(page_size_bytes - kLineIndexAt - kLineBytes);
}

// Returns: the bytes of a record in its data page, or those of a reference for one too long.
int32_t StoredBytes(Bytes page, Bytes bytes) {
  const auto size = static_cast<int32_t>(bytes.size());
  return size > InlineMax(page.size()) ? static_cast<int32_t>(kOverflowLineBytes) : size;
}

int32_t LinesOf(Bytes data) {
  return std::clamp<int32_t>(LoadMaxLine(data), 0, LinesMax(data.size()));
}

ReferenceFrom FromLine(Bytes data, int32_t line) {
  return HasLine(data, line) ? ReferenceFrom::kLine : ReferenceFrom::kLeftovers;
}

// Makes the line exist, unused lines before it. Returns: false, with nothing done: no room.
bool RaiseMaxLine(MutableBytes data, int32_t line, MutableBytes scratch) {
  const int32_t lines = LinesOf(data);
  if (line < lines) return true;
  if (line >= LinesMax(data.size())) return false;
  const int32_t growth = (line + 1 - lines) * static_cast<int32_t>(kLineBytes);
  if (FreeBytes(data) < growth) return false;
  const auto end = static_cast<int32_t>(kLineIndexAt + (line + 1) * kLineBytes);
  if (LowestRecord(data) < end) CompactDataPage(data, scratch);
  if (LowestRecord(data) < end) return false;  // lines that lie across each other
  for (int32_t each = lines; each <= line; ++each) StoreLine(data, each, DataLine{});
  StoreMaxLine(data, static_cast<int16_t>(line + 1));
  return true;
}

}  // namespace

// Returns: the data page that an element leads to, to change it; empty where redo finds that the
// page has become something else since.
Expected<MutableBytes> RecordPages::FindData(const Place& place, PageNumber page) {
  const Expected<Bytes> bytes = pages_.Read(page);
  if (!bytes) {
    // It was freed before it was ever written, and the locator page is older than that.
    const bool is_gone = bytes.error().code == ErrorCode::kCorrupt;
    if (is_gone && space_.is_redo() && options_.reconcile) return MutableBytes();
    return std::unexpected(bytes.error());
  }
  const PageHeader header = LoadPageHeader(*bytes);
  const bool is_ours = header.type == PageType::kData && header.owner == place.locator_number;
  if (is_ours) return pages_.Edit(page);
  if (space_.is_redo() && options_.reconcile) return MutableBytes();
  if (header.type != PageType::kData) return FailWrongType(page, PageType::kData, header.type);
  if (space_.is_redo()) return pages_.Edit(page);  // Falcon would not know
  return Fail(ErrorCode::kCorrupt, fmt::format("page {}: belongs to locator page {}, not {}", page,
                                               header.owner, place.locator_number));
}

Expected<void> RecordPages::UpdateStored(const Place& place, const LocatorElement& element,
                                         Bytes bytes) {
  const Expected<MutableBytes> found = FindData(place, element.page);
  if (!found) return std::unexpected(found.error());
  const MutableBytes data = *found;
  if (data.empty()) {
    Clear(place);
    return StoreRecord(place, bytes);
  }
  if (element.line < 0 || element.line >= LinesMax(data.size())) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("page {}: there is no line {}", element.page, element.line));
  }
  if (!HasLine(data, element.line)) {
    switch (options_.missing_line) {
      case MissingLine::kUseLeftovers:
        break;  // bug #44744: the line index is not looked at
      case MissingLine::kInsert:
        if (MakeMissingLine(data, element.line)) break;
        [[fallthrough]];
      case MissingLine::kStoreAfresh:
        if (!options_.mutations.keep_element_of_missing) {
          Clear(place);
          NoteSpace(place, element.page, data);
          return StoreRecord(place, bytes);
        }
        if (Expected<void> stored = StoreRecord(place, bytes); !stored) return stored;
        StoreElement(place.locator, place.slot, element);
        return {};
    }
  }
  return Rewrite(place, element, data, bytes);
}

// Fix 2a. Returns: false: there is no room for the line.
bool RecordPages::MakeMissingLine(MutableBytes data, int32_t line) {
  const int32_t lines = LinesOf(data);
  if (options_.mutations.insert_without_gap && line > lines) {
    StoreMaxLine(data, static_cast<int16_t>(lines + 1));
  } else if (!RaiseMaxLine(data, line, pages_.scratch())) {
    return false;
  }
  StoreLine(data, line, StubLine(data.size()));
  return true;
}

Expected<void> RecordPages::Rewrite(const Place& place, const LocatorElement& element,
                                    MutableBytes data, Bytes bytes) {
  DataLine line = LoadLine(data, element.line);
  if (line.is_overflow() && !options_.mutations.keep_old_overflow) {
    // Leftover bytes may point anywhere; of what Falcon would read behind the page, the last is
    // taken.
    const size_t at = std::min<size_t>(line.offset, data.size() - sizeof(PageNumber));
    Expected<void> freed =
        space_.FreeChain(Load<PageNumber>(&data[at]), FromLine(data, element.line));
    if (!freed) return freed;
  }
  const auto size = static_cast<int32_t>(bytes.size());
  const bool is_inline = size <= InlineMax(data.size());
  if (is_inline && size <= line.stored_bytes()) {
    line.offset = static_cast<uint16_t>(
        std::min<size_t>(line.offset, data.size() - static_cast<size_t>(size)));
    line.length = static_cast<int16_t>(size);
    std::ranges::copy(bytes, data.begin() + line.offset);
    StoreLine(data, element.line, line);
    NoteSpace(place, element.page, data);
    return {};
  }
  StoreLine(data, element.line, StubLine(data.size()));
  const bool fits = (is_inline && MakeRoom(data, element.line, size)) ||
                    MakeRoom(data, element.line, static_cast<int32_t>(kOverflowLineBytes));
  if (fits) {
    if (Expected<void> filled = FillLine(place, data, element.line, bytes); !filled) return filled;
    NoteSpace(place, element.page, data);
    return {};
  }
  StoreLine(data, element.line, DataLine{});
  TrimLines(data);
  Clear(place);
  NoteSpace(place, element.page, data);
  return StoreRecord(place, bytes);
}

// Gives a line room for so many bytes, packing the page if need be. Returns: false: there is none.
bool RecordPages::MakeRoom(MutableBytes data, int32_t line, int32_t size_bytes) {
  const int32_t lines = LinesOf(data);
  const auto index_end = static_cast<int32_t>(kLineIndexAt + lines * kLineBytes);
  if (LowestRecord(data) - index_end < size_bytes) {
    if (FreeBytes(data) < size_bytes) return false;
    CompactDataPage(data, pages_.scratch());
  }
  const int32_t offset = LowestRecord(data) - size_bytes;
  if (offset < index_end) return false;  // lines that lie across each other
  StoreLine(data, line,
            {.offset = static_cast<uint16_t>(offset), .length = static_cast<int16_t>(size_bytes)});
  return true;
}

// Puts a record into a line that has room for it, or for a reference to a chain.
Expected<void> RecordPages::FillLine(const Place& place, MutableBytes data, int32_t line,
                                     Bytes bytes) {
  DataLine value = LoadLine(data, line);
  if (value.stored_bytes() == static_cast<int32_t>(bytes.size())) {
    std::ranges::copy(bytes, data.begin() + value.offset);
    return {};
  }
  const Expected<PageNumber> first = space_.WriteChain(place.section, bytes);
  if (!first) return std::unexpected(first.error());
  StoreOverflowReference(data.subspan(value.offset, kOverflowLineBytes),
                         {.page = *first, .record_bytes = static_cast<uint32_t>(bytes.size())});
  value.length = -static_cast<int16_t>(kOverflowLineBytes);
  StoreLine(data, line, value);
  return {};
}

Expected<void> RecordPages::Delete(const Place& place, const LocatorElement& element) {
  const Expected<MutableBytes> found = FindData(place, element.page);
  if (!found) return std::unexpected(found.error());
  const MutableBytes data = *found;
  Clear(place);
  if (data.empty()) return {};
  const bool uses_leftovers = options_.missing_line == MissingLine::kUseLeftovers;
  const bool can_be = element.line >= 0 && element.line < LinesMax(data.size());
  if (HasLine(data, element.line) || (uses_leftovers && can_be)) {
    if (Expected<void> deleted = DeleteLine(data, element.line); !deleted) return deleted;
  } else if (options_.mutations.delete_missing_lowers_max) {
    StoreMaxLine(data, static_cast<int16_t>(std::max(LinesOf(data) - 1, 0)));
    TrimLines(data);
  }
  NoteSpace(place, element.page, data);
  return LoadMaxLine(data) == 0 ? space_.Free(element.page) : Expected<void>();
}

Expected<void> RecordPages::DeleteLine(MutableBytes data, int32_t line) {
  const DataLine value = LoadLine(data, line);
  if (value.is_overflow()) {
    const size_t at = std::min<size_t>(value.offset, data.size() - sizeof(PageNumber));
    Expected<void> freed = space_.FreeChain(Load<PageNumber>(&data[at]), FromLine(data, line));
    if (!freed) return freed;
  }
  const int32_t lines = LinesOf(data);
  StoreLine(data, line, DataLine{});
  // Bug #44744 again: of a line that is not there.
  if (line >= lines && lines > 0) StoreMaxLine(data, static_cast<int16_t>(lines - 1));
  TrimLines(data);
  return {};
}

Expected<void> RecordPages::StoreRecord(const Place& place, Bytes bytes) {
  for (int32_t slot = FindSpaceSlot(place.locator, 0); slot >= 0;
       slot = FindSpaceSlot(place.locator, slot + 1)) {
    if (LoadElement(place.locator, slot).space_available < StoredBytes(place.locator, bytes)) {
      continue;
    }
    const Expected<bool> stored = StoreIn(place, slot, bytes);
    if (!stored) return std::unexpected(stored.error());
    if (*stored) return {};
  }
  return StoreInNewPage(place, bytes);
}

// Returns: false: the data page of the slot has no room after all.
Expected<bool> RecordPages::StoreIn(const Place& place, int32_t space_slot, Bytes bytes) {
  const PageNumber page = LoadElement(place.locator, space_slot).page;
  const Expected<MutableBytes> found = FindData(place, page);
  if (!found) return std::unexpected(found.error());
  const MutableBytes data = *found;
  if (data.empty()) return false;
  const int32_t size = StoredBytes(data, bytes);
  const auto filled = static_cast<int32_t>(data.size() * options_.fill_percent / 100);
  const int32_t used = static_cast<int32_t>(data.size()) - FreeBytes(data);
  if (LinesOf(data) > 0 && used + size > filled) return false;
  const int32_t line = FindFreeLine(place, page, data);
  if (line >= LinesMax(data.size())) return false;
  if (options_.mutations.trust_space_available) {
    if (line >= LinesOf(data)) StoreMaxLine(data, static_cast<int16_t>(line + 1));
    const int32_t offset = std::max<int32_t>(LowestRecord(data) - size, kLineIndexAt);
    StoreLine(data, line,
              {.offset = static_cast<uint16_t>(offset), .length = static_cast<int16_t>(size)});
  } else {
    const int32_t growth = std::max(line + 1 - LinesOf(data), 0) * static_cast<int32_t>(kLineBytes);
    if (FreeBytes(data) < growth + size) return false;
    if (!RaiseMaxLine(data, line, pages_.scratch())) return false;
    if (!MakeRoom(data, line, size)) {
      TrimLines(data);
      return false;
    }
  }
  if (Expected<void> written = FillLine(place, data, line, bytes); !written) {
    return std::unexpected(written.error());
  }
  StoreElement(place.locator, place.slot, {.page = page, .line = static_cast<int16_t>(line)});
  NoteSpace(place, page, data);
  return true;
}

Expected<void> RecordPages::StoreInNewPage(const Place& place, Bytes bytes) {
  const Expected<PageNumber> page = space_.Allocate();
  if (!page) return std::unexpected(page.error());
  log_.Append(LogRecord{.type = LogRecordType::kDataPage,
                        .section = place.section,
                        .locator = place.locator_number,
                        .page = *page});
  const MutableBytes data = pages_.Replace(*page);
  FormatDataPage(data, *page, place.locator_number);
  const bool has_room =
      RaiseMaxLine(data, 0, pages_.scratch()) && MakeRoom(data, 0, StoredBytes(data, bytes));
  Assert(has_room, "an empty page holds a record");
  if (Expected<void> written = FillLine(place, data, 0, bytes); !written) return written;
  StoreElement(place.locator, place.slot, {.page = *page});
  NoteSpace(place, *page, data);
  return {};
}

// Returns: the lowest line that may be taken. In redo a line that is not there may be that of a
// record whose turn comes later: the locator page knows.
int32_t RecordPages::FindFreeLine(const Place& place, PageNumber page, Bytes data) const {
  std::bitset<kPageSizeMax / kLineBytes> claimed;
  if (space_.is_redo() && options_.reconcile) {
    for (int32_t slot = 0; slot < UsedSlots(place.locator); ++slot) {
      const LocatorElement element = LoadElement(place.locator, slot);
      const bool can_be = element.line >= 0 && element.line < LinesMax(data.size());
      if (element.page == page && can_be) claimed.set(static_cast<size_t>(element.line));
    }
  }
  int32_t line = 0;
  while (line < LinesMax(data.size()) &&
         (HasLine(data, line) || claimed.test(static_cast<size_t>(line)))) {
    ++line;
  }
  return line;
}

// Says in the locator page how much room a data page has: in the first slot that leads to it.
void RecordPages::NoteSpace(const Place& place, PageNumber page, Bytes data) {
  const int32_t space = std::min<int32_t>(SpaceAvailable(data), INT16_MAX);
  bool is_noted = space < kSpaceMin;
  const int32_t slots = UsedSlots(place.locator);
  for (int32_t slot = 0; slot < slots; ++slot) {
    LocatorElement element = LoadElement(place.locator, slot);
    if (element.page != page) continue;
    const int16_t before = element.space_available;
    element.space_available = is_noted ? int16_t{0} : static_cast<int16_t>(space);
    if (options_.mutations.trust_space_available && before > element.space_available) {
      element.space_available = before;
    }
    is_noted = true;
    StoreElement(place.locator, slot, element);
  }
  RelinkSpaceSlots(place.locator);
}

}  // namespace plugpull::serial_log
