// Which recorded files lie behind a piece of a program's memory.
#pragma once

#include <cstdint>
#include <vector>

#include "faults/base/error.h"
#include "faults/doors/door.h"
#include "faults/doors/tracee.h"

namespace plugpull {

struct MappedRange {
  InodeId inode = kNoInode;
  uint64_t offset_bytes = 0;
  uint64_t size_bytes = 0;
};

// Returns: the parts of recorded files that are mapped shared at an address, in its order.
Expected<std::vector<MappedRange>> SharedFilesAt(Door& door, const Tracee& tracee, uint64_t address,
                                                 uint64_t size_bytes);

}  // namespace plugpull
