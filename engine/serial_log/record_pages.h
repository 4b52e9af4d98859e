// Records on pages: the one way in which committed changes get there, from the gopher and from redo
// alike. Falcon's updateRecord, and what it stands on.
//
// A record keeps its line while it fits its data page, packed if need be; else the line gets a
// reference to an overflow chain; where not even that fits, the record moves. A new one goes to the
// first data page of its locator page that has room.
#pragma once

#include <string>

#include "engine/serial_log/locator_page.h"
#include "engine/serial_log/page_space.h"

namespace plugpull::serial_log {

class RecordPages {
 public:
  RecordPages(PageCache& pages, LogFiles& log, PageSpace& space, const Options& options)
      : pages_(pages), log_(log), space_(space), options_(options) {}

  // Sets a record to `bytes`; no bytes: deletes it. Errors: pages that make no sense, kNoSpace,
  // reads; then the pages in memory must not be used any more.
  // Requires: 0 <= section < kSectionsMax.
  Expected<void> Update(int32_t section, int32_t record, Bytes bytes);

  // Returns: the page that has the elements of a sequence; kNoPage: there is none.
  Expected<PageNumber> FindLocator(int32_t section, int32_t sequence);

  // Returns: the section page of a section; kNoPage: there is none.
  Expected<PageNumber> FindSection(int32_t section);

  // Puts a record that is stored at `element` into `out`, in place of what is there. Returns: the
  // bytes, valid until `out` or the pages change. Errors: the element leads to no record.
  Expected<Bytes> Read(const LocatorElement& element, std::vector<std::byte>& out);

 private:
  // One record under way.
  struct Place {
    PageNumber locator_number = kNoPage;
    MutableBytes locator{};
    int32_t section = 0;
    int32_t slot = 0;
  };

  Expected<PageNumber> MakeSection(int32_t section);
  Expected<PageNumber> MakeLocator(int32_t section, int32_t sequence);
  Expected<MutableBytes> FindData(const Place& place, PageNumber page);
  Expected<void> UpdateStored(const Place& place, const LocatorElement& element, Bytes bytes);
  bool MakeMissingLine(MutableBytes data, int32_t line);
  Expected<void> Rewrite(const Place& place, const LocatorElement& element, MutableBytes data,
                         Bytes bytes);
  Expected<void> Delete(const Place& place, const LocatorElement& element);
  Expected<void> DeleteLine(MutableBytes data, int32_t line);
  Expected<void> StoreRecord(const Place& place, Bytes bytes);
  Expected<bool> StoreIn(const Place& place, int32_t space_slot, Bytes bytes);
  Expected<void> StoreInNewPage(const Place& place, Bytes bytes);
  Expected<void> FillLine(const Place& place, MutableBytes data, int32_t line, Bytes bytes);
  int32_t FindFreeLine(const Place& place, PageNumber page, Bytes data) const;
  bool MakeRoom(MutableBytes data, int32_t line, int32_t size_bytes);
  void NoteSpace(const Place& place, PageNumber page, Bytes data);
  void Clear(const Place& place) { StoreElement(place.locator, place.slot, LocatorElement{}); }

  PageCache& pages_;
  LogFiles& log_;
  PageSpace& space_;
  const Options& options_;
};

}  // namespace plugpull::serial_log
