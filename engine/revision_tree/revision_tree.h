// The engine type `revision_tree`: Mavibot's B-tree of revisions, with both of the ways to recover
// that its authors argued about.
#pragma once

#include "engine/engine.h"

namespace plugpull {

const EngineType& RevisionTreeType();

}  // namespace plugpull
