#include "engine/serial_log/log_format.h"

#include <xxhash.h>

#include <algorithm>
#include <array>

#include "faults/base/assert.h"

namespace plugpull::serial_log {
namespace {

// Returns: how many bytes of header and sector checksums a block with so much data has.
size_t DataOffset(size_t data_bytes) {
  size_t offset = kBlockHeaderBytes;
  for (;;) {
    const size_t needed =
        kBlockHeaderBytes + (SectorsOf(offset + data_bytes + 1) - 1) * sizeof(uint32_t);
    if (needed <= offset) return offset;
    offset = needed;
  }
}

}  // namespace

BlockHeader LoadBlockHeader(Bytes bytes) {
  const std::byte* at = bytes.data();
  return BlockHeader{.number = Load<uint64_t>(at),
                     .read_block = Load<uint64_t>(at + 8),
                     .length = Load<uint32_t>(at + 16),
                     .creation = Load<uint32_t>(at + 20),
                     .version = Load<uint16_t>(at + 24),
                     .data_offset = Load<uint16_t>(at + 26),
                     .checksum = Load<uint32_t>(at + kBlockChecksumAt)};
}

void StoreBlockHeader(MutableBytes bytes, const BlockHeader& header) {
  std::byte* at = bytes.data();
  Store(at, header.number);
  Store(at + 8, header.read_block);
  Store(at + 16, header.length);
  Store(at + 20, header.creation);
  Store(at + 24, header.version);
  Store(at + 26, header.data_offset);
  Store(at + kBlockChecksumAt, header.checksum);
  Store(at + 32, uint64_t{0});
}

bool IsPlausible(const BlockHeader& header) {
  if (header.version != kLogVersion || header.number == 0) return false;
  if (header.read_block == 0 || header.read_block > header.number) return false;
  if (header.length > kBlockBytesMax || header.data_offset >= header.length) return false;
  return header.data_offset >=
         kBlockHeaderBytes + (SectorsOf(header.length) - 1) * sizeof(uint32_t);
}

uint32_t ChecksumOfFirstSector(Bytes sector) {
  Assert(sector.size() == kSectorBytes, "a sector is read whole");
  std::array<std::byte, kSectorBytes> bytes;
  std::ranges::copy(sector, bytes.begin());
  Store(&bytes[kBlockChecksumAt], uint32_t{0});
  return ChecksumOfSector(bytes);
}

uint32_t ChecksumOfSector(Bytes sector) {
  return static_cast<uint32_t>(XXH3_64bits(sector.data(), sector.size()));
}

std::vector<std::byte> BuildBlock(BlockNumber number, BlockNumber read_block, uint32_t creation,
                                  Bytes records) {
  const size_t offset = DataOffset(records.size());
  const size_t length = offset + records.size() + 1;
  Assert(length <= kBlockBytesMax && offset <= UINT16_MAX, "a block holds what it is given");
  std::vector<std::byte> block(PaddedBytes(length));
  BlockHeader header{.number = number,
                     .read_block = read_block,
                     .length = static_cast<uint32_t>(length),
                     .creation = creation,
                     .data_offset = static_cast<uint16_t>(offset)};
  std::ranges::copy(records, block.begin() + static_cast<ptrdiff_t>(offset));
  block[length - 1] = kEndMarker;
  const MutableBytes all(block);
  for (uint32_t sector = SectorsOf(length) - 1; sector > 0; --sector) {
    const uint32_t sum = ChecksumOfSector(all.subspan(sector * kSectorBytes, kSectorBytes));
    Store(&block[kBlockHeaderBytes + (sector - 1) * sizeof(uint32_t)], sum);
  }
  StoreBlockHeader(all, header);
  header.checksum = ChecksumOfFirstSector(all.first(kSectorBytes));
  StoreBlockHeader(all, header);
  return block;
}

}  // namespace plugpull::serial_log
