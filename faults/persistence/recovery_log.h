// What a recovery did to the disk that a crash had left: its operations as a trace of their own,
// and what it found before it changed it. That is all that the next crash needs to know of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "faults/trace/trace.h"

namespace plugpull {

// Something that the recovery had found when it was about to issue an operation.
struct Found {
  enum class Kind : uint8_t {
    kName,         // directory + name stood for `inode`, or for nothing
    kSize,         // the file had size_bytes
    kSizeAtLeast,  // the file had no less
  };
  Kind kind = Kind::kName;
  uint32_t op = 0;  // index of the operation in the log's trace
  InodeId inode = kNoInode;
  InodeId directory = kNoInode;
  std::string name{};
  uint64_t size_bytes = 0;
};

struct RecoveryLog {
  Trace trace;  // only operations and payload; inodes that it does not make were there before
  std::vector<Found> found;            // in order
  InodeId first_new_inode = kNoInode;  // those that the recovery made are numbered from here

  void Clear(InodeId first_new) {
    trace.ops.clear();
    trace.payload.clear();
    found.clear();
    first_new_inode = first_new;
  }
};

}  // namespace plugpull
