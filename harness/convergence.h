// Whether recovery comes to an end where the power fails in it again and again. Each attempt is cut
// short right before its last change, with everything before it on disk; an engine whose next
// attempt has more to do each time never gets there.
#pragma once

#include <optional>

#include "engine/target.h"
#include "faults/vfs/image.h"
#include "harness/recovery.h"

namespace plugpull {

// Recovers six times from `image`. Returns: a violation if each attempt did more than the one
// before, counted in changes and bytes written. An attempt that fails says nothing here.
std::optional<Violation> CheckConvergence(const Image& image, const Target& target);

}  // namespace plugpull
