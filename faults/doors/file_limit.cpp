#include "faults/doors/file_limit.h"

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace plugpull {

int64_t AllowedBytes(const Tracee& tracee, uint64_t offset_bytes, uint64_t size_bytes) {
  const uint64_t limit = tracee.FileSizeLimit();
  if (offset_bytes >= limit) {
    tracee.Signal(SIGXFSZ);
    return -EFBIG;
  }
  return static_cast<int64_t>(std::min(size_bytes, limit - offset_bytes));
}

}  // namespace plugpull
