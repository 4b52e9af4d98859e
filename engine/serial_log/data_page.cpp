#include "engine/serial_log/data_page.h"

#include <algorithm>

#include "faults/base/assert.h"

namespace plugpull::serial_log {
namespace {

// Returns: max line as far as the page can have so many lines, whatever it says.
int32_t LineCount(Bytes page) {
  return std::clamp<int32_t>(LoadMaxLine(page), 0, LinesMax(page.size()));
}

int32_t IndexEnd(Bytes page) {
  return static_cast<int32_t>(kLineIndexAt + LineCount(page) * kLineBytes);
}

}  // namespace

void StoreMaxLine(MutableBytes page, int16_t max_line) {
  Store(page.data() + kMaxLineAt, max_line);
}

void StoreLine(MutableBytes page, int32_t line, const DataLine& value) {
  Assert(line >= 0 && line < LinesMax(page.size()), "the line index lies inside the page");
  std::byte* at = page.data() + kLineIndexAt + line * kLineBytes;
  Store(at, value.offset);
  Store(at + 2, value.length);
}

DataLine StubLine(size_t page_size_bytes) {
  return DataLine{.offset = static_cast<uint16_t>(page_size_bytes - 1), .length = 0};
}

bool HasLine(Bytes page, int32_t line) {
  return line >= 0 && line < LineCount(page) && LoadLine(page, line).is_used();
}

std::optional<Bytes> LineBytes(Bytes page, const DataLine& line) {
  const auto size = static_cast<size_t>(line.stored_bytes());
  if (!line.is_used() || line.offset + size > page.size()) return std::nullopt;
  return page.subspan(line.offset, size);
}

OverflowReference LoadOverflowReference(Bytes line_bytes) {
  OverflowReference reference;
  if (line_bytes.size() >= 4) reference.page = Load<PageNumber>(line_bytes.data());
  if (line_bytes.size() >= 8) reference.record_bytes = Load<uint32_t>(line_bytes.data() + 4);
  return reference;
}

void StoreOverflowReference(MutableBytes line_bytes, const OverflowReference& reference) {
  Assert(line_bytes.size() >= kOverflowLineBytes, "a reference fits its line");
  Store(line_bytes.data(), reference.page);
  Store(line_bytes.data() + 4, reference.record_bytes);
}

int32_t LowestRecord(Bytes page) {
  int32_t lowest = static_cast<int32_t>(page.size());
  const int32_t lines = LineCount(page);
  for (int32_t line = 0; line < lines; ++line) {
    const DataLine value = LoadLine(page, line);
    if (!value.is_used() || value.length == 0) continue;
    if (LineBytes(page, value)) lowest = std::min<int32_t>(lowest, value.offset);
  }
  return lowest;
}

int32_t FreeBytes(Bytes page) {
  int32_t free = static_cast<int32_t>(page.size()) - IndexEnd(page);
  const int32_t lines = LineCount(page);
  for (int32_t line = 0; line < lines; ++line) {
    const DataLine value = LoadLine(page, line);
    if (value.is_used()) free -= value.stored_bytes();
  }
  return std::max(free, 0);
}

int32_t SpaceAvailable(Bytes page) {
  return std::max(FreeBytes(page) - static_cast<int32_t>(kLineBytes), 0);
}

void FormatDataPage(MutableBytes page, PageNumber number, PageNumber locator) {
  FormatPage(page, PageType::kData, number, locator);
}

void CompactDataPage(MutableBytes page, MutableBytes scratch) {
  std::ranges::copy(page, scratch.begin());
  auto end = static_cast<int32_t>(page.size());
  const int32_t lines = LineCount(page);
  for (int32_t line = 0; line < lines; ++line) {
    const DataLine value = LoadLine(scratch, line);
    if (!value.is_used() || value.length == 0) continue;
    const std::optional<Bytes> bytes = LineBytes(scratch, value);
    const int32_t size = value.stored_bytes();
    if (!bytes || end - size < IndexEnd(scratch)) continue;  // a damaged page stays damaged
    end -= size;
    std::ranges::copy(*bytes, page.begin() + end);
    StoreLine(page, line, DataLine{.offset = static_cast<uint16_t>(end), .length = value.length});
  }
}

void TrimLines(MutableBytes page) {
  int32_t lines = LineCount(page);
  while (lines > 0 && !LoadLine(page, lines - 1).is_used()) --lines;
  StoreMaxLine(page, static_cast<int16_t>(lines));
}

}  // namespace plugpull::serial_log
