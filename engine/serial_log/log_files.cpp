#include "engine/serial_log/log_files.h"

#include <algorithm>

#include "faults/base/assert.h"
#include "faults/vfs/whole_calls.h"

namespace plugpull::serial_log {

LogFiles::LogFiles(Vfs& vfs, std::array<std::unique_ptr<VfsFile>, 2> files, const Options& options)
    : vfs_(vfs), options_(options), files_(std::move(files)) {}

void LogFiles::BeginAfter(const LogScan& scan) {
  scan_ = &scan;
  read_block_ = scan.read_block();
  purged_below_ = read_block_;
  last_block_ = scan.last_block();
  durable_block_ = last_block_;
  creation_ = scan.creation() + 1;
  file_ = scan.last_file();
  offset_bytes_ = scan.end_bytes(file_);
  size_bytes_ = {scan.size_bytes(0), scan.size_bytes(1)};
  for (const LiveBlock& block : scan.blocks()) blocks_.push_back(block.place);
}

void LogFiles::Append(const LogRecord& record) { PutLogRecord(buffer_, record); }

Expected<BlockNumber> LogFiles::WriteBuffered() {
  if (buffer_.empty()) return last_block_;
  Expected<BlockNumber> written = Write(buffer_);
  buffer_.clear();
  return written;
}

Expected<BlockNumber> LogFiles::WriteAlone(const LogRecord& record) {
  std::vector<std::byte> bytes;
  PutLogRecord(bytes, record);
  return Write(bytes);
}

Expected<void> LogFiles::Flush() {
  const Expected<BlockNumber> written = WriteBuffered();
  if (!written) return std::unexpected(written.error());
  return Sync();
}

Expected<void> LogFiles::Sync() {
  for (const size_t file : {1 - file_, file_}) {
    if (!is_unsynced_[file]) continue;
    if (Expected<void> synced = files_[file]->Sync(SyncKind::kData); !synced) return synced;
    is_unsynced_[file] = false;
  }
  durable_block_ = last_block_;
  if (!blocks_.empty()) purged_below_ = blocks_.back().read_block;
  while (!blocks_.empty() && blocks_.front().number < purged_below_) blocks_.pop_front();
  return {};
}

void LogFiles::SetReadBlock(BlockNumber block) {
  Assert(block >= read_block_ || options_.mutations.accept_any_block, "the log is read from later");
  read_block_ = block;
}

Expected<BlockNumber> LogFiles::Write(Bytes records) {
  if (records.size() + kSectorBytes > kBlockBytesMax / 2) {
    return Fail(ErrorCode::kInvalidArgument, "the transaction is too large for the log");
  }
  if (Expected<void> settled = Settle(); !settled) return std::unexpected(settled.error());
  if (Expected<void> chosen = ChooseFile(); !chosen) return std::unexpected(chosen.error());
  const BlockNumber number = last_block_ + 1;
  const BlockNumber read_block = std::min(read_block_, number);
  const std::vector<std::byte> block = BuildBlock(number, read_block, creation_, records);
  Expected<void> written = WriteFully(*files_[file_], offset_bytes_, block);
  if (!written) return std::unexpected(written.error());
  blocks_.push_back({.number = number,
                     .read_block = read_block,
                     .file = static_cast<uint8_t>(file_),
                     .offset_bytes = offset_bytes_,
                     .length = LoadBlockHeader(block).length});
  last_block_ = number;
  is_unsynced_[file_] = true;
  offset_bytes_ += block.size();
  size_bytes_[file_] = std::max(size_bytes_[file_], offset_bytes_);
  return number;
}

Expected<void> LogFiles::Settle() {
  if (is_settled_) return {};
  Assert(scan_ != nullptr, "the log was begun");
  for (const LiveBlock& block : scan_->blocks()) {
    VfsFile& file = *files_[block.place.file];
    Expected<void> written = WriteFully(file, block.place.offset_bytes, block.bytes);
    if (!written) return written;
  }
  for (size_t file = 0; file < 2; ++file) {
    const bool is_needed = file == file_ || scan_->highest_in_other_file() >= purged_below_;
    const uint64_t end_bytes = is_needed ? scan_->end_bytes(file) : 0;
    if (size_bytes_[file] > end_bytes) {
      if (Expected<void> cut = files_[file]->Truncate(end_bytes); !cut) return cut;
      size_bytes_[file] = end_bytes;
    }
    if (Expected<void> synced = files_[file]->Sync(SyncKind::kFull); !synced) return synced;
  }
  if (Expected<void> synced = vfs_.SyncDirectory(""); !synced) return synced;
  is_settled_ = true;
  return {};
}

// Goes over to the other file when this one has its window and nothing in the other is needed.
Expected<void> LogFiles::ChooseFile() {
  if (offset_bytes_ < options_.window_bytes) return {};
  const size_t other = 1 - file_;
  for (const LogBlockPlace& place : blocks_) {
    if (place.file == other && place.number >= purged_below_) return {};
  }
  if (size_bytes_[other] > options_.window_bytes) {
    if (Expected<void> cut = files_[other]->Truncate(options_.window_bytes); !cut) return cut;
    size_bytes_[other] = options_.window_bytes;
  }
  // Of a transaction in both files a crash may leave the end and not the beginning: it would look
  // like a log that has lost what it needs.
  if (is_unsynced_[file_]) {
    if (Expected<void> synced = files_[file_]->Sync(SyncKind::kData); !synced) return synced;
    is_unsynced_[file_] = false;
  }
  file_ = other;
  offset_bytes_ = 0;
  return {};
}

}  // namespace plugpull::serial_log
