// The processes that descend from one.
#pragma once

#include <sys/types.h>

namespace plugpull {

// Kills all living descendants of `ancestor`, which itself lives on.
// Returns: how many there were.
size_t KillDescendants(pid_t ancestor);

}  // namespace plugpull
