#include "faults/base/bytes.h"

#include <fmt/format.h>

#include <utility>

#include "faults/base/assert.h"

namespace plugpull {

void ByteWriter::PutU8(uint8_t value) { bytes_.push_back(static_cast<std::byte>(value)); }

void ByteWriter::PutU32(uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) PutU8(static_cast<uint8_t>(value >> shift));
}

void ByteWriter::PutU64(uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) PutU8(static_cast<uint8_t>(value >> shift));
}

void ByteWriter::PutVarint(uint64_t value) {
  while (value >= 0x80) {
    PutU8(static_cast<uint8_t>(value | 0x80));
    value >>= 7;
  }
  PutU8(static_cast<uint8_t>(value));
}

void ByteWriter::PutString(std::string_view text) {
  PutVarint(text.size());
  PutBytes(AsBytes(text));
}

void ByteWriter::PutBytes(std::span<const std::byte> bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

std::vector<std::byte> ByteWriter::Take() { return std::exchange(bytes_, {}); }

Expected<uint8_t> ByteReader::TakeU8() {
  auto value = TakeLittleEndian(1);
  if (!value) return std::unexpected(value.error());
  return static_cast<uint8_t>(*value);
}

Expected<uint32_t> ByteReader::TakeU32() {
  auto value = TakeLittleEndian(4);
  if (!value) return std::unexpected(value.error());
  return static_cast<uint32_t>(*value);
}

Expected<uint64_t> ByteReader::TakeU64() { return TakeLittleEndian(8); }

Expected<uint64_t> ByteReader::TakeLittleEndian(size_t size) {
  auto bytes = TakeBytes(size);
  if (!bytes) return std::unexpected(bytes.error());
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) {
    value |= std::to_integer<uint64_t>((*bytes)[i]) << (8 * i);
  }
  return value;
}

Expected<uint64_t> ByteReader::TakeVarint(uint64_t limit) {
  if (failure_) return std::unexpected(*failure_);
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    if (remaining() == 0) return Stop("a number is cut short");
    const auto byte = std::to_integer<uint64_t>(bytes_[position_]);
    // The tenth byte has room for one bit. A last byte of zero says that a shorter form existed;
    // one value has one encoding, so that equal traces are equal files.
    if (shift == 63 && byte > 1) return Stop("a number is longer than 64 bits");
    if (shift > 0 && byte == 0) return Stop("a number is not in its shortest form");
    ++position_;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  if (value > limit) return Stop(fmt::format("{} is more than the limit of {}", value, limit));
  return value;
}

Expected<size_t> ByteReader::TakeCount(size_t bytes_each) {
  Assert(bytes_each > 0, "an element must take at least one byte");
  auto count = TakeVarint();
  if (!count) return std::unexpected(count.error());
  if (*count > remaining() / bytes_each) {
    return Stop(
        fmt::format("{} elements are announced and only {} bytes are left", *count, remaining()));
  }
  return static_cast<size_t>(*count);
}

Expected<std::string> ByteReader::TakeString() {
  auto size = TakeVarint();
  if (!size) return std::unexpected(size.error());
  auto bytes = TakeBytes(*size);
  if (!bytes) return std::unexpected(bytes.error());
  return std::string(AsText(*bytes));
}

Expected<std::span<const std::byte>> ByteReader::TakeBytes(uint64_t size) {
  if (failure_) return std::unexpected(*failure_);
  if (size > remaining()) {
    return Stop(fmt::format("{} bytes are needed and only {} are left", size, remaining()));
  }
  const auto taken = bytes_.subspan(position_, size);
  position_ += size;
  return taken;
}

Expected<void> ByteReader::Status() const {
  if (failure_) return std::unexpected(*failure_);
  return {};
}

Expected<void> ByteReader::ExpectEnd() {
  if (failure_) return std::unexpected(*failure_);
  if (remaining() > 0) return Stop(fmt::format("{} bytes follow the end", remaining()));
  return {};
}

std::unexpected<Error> ByteReader::Stop(std::string context) {
  failure_ = Error{ErrorCode::kCorrupt, fmt::format("at byte {}: {}", position_, context)};
  return std::unexpected(*failure_);
}

}  // namespace plugpull
