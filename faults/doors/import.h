// What comes into the recorded directory from outside, by rename(2) or link(2), comes with content
// that the trace knows nothing of: it is recorded as if it had just been written, and not synced.
#pragma once

#include "faults/base/error.h"
#include "faults/doors/call_path.h"
#include "faults/doors/door.h"

namespace plugpull {

// Records what is at `place` now, with all that is below it. `replaced`: what was there before, or
// kNoInode; the replacement is one operation.
// Errors: it cannot be read.
Expected<void> ImportAt(Door& door, const Place& place, InodeId replaced = kNoInode);

// Records that what was at `place` has left the directory: as removed, with all that is below it.
void ExportFrom(Door& door, InodeId directory, const std::string& name);

}  // namespace plugpull
