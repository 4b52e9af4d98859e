// Bytes of a file that a fault of the disk has put in the place of others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "faults/trace/trace.h"

namespace plugpull {

struct BytePatch {
  InodeId inode = kNoInode;
  uint64_t offset_bytes = 0;
  std::vector<std::byte> bytes;

  bool operator==(const BytePatch&) const = default;
};

}  // namespace plugpull
