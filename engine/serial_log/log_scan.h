// Reading the serial log when a store is opened: which blocks are there, over both files, and the
// data of those that recovery needs.
//
// Block headers are walked from the start of each file; bodies are read from the last block's read
// block on only, and each sector of a body is verified before the next one is looked at.
#pragma once

#include <array>
#include <deque>
#include <vector>

#include "engine/serial_log/checker.h"
#include "engine/serial_log/protocol.h"

namespace plugpull::serial_log {

// A block that recovery reads, whole; its data begins and ends as its header says.
struct LiveBlock {
  LogBlockPlace place{};
  Bytes bytes{};  // padded

  Bytes data() const;
};

// What the log files say. Kept from one open store to the next on a thread, for its memory.
class LogScan {
 public:
  // Reads both files. Errors: I/O; kCorrupt: "gap" where blocks from the read block on are missing.
  Expected<void> Read(const std::array<VfsFile*, 2>& files, const Options& options);

  // Takes the last block for none. Requires: it is not the only one that was read.
  void ForgetLast();

  const std::vector<LiveBlock>& blocks() const { return blocks_; }  // from the read block on
  BlockNumber read_block() const { return read_block_; }
  BlockNumber last_block() const { return last_block_; }  // 0: there is none
  uint32_t creation() const { return creation_; }         // of the last block

  // Where the valid blocks of a file end.
  uint64_t end_bytes(size_t file) const { return end_bytes_[file]; }
  uint64_t size_bytes(size_t file) const { return size_bytes_[file]; }
  size_t last_file() const { return last_file_; }

  // Whether the memory is worth keeping.
  bool is_small() const { return bodies_.size() <= (4u << 20); }

  // The highest block in a file that is not the last one's; 0: there is none.
  BlockNumber highest_in_other_file() const { return highest_in_other_file_; }

 private:
  struct Candidate {
    BlockHeader header{};
    LogBlockPlace place{};
    size_t body_at = 0;  // in bodies_, once it is read
  };

  Expected<void> WalkHeaders(VfsFile& file, uint8_t index, const Options& options);
  Expected<void> ReadChains(const std::array<VfsFile*, 2>& files, const Options& options);
  Expected<void> ReadLive(const std::array<VfsFile*, 2>& files, const Options& options);
  size_t FirstNeeded(const Options& options) const;
  Expected<size_t> FindBad(const std::array<VfsFile*, 2>& files, size_t first, size_t end,
                           const Options& options);
  Expected<bool> ReadBody(VfsFile& file, const Candidate& candidate, const Options& options);
  Expected<void> Adopt(size_t first, const Options& options);
  void SetLast();

  std::array<std::vector<Candidate>, 2> chains_;
  std::vector<Candidate> candidates_;  // both chains, in order
  std::vector<std::byte> bodies_;
  size_t used_bytes_ = 0;  // of bodies_
  std::vector<LiveBlock> blocks_;
  std::array<uint64_t, 2> size_bytes_{};
  std::array<uint64_t, 2> end_bytes_{};
  BlockNumber read_block_ = 1;
  BlockNumber last_block_ = 0;
  BlockNumber highest_in_other_file_ = 0;
  uint32_t creation_ = 0;
  size_t last_file_ = 0;
};

}  // namespace plugpull::serial_log
