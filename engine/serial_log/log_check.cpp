#include "engine/serial_log/log_check.h"

#include <array>

namespace plugpull::serial_log {
namespace {

// Compares a block with what the open store knows of it.
Expected<void> CheckBlock(const LogView& log, const LogBlockPlace& place, Problems& problems) {
  std::array<std::byte, kSectorBytes> sector{};
  const char* const path = kLogPaths[place.file % 2];
  VfsFile* const file = log.files[place.file % 2];
  if (file == nullptr) {
    problems.Add("F-I6: block {}: {} is not there", place.number, path);
    return {};
  }
  const Expected<size_t> read = file->Read(place.offset_bytes, sector);
  if (!read) return std::unexpected(read.error());
  if (*read < kBlockHeaderBytes) {
    problems.Add("F-I6: block {}: truncated log file, {} ends before {}", place.number, path,
                 place.offset_bytes);
    return {};
  }
  const BlockHeader header = LoadBlockHeader(sector);
  if (header.number != place.number || header.length != place.length || !IsPlausible(header)) {
    problems.Add("F-I6: block {}: damaged block at {} of {}: number {}, {} bytes", place.number,
                 place.offset_bytes, path, header.number, header.length);
  } else if (log.verifies_checksums && header.checksum != ChecksumOfFirstSector(sector)) {
    problems.Add("F-I6: block {}: damaged block at {} of {}: checksum error", place.number,
                 place.offset_bytes, path);
  }
  if (header.read_block > header.number) {
    problems.Add("F-I6: block {}: has read block {}, which comes later", place.number,
                 header.read_block);
  }
  return {};
}

}  // namespace

Expected<void> CheckLog(const LogView& log, Problems& problems) {
  if (log.durable_block > log.last_block) {
    problems.Add("F-I6: block {} is said to be durable, the last one is {}", log.durable_block,
                 log.last_block);
  }
  if (log.checkpoint_block > log.durable_block) {
    problems.Add("F-I6: the last checkpoint is of block {}, block {} is the last durable one",
                 log.checkpoint_block, log.durable_block);
  }
  if (log.read_block > log.last_block + 1) {
    problems.Add("F-I6: read block {}, the last one is {}", log.read_block, log.last_block);
  }
  BlockNumber expected = log.read_block;
  for (const LogBlockPlace& place : log.blocks) {
    if (place.number < log.read_block || place.number > log.last_block) continue;
    if (place.number != expected) {
      problems.Add("F-I6: possible gap in the log: block {} where {} is expected", place.number,
                   expected);
    }
    expected = place.number + 1;
    if (Expected<void> checked = CheckBlock(log, place, problems); !checked) return checked;
  }
  if (expected <= log.last_block) {
    problems.Add("F-I6: block {} has been purged, the log is needed from {} to {}", expected,
                 log.read_block, log.last_block);
  }
  return {};
}

}  // namespace plugpull::serial_log
