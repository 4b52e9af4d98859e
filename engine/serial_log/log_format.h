// The serial log: blocks in two files, which are written alternately, and the records in them. A
// block begins at a multiple of kSectorBytes.
//
//   block header, 40 bytes  block number u64, read block u64 (the oldest that is still needed),
//                           length u32 (of the whole block, end marker included), creation u32,
//                           version u16, data offset u16, checksum u32 (of the first sector),
//                           i64 unused
//   sector checksums        u32 for each sector after the first: a reader that verifies them looks
//                           at no byte behind the first sector that is not there
//   data                    records, then kEndMarker
//
// A block is accepted after another if its number is the next one, its creation is not lower, the
// version is right and the end marker is there. Falcon's creation time is a clock; here it counts
// the opens that wrote. Falcon has no checksums (log_checksum=off).
//
// A record is a type u8 and fields. A transaction's numbers are unique among the live blocks.
#pragma once

#include <vector>

#include "engine/serial_log/page_format.h"
#include "faults/base/error.h"

namespace plugpull::serial_log {

using BlockNumber = uint64_t;  // from 1; 0 is none
using TransactionId = uint64_t;

inline constexpr uint32_t kSectorBytes = 512;
inline constexpr uint16_t kLogVersion = 1;
inline constexpr size_t kBlockHeaderBytes = 40;
inline constexpr size_t kBlockChecksumAt = 28;
inline constexpr uint32_t kBlockBytesMax = 1u << 22;
inline constexpr std::byte kEndMarker{0xE5};

struct BlockHeader {
  BlockNumber number = 0;
  BlockNumber read_block = 0;
  uint32_t length = 0;
  uint32_t creation = 0;
  uint16_t version = kLogVersion;
  uint16_t data_offset = kBlockHeaderBytes;
  uint32_t checksum = 0;

  bool operator==(const BlockHeader&) const = default;
};

// Requires: `bytes` has kBlockHeaderBytes bytes.
BlockHeader LoadBlockHeader(Bytes bytes);
void StoreBlockHeader(MutableBytes bytes, const BlockHeader& header);

// Returns: whether the numbers make sense together, whatever the block's bytes are.
bool IsPlausible(const BlockHeader& header);

// Returns: where the next block may begin.
constexpr uint64_t PaddedBytes(uint64_t length) {
  return (length + kSectorBytes - 1) / kSectorBytes * kSectorBytes;
}

constexpr uint32_t SectorsOf(uint64_t length) {
  return static_cast<uint32_t>(PaddedBytes(length) / kSectorBytes);
}

// Checksums of a block. Requires: `sector` is one sector, as it is in the file; the first has the
// header, whose own field does not count.
uint32_t ChecksumOfFirstSector(Bytes sector);
uint32_t ChecksumOfSector(Bytes sector);

// Returns: the whole block, padded with zeros. Requires: `records` are whole records.
std::vector<std::byte> BuildBlock(BlockNumber number, BlockNumber read_block, uint32_t creation,
                                  Bytes records);

enum class LogRecordType : uint8_t {
  kUpdateRecords = 1,   // transaction u64, tablespace u32, section i32, size u32, {record, bytes}[]
  kCommit = 2,          // transaction u64
  kRollback = 3,        // transaction u64
  kPrepare = 4,         // transaction u64
  kDataPage = 5,        // section i32, locator page i32, page i32
  kRecordLocator = 6,   // section i32, sequence i32, page i32
  kSectionPage = 7,     // parent i32, page i32, slot i32
  kOverflowPages = 8,   // section i32, count u32, pages i32[]: a chain in this order
  kFreePage = 9,        // page i32
  kCheckpoint = 10,     // block u64
  kPageImage = 11,      // page i32, size u32, bytes: what is about to be written in place
  kRecoveredPage = 12,  // the same, of a recovery: nothing before the kRecovered that ends them
  kRecovered = 13,      // block u64: redo of everything up to it is in the pages before this record
};

inline constexpr uint32_t kTablespaceId = 1;

// One change in an UpdateRecords record: record number i32, length u32, bytes; length 0: deleted.
struct RecordChange {
  int32_t record = 0;
  Bytes bytes{};
};

// One record as read; the bytes are those of the block.
struct LogRecord {
  LogRecordType type = LogRecordType::kCommit;
  TransactionId transaction = 0;    // of the first four types
  int32_t section = 0;              // never negated
  bool has_earlier_version = true;  // kUpdateRecords; stored as a negated section when false
  int32_t sequence = 0;             // kRecordLocator
  PageNumber locator = kNoPage;     // kDataPage
  PageNumber parent = kNoPage;      // kSectionPage
  int32_t slot = 0;                 // kSectionPage
  PageNumber page = kNoPage;        // types 5, 6, 7, 9, 11 and 12
  BlockNumber block = 0;            // kCheckpoint, kRecovered
  Bytes body{};                     // changes, page numbers, or a page
};

// Appends one record to `out`.
void PutLogRecord(std::vector<std::byte>& out, const LogRecord& record);

// Appends one change to the body of a kUpdateRecords.
void PutRecordChange(std::vector<std::byte>& body, const RecordChange& change);

// Takes the records of a block's data one by one. Errors: kCorrupt: the bytes are no records.
class LogRecordReader {
 public:
  explicit LogRecordReader(Bytes data) : rest_(data) {}

  bool is_at_end() const { return rest_.empty() || rest_.front() == kEndMarker; }
  Expected<LogRecord> Take();

 private:
  Bytes rest_;
};

// Takes the changes of a kUpdateRecords one by one. Errors: kCorrupt.
class RecordChangeReader {
 public:
  explicit RecordChangeReader(Bytes body) : rest_(body) {}

  bool is_at_end() const { return rest_.empty(); }
  Expected<RecordChange> Take();

 private:
  Bytes rest_;
};

}  // namespace plugpull::serial_log
