// Bytes in and out: the primitive encodings that every plugpull file is made of. Integers are
// little-endian, varints are LEB128 in their shortest form, strings carry their length in front.
// The reader takes bytes from strangers: whatever they say, it never reads past their end and never
// asks for memory that they do not pay for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "faults/base/error.h"

namespace plugpull {

// Returns: the characters of `text`, seen as bytes. Valid as long as `text` is.
inline std::span<const std::byte> AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// Returns: the bytes, seen as characters. Valid as long as `bytes` are.
inline std::string_view AsText(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class ByteWriter {
 public:
  void PutU8(uint8_t value);
  void PutU32(uint32_t value);
  void PutU64(uint64_t value);
  void PutVarint(uint64_t value);
  void PutString(std::string_view text);            // length as varint, then the characters
  void PutBytes(std::span<const std::byte> bytes);  // as they are, without a length

  const std::vector<std::byte>& bytes() const { return bytes_; }

  // Returns: everything written; the writer is empty afterwards.
  std::vector<std::byte> Take();

 private:
  std::vector<std::byte> bytes_;
};

// Reads what a ByteWriter wrote. Every failure is an error of code kCorrupt that says where. The
// first failure sticks: each later call fails too, so a run of calls may be checked once, at its
// end, with Status().
class ByteReader {
 public:
  // `bytes` must outlive the reader.
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  Expected<uint8_t> TakeU8();
  Expected<uint32_t> TakeU32();
  Expected<uint64_t> TakeU64();

  // Returns: a varint of at most `limit`.
  Expected<uint64_t> TakeVarint(uint64_t limit = std::numeric_limits<uint64_t>::max());

  // Returns: how many elements follow, checked against the bytes that are left: each element takes
  // at least `bytes_each`, so the count may be used to reserve memory. Requires: bytes_each > 0.
  Expected<size_t> TakeCount(size_t bytes_each);

  Expected<std::string> TakeString();

  // Returns: a view of the next `size` bytes, valid as long as the reader's own.
  Expected<std::span<const std::byte>> TakeBytes(uint64_t size);

  size_t position() const { return position_; }
  size_t remaining() const { return bytes_.size() - position_; }

  // Returns: the first failure, if there was one.
  Expected<void> Status() const;

  // Returns: success when nothing failed and every byte was taken.
  Expected<void> ExpectEnd();

 private:
  Expected<uint64_t> TakeLittleEndian(size_t size);
  std::unexpected<Error> Stop(std::string context);

  std::span<const std::byte> bytes_;
  size_t position_ = 0;
  std::optional<Error> failure_;
};

}  // namespace plugpull
