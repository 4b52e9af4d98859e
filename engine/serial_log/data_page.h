// Data pages: records by line, packed from the end of the page towards the line index.
//
//   after the page header   max line i16 @12 (one beyond the last line that is used), i16 unused
//   line index @16          offset u16, length i16; offset 0: the line is not used
//
// A negative length -n says that the n bytes are no record: they are the number of an overflow page
// (i32) and the record's whole length (u32). A stub is a line without bytes at the last byte of the
// page: recovery puts one where a locator element points at a line that it has to rebuild.
//
// What lies between the line index and the lowest record is left as it was: that is where the bytes
// of bug #44744 come from.
#pragma once

#include <optional>

#include "engine/serial_log/page_format.h"

namespace plugpull::serial_log {

inline constexpr size_t kMaxLineAt = 12;
inline constexpr size_t kLineIndexAt = 16;
inline constexpr size_t kLineBytes = 4;
inline constexpr size_t kOverflowLineBytes = 8;  // page number and whole length

struct DataLine {
  uint16_t offset = 0;
  int16_t length = 0;

  bool is_used() const { return offset != 0; }
  bool is_overflow() const { return length < 0; }
  int32_t stored_bytes() const { return length < 0 ? -int32_t{length} : int32_t{length}; }

  bool operator==(const DataLine&) const = default;
};

// What a line of negative length has instead of a record.
struct OverflowReference {
  PageNumber page = kNoPage;
  uint32_t record_bytes = 0;
};

constexpr int32_t LinesMax(size_t page_size_bytes) {
  return static_cast<int32_t>((page_size_bytes - kLineIndexAt) / kLineBytes);
}

inline int16_t LoadMaxLine(Bytes page) { return Load<int16_t>(page.data() + kMaxLineAt); }
void StoreMaxLine(MutableBytes page, int16_t max_line);

// Returns: the bytes of the line index, whether the line exists or not.
// Requires: 0 <= line < LinesMax(page.size()).
inline DataLine LoadLine(Bytes page, int32_t line) {
  Assert(line >= 0 && line < LinesMax(page.size()), "the line index lies inside the page");
  const std::byte* at = page.data() + kLineIndexAt + line * kLineBytes;
  return DataLine{.offset = Load<uint16_t>(at), .length = Load<int16_t>(at + 2)};
}
void StoreLine(MutableBytes page, int32_t line, const DataLine& value);

DataLine StubLine(size_t page_size_bytes);

// Returns: whether the line exists and is used.
bool HasLine(Bytes page, int32_t line);

// Returns: the bytes of a line; nothing where they do not lie inside the page.
std::optional<Bytes> LineBytes(Bytes page, const DataLine& line);

OverflowReference LoadOverflowReference(Bytes line_bytes);
void StoreOverflowReference(MutableBytes line_bytes, const OverflowReference& reference);

// Returns: the offset of the lowest record, which is the end of the page where there is none. Lines
// that lie outside the page do not count.
int32_t LowestRecord(Bytes page);

// Returns: how many bytes are neither header, line index nor record, wherever they lie.
int32_t FreeBytes(Bytes page);

// Returns: what a locator element may say of this page: free bytes less those of a new line's index
// entry, never negative.
int32_t SpaceAvailable(Bytes page);

void FormatDataPage(MutableBytes page, PageNumber number, PageNumber locator);

// Packs the records at the end of the page. `scratch` is of the page's size.
void CompactDataPage(MutableBytes page, MutableBytes scratch);

// Lowers max line while the last lines are not used.
void TrimLines(MutableBytes page);

}  // namespace plugpull::serial_log
