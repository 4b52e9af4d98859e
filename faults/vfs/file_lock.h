// Advisory whole-file locks of one process: many shared holders or one exclusive holder.
#pragma once

#include <cstdint>

#include "faults/vfs/vfs.h"

namespace plugpull {

// The lock state of one file. Each handle remembers the level that it holds.
class FileLock {
 public:
  // Moves a handle that holds `held` to `wanted`. Returns: false, unchanged, when others are in the
  // way.
  bool Move(LockLevel& held, LockLevel wanted) {
    const uint32_t other_shared = shared_ - (held == LockLevel::kShared ? 1 : 0);
    const bool other_exclusive = exclusive_ && held != LockLevel::kExclusive;
    if (wanted != LockLevel::kNone && other_exclusive) return false;
    if (wanted == LockLevel::kExclusive && other_shared > 0) return false;
    if (held == LockLevel::kShared) --shared_;
    if (held == LockLevel::kExclusive) exclusive_ = false;
    if (wanted == LockLevel::kShared) ++shared_;
    if (wanted == LockLevel::kExclusive) exclusive_ = true;
    held = wanted;
    return true;
  }

 private:
  uint32_t shared_ = 0;
  bool exclusive_ = false;
};

}  // namespace plugpull
