// The limit on the size of files that a process has (RLIMIT_FSIZE), kept by us where we write for
// it: the kernel would ask for ours.
#pragma once

#include <cstdint>

#include "faults/doors/tracee.h"

namespace plugpull {

// Returns: how many of `size_bytes` bytes at `offset_bytes` the process may write; -EFBIG for none,
// and then it has got SIGXFSZ.
int64_t AllowedBytes(const Tracee& tracee, uint64_t offset_bytes, uint64_t size_bytes);

}  // namespace plugpull
