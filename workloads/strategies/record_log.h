// A log of records in one file, read until the first that is not whole.
//
// A record is cut into fragments that stay within one 4 KiB block, each with a checksum of its own:
// a reader stops at the first fragment that a crash tore, and never looks at what lies behind it.
// The checksum of a fragment is seeded with the one before it and the first with the log's number,
// so that what an earlier log or an earlier end of this one left behind never fits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "faults/vfs/vfs.h"

namespace plugpull::strategies {

// Where a log stands: what the next record follows.
struct LogPosition {
  uint64_t offset_bytes = 0;
  uint64_t chain = 0;

  static LogPosition Start(uint64_t log_number) { return {.offset_bytes = 0, .chain = log_number}; }
};

// Returns: the bytes of a record at `position`, which moves behind it. They are meant for the
// offset at which `position` was.
std::vector<std::byte> EncodeRecord(std::span<const std::byte> payload, LogPosition& position);

// Reads the records of a file in order.
class LogReader {
 public:
  // `checksums` false: believes every length. The file must outlive the reader.
  LogReader(VfsFile& file, LogPosition start, bool checksums)
      : file_(file), position_(start), checksums_(checksums) {}

  // Returns: true with the next record in payload(), false where there is no whole one.
  // Errors: the file cannot be read.
  Expected<bool> Next();

  std::span<const std::byte> payload() const { return payload_; }

  // Where the last whole record ends.
  LogPosition position() const { return position_; }

 private:
  VfsFile& file_;
  LogPosition position_;
  bool checksums_;
  std::vector<std::byte> payload_;
};

}  // namespace plugpull::strategies
