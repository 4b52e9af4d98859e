#include "faults/doors/file_blocks.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace plugpull {
namespace {

constexpr std::array<std::byte, kPageBytes> kZeros{};
constexpr size_t kBufferPages = 16;

std::span<const std::byte> BytesOf(const FileContent& content, uint64_t page, uint64_t length) {
  const std::span<const std::byte> stored = content.StoredPage(page);
  return (stored.empty() ? std::span<const std::byte>(kZeros) : stored).first(length);
}

// A truncation moves times and costs as much as a write, even where nothing changes.
int SetSize(int file, uint64_t size_bytes) {
  struct stat status = {};
  if (fstat(file, &status) != 0) return errno;
  if (static_cast<uint64_t>(status.st_size) == size_bytes) return 0;
  return ftruncate(file, static_cast<off_t>(size_bytes)) == 0 ? 0 : errno;
}

int WritePage(int file, const FileContent& wanted, uint64_t page) {
  const uint64_t begin = page * kPageBytes;
  if (begin >= wanted.size_bytes()) return 0;
  const uint64_t length = std::min<uint64_t>(kPageBytes, wanted.size_bytes() - begin);
  std::span<const std::byte> bytes = BytesOf(wanted, page, length);
  auto offset = static_cast<off_t>(begin);
  while (!bytes.empty()) {
    const ssize_t written = pwrite(file, bytes.data(), bytes.size(), offset);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes = bytes.subspan(static_cast<size_t>(written));
    offset += written;
  }
  return 0;
}

// Compares the pages of a run of data, from `begin` to at most `end`, both multiples of a page.
int CompareRun(int file, const FileContent& wanted, uint64_t begin, uint64_t end) {
  std::array<std::byte, kBufferPages * kPageBytes> buffer;
  while (begin < end) {
    const size_t want = std::min<uint64_t>(buffer.size(), end - begin);
    const ssize_t got = pread(file, buffer.data(), want, static_cast<off_t>(begin));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) return 0;  // the last page is rarely full
    for (size_t at = 0; at < static_cast<size_t>(got); at += kPageBytes) {
      const size_t length = std::min(kPageBytes, static_cast<size_t>(got) - at);
      const uint64_t page = (begin + at) / kPageBytes;
      if (std::memcmp(buffer.data() + at, BytesOf(wanted, page, length).data(), length) == 0) {
        continue;
      }
      if (const int trouble = WritePage(file, wanted, page)) return trouble;
    }
    begin += (static_cast<size_t>(got) + kPageBytes - 1) / kPageBytes * kPageBytes;
  }
  return 0;
}

// Writes the pages from `begin` to `end` that have bytes; there is a hole.
int FillHole(int file, const FileContent& wanted, uint64_t begin, uint64_t end) {
  std::optional<uint64_t> page = wanted.NextStoredPage(begin / kPageBytes);
  for (; page && *page * kPageBytes < end; page = wanted.NextStoredPage(*page + 1)) {
    if (const int trouble = WritePage(file, wanted, *page)) return trouble;
  }
  return 0;
}

}  // namespace

int WritePages(int file, const FileContent& wanted, std::span<const uint64_t> pages) {
  if (const int trouble = SetSize(file, wanted.size_bytes())) return trouble;
  for (const uint64_t page : pages) {
    if (const int trouble = WritePage(file, wanted, page)) return trouble;
  }
  return 0;
}

int WriteComparing(int file, const FileContent& wanted) {
  const uint64_t size = wanted.size_bytes();
  if (const int trouble = SetSize(file, size)) return trouble;
  uint64_t begin = 0;
  while (begin < size) {
    const off_t data = lseek(file, static_cast<off_t>(begin), SEEK_DATA);
    if (data < 0 && errno != ENXIO) return errno;
    const uint64_t data_begin =
        data < 0 ? size : static_cast<uint64_t>(data) / kPageBytes * kPageBytes;
    if (const int trouble = FillHole(file, wanted, begin, data_begin)) return trouble;
    if (data < 0) break;
    const off_t data_end = lseek(file, data, SEEK_HOLE);
    if (data_end < 0) return errno;
    const uint64_t end =
        (static_cast<uint64_t>(data_end) + kPageBytes - 1) / kPageBytes * kPageBytes;
    if (const int trouble = CompareRun(file, wanted, data_begin, end)) return trouble;
    begin = end;
  }
  return 0;
}

}  // namespace plugpull
