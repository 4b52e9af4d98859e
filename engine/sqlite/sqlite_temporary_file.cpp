#include "engine/sqlite/sqlite_temporary_file.h"

#include <algorithm>
#include <cstring>

namespace plugpull {

Expected<size_t> SqliteTemporaryFile::Read(uint64_t offset_bytes, std::span<std::byte> out) {
  if (offset_bytes >= bytes_.size()) return 0;
  const size_t size = std::min(out.size(), bytes_.size() - offset_bytes);
  std::memcpy(out.data(), bytes_.data() + offset_bytes, size);
  return size;
}

Expected<void> SqliteTemporaryFile::Write(uint64_t offset_bytes, std::span<const std::byte> data) {
  const size_t end = offset_bytes + data.size();
  if (end > bytes_.size()) bytes_.resize(end);
  std::ranges::copy(data, bytes_.begin() + static_cast<ptrdiff_t>(offset_bytes));
  return {};
}

Expected<void> SqliteTemporaryFile::Truncate(uint64_t size_bytes) {
  bytes_.resize(size_bytes);
  return {};
}

}  // namespace plugpull
