// What a case needs of the machine that it is replayed on.
#pragma once

#include <string>

#include "faults/base/error.h"
#include "harness/case_file.h"

namespace plugpull {

// Errors: kInvalidArgument: this plugpull has no such target; kUnsupported: the driver or the check
// command of the case is not here.
Expected<void> CheckProgram(const Case& saved);

// Returns: a warning that the target has another version here than the one that was recorded; empty
// where it has not, or nobody knows.
std::string VersionWarning(const Case& saved);

}  // namespace plugpull
