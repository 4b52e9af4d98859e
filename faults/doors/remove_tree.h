// Removes whatever programs leave behind.
#pragma once

#include <string>

#include "faults/base/error.h"

namespace plugpull {

// Removes what `name` stands for in an open directory, and all that is in it: however deep, however
// many files, and without regard to permissions that the owner of a directory took from himself.
// Links are removed, not followed. What is not there is no error.
// Requires: nobody adds to it meanwhile.
// Errors: what the system refuses, such as a directory that others own or that is mounted on.
Expected<void> RemoveTree(int directory, const std::string& name);

}  // namespace plugpull
