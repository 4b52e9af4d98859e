// Writing the serial log: records are buffered, blocks of them are written to one of two files, and
// flushed. Which blocks are still needed decides when the other file may be taken.
//
// Nothing is written before the first block of an opened store. Then, once: the live blocks are
// written again where they are, whatever lies behind the last one is cut off, and all that is
// synced. A sync may have failed in the process before, so that the live blocks are in the page
// cache alone; and a block of a process that crashed may lie where a later one would seem to
// follow.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "engine/serial_log/log_scan.h"

namespace plugpull::serial_log {

class LogFiles {
 public:
  // `scan` says what is there; it is used by the first write, and must outlive that.
  LogFiles(Vfs& vfs, std::array<std::unique_ptr<VfsFile>, 2> files, const Options& options);

  std::array<VfsFile*, 2> files() const { return {files_[0].get(), files_[1].get()}; }

  // The log is new, and its files are empty: nothing is to be made sure of.
  void BeginNew() { is_settled_ = true; }

  // Goes on after the last block that `scan` found, which must outlive the first write.
  void BeginAfter(const LogScan& scan);

  // Buffers a record.
  void Append(const LogRecord& record);
  void DropBuffered() { buffer_.clear(); }

  // Puts what is buffered into a block, unless there is nothing. It is not durable.
  // Returns: the number of the last block. Errors: I/O.
  Expected<BlockNumber> WriteBuffered();

  // Puts one record into a block of its own, which leaves the buffer alone. It is not durable.
  Expected<BlockNumber> WriteAlone(const LogRecord& record);

  // Writes what is buffered, and makes all blocks durable.
  Expected<void> Flush();

  // Makes all blocks durable that are written.
  Expected<void> Sync();

  // From the next block on, recovery starts at `block`; those before it are not needed once that
  // one is durable.
  void SetReadBlock(BlockNumber block);

  BlockNumber read_block() const { return read_block_; }
  BlockNumber last_block() const { return last_block_; }
  BlockNumber durable_block() const { return durable_block_; }
  const std::deque<LogBlockPlace>& blocks() const { return blocks_; }

 private:
  Expected<BlockNumber> Write(Bytes records);
  Expected<void> Settle();
  Expected<void> ChooseFile();

  Vfs& vfs_;
  const Options& options_;
  std::array<std::unique_ptr<VfsFile>, 2> files_;
  const LogScan* scan_ = nullptr;
  bool is_settled_ = false;
  std::vector<std::byte> buffer_;
  std::deque<LogBlockPlace> blocks_;  // not purged
  BlockNumber read_block_ = 1;
  BlockNumber purged_below_ = 1;  // the read block of the last durable block
  BlockNumber last_block_ = 0;
  BlockNumber durable_block_ = 0;
  uint32_t creation_ = 1;
  size_t file_ = 0;            // where the next block goes
  uint64_t offset_bytes_ = 0;  // where in it
  std::array<uint64_t, 2> size_bytes_{};
  std::array<bool, 2> is_unsynced_{};
};

}  // namespace plugpull::serial_log
