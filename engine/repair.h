// Ways to mend a damaged store, so that each damaged image can be given a recoverability class:
// what an operator would have to do, and whether that brings everything back.
#pragma once

#include <string_view>

#include "faults/base/error.h"
#include "faults/vfs/vfs.h"

namespace plugpull {

// One way, tried on a copy. Immutable, lives as long as the program.
struct Repair {
  std::string_view name;            // the verb: "revert-meta"
  std::string_view recoverability;  // of a store that it cures: "cured by previous meta"
  // Does the surgery on the store in the directory of `vfs`. Errors: the tool refuses, or finds
  // nothing that it could do; the files may have changed.
  Expected<void> (*mend)(Vfs& vfs);
};

}  // namespace plugpull
