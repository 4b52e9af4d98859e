// Builds the image that one crash state leaves, the plain way: every operation before the crash is
// applied in order, except for the atoms that were lost. Knows nothing of models, edges or lazy
// views, so that it checks them: what a view shows must be what this builds.
#pragma once

#include <cstddef>
#include <span>

#include "faults/persistence/atom.h"
#include "faults/persistence/tear.h"
#include "faults/trace/trace.h"
#include "faults/vfs/image.h"

namespace plugpull {

// A crash state, complete: which operations had been issued, and which atoms of them were lost.
// Requires: `lost` is sorted; position <= trace.ops.size().
Image Materialise(const Trace& trace, size_t position, std::span<const AtomId> lost, Tear tear);

}  // namespace plugpull
