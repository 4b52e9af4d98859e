#include "workloads/strategies/record_log.h"

#include <xxhash.h>

#include <algorithm>
#include <array>

#include "faults/base/bytes.h"
#include "faults/vfs/whole_calls.h"

namespace plugpull::strategies {
namespace {

constexpr uint64_t kBlockBytes = 4096;
constexpr size_t kHeaderBytes = 13;  // u32 length, u8 flags, u64 checksum
constexpr uint8_t kFirst = 1;
constexpr uint8_t kLast = 2;
constexpr uint8_t kMiddle = 4;  // a header of zeros is the end of the log

uint64_t Checksum(std::span<const std::byte> payload, uint8_t flags, uint64_t chain) {
  return XXH3_64bits_withSeed(payload.data(), payload.size(), chain ^ (uint64_t{flags} << 56));
}

// Returns: how many bytes to skip at `offset_bytes`, because no header fits in front of the next
// block.
uint64_t Filler(uint64_t offset_bytes) {
  const uint64_t left = kBlockBytes - offset_bytes % kBlockBytes;
  return left <= kHeaderBytes ? left : 0;
}

}  // namespace

std::vector<std::byte> EncodeRecord(std::span<const std::byte> payload, LogPosition& position) {
  std::vector<std::byte> bytes;
  const uint64_t start = position.offset_bytes;
  bool is_first = true;
  bool is_last = false;
  while (!is_last) {
    bytes.resize(bytes.size() + Filler(start + bytes.size()));
    const uint64_t room = kBlockBytes - (start + bytes.size()) % kBlockBytes - kHeaderBytes;
    const std::span<const std::byte> part = payload.first(std::min<size_t>(payload.size(), room));
    payload = payload.subspan(part.size());
    is_last = payload.empty();
    const uint8_t flags =
        static_cast<uint8_t>((is_first ? kFirst : kMiddle) | (is_last ? kLast : 0));
    is_first = false;
    position.chain = Checksum(part, flags, position.chain);
    ByteWriter header;
    header.PutU32(static_cast<uint32_t>(part.size()));
    header.PutU8(flags);
    header.PutU64(position.chain);
    bytes.insert(bytes.end(), header.bytes().begin(), header.bytes().end());
    bytes.insert(bytes.end(), part.begin(), part.end());
  }
  position.offset_bytes += bytes.size();
  return bytes;
}

Expected<bool> LogReader::Next() {
  payload_.clear();
  LogPosition at = position_;
  for (bool is_first = true;; is_first = false) {
    at.offset_bytes += Filler(at.offset_bytes);
    std::array<std::byte, kHeaderBytes> header;
    const Expected<size_t> header_read = ReadFully(file_, at.offset_bytes, header);
    if (!header_read) return std::unexpected(header_read.error());
    if (*header_read < header.size()) return false;
    ByteReader reader(header);
    const uint32_t length = reader.TakeU32().value_or(0);
    const uint8_t flags = reader.TakeU8().value_or(0);
    const uint64_t checksum = reader.TakeU64().value_or(0);
    at.offset_bytes += kHeaderBytes;
    const uint64_t room = kBlockBytes - at.offset_bytes % kBlockBytes;
    const bool fits = (flags & ~kLast) == (is_first ? kFirst : kMiddle) && length <= room;
    if (!fits) return false;
    const size_t before = payload_.size();
    payload_.resize(before + length);
    const std::span<std::byte> part = std::span(payload_).subspan(before);
    const Expected<size_t> part_read = ReadFully(file_, at.offset_bytes, part);
    if (!part_read) return std::unexpected(part_read.error());
    if (*part_read < length) return false;
    if (checksums_ && Checksum(part, flags, at.chain) != checksum) return false;
    at.chain = checksum;
    at.offset_bytes += length;
    if ((flags & kLast) != 0) break;
  }
  position_ = at;
  return true;
}

}  // namespace plugpull::strategies
