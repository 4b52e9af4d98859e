// The cases that an earlier run has left in a directory for output.
#pragma once

#include <string>

#include "faults/base/error.h"

namespace plugpull {

// Removes the cases in `directory`/findings that have names as findings give them. Whatever else is
// there stays, and so does what is no regular file.
//
// Errors: kIo: one of them cannot be removed.
Expected<void> RemoveOldCases(const std::string& directory);

}  // namespace plugpull
