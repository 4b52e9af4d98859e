#include "engine/sqlite/wal_frames.h"

#include <array>
#include <bit>
#include <cstddef>
#include <span>
#include <vector>

namespace plugpull {
namespace {

constexpr uint32_t kMagic = 0x377f0682;  // the lowest bit: checksums are of big-endian words
constexpr size_t kHeaderBytes = 32;
constexpr size_t kFrameHeaderBytes = 24;
constexpr uint32_t kLargestPage = 65536;

uint32_t LoadBig(std::span<const std::byte> bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | std::to_integer<uint32_t>(bytes[at + i]);
  return value;
}

uint32_t LoadLittle(std::span<const std::byte> bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 4; i-- > 0;) value = value << 8 | std::to_integer<uint32_t>(bytes[at + i]);
  return value;
}

struct Checksum {
  uint32_t first = 0;
  uint32_t second = 0;

  bool operator==(const Checksum&) const = default;

  void Add(std::span<const std::byte> bytes, bool is_big) {
    for (size_t at = 0; at + 8 <= bytes.size(); at += 8) {
      first += (is_big ? LoadBig(bytes, at) : LoadLittle(bytes, at)) + second;
      second += (is_big ? LoadBig(bytes, at + 4) : LoadLittle(bytes, at + 4)) + first;
    }
  }
};

}  // namespace

WalFrames ReadWalFrames(const FileContent& file) {
  WalFrames frames;
  std::array<std::byte, kHeaderBytes> header{};
  if (file.Read(0, header) < header.size()) return frames;
  const uint32_t magic = LoadBig(header, 0);
  const uint32_t page = LoadBig(header, 8);
  const bool is_page = std::has_single_bit(page) && page >= 512 && page <= kLargestPage;
  if ((magic & ~1U) != kMagic || !is_page) return frames;
  const bool is_big = (magic & 1) != 0;
  Checksum sum;
  sum.Add(std::span(header).first(24), is_big);
  if (sum != Checksum{LoadBig(header, 24), LoadBig(header, 28)}) return frames;
  frames.has_header = true;
  frames.frame_bytes = kFrameHeaderBytes + page;
  std::vector<std::byte> frame(frames.frame_bytes);
  for (uint64_t at = kHeaderBytes; file.Read(at, frame) == frame.size(); at += frame.size()) {
    const std::span<const std::byte> bytes(frame);
    const bool has_salts =
        LoadBig(bytes, 8) == LoadBig(header, 16) && LoadBig(bytes, 12) == LoadBig(header, 20);
    sum.Add(bytes.first(8), is_big);
    sum.Add(bytes.subspan(kFrameHeaderBytes), is_big);
    if (!has_salts || sum != Checksum{LoadBig(bytes, 16), LoadBig(bytes, 20)}) break;
    ++frames.valid;
    if (LoadBig(bytes, 4) == 0) continue;
    frames.committed = frames.valid;
    ++frames.commits;
  }
  return frames;
}

}  // namespace plugpull
