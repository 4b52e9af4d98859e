// Ways to mend a damaged store, the gentlest first.
#pragma once

#include <span>

#include "engine/repair.h"

namespace plugpull::revision_tree {

std::span<const Repair> Repairs();

}  // namespace plugpull::revision_tree
