// The part of the check that is about the log: F-I6.
#pragma once

#include "engine/serial_log/checker.h"
#include "engine/serial_log/problems.h"

namespace plugpull::serial_log {

// Looks at the first sector of each block from the read block on. Errors: I/O.
Expected<void> CheckLog(const LogView& log, Problems& problems);

}  // namespace plugpull::serial_log
