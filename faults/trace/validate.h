// What makes a trace a trace. Every trace that comes from a file has passed this check, so later
// stages rely on what is written here and do not look again:
//
// - A field that the operation's kind does not use is zero or empty. Names that it uses have 1 to
//   255 characters, without '/' and NUL, and are not "." or "..".
// - A successful operation was possible where it stands: inodes were created before (the trace
//   starts with an empty directory), names lead to the inode that the operation says, directories
//   form a tree, only empty ones are removed or replaced. A new inode has a new number, not above
//   the number of operations + 1. A rename between two names of one file does nothing (rename(2))
//   and is not recorded.
// - A failed operation names known inodes or kNoInode; its names may be empty.
// - Payloads lie inside Trace::payload; no file grows above kMaxFileBytes.
// - Transactions begin in increasing order, and each is acknowledged at most once, after it began.
//   Those two kinds never fail.
#pragma once

#include <cstdint>

#include "faults/base/error.h"
#include "faults/trace/trace.h"

namespace plugpull {

// 16 TiB, the largest file of ext4 with its usual block size.
inline constexpr uint64_t kMaxFileBytes = uint64_t{1} << 44;

// More operations than any recording makes; a bound, so that a small damaged file cannot ask for
// all the memory of the machine.
inline constexpr size_t kMaxOps = size_t{1} << 24;

// The same for the changes of all transactions together.
inline constexpr size_t kMaxChanges = size_t{1} << 24;

// Returns: success, or an error of code kCorrupt that names the first operation that is wrong.
Expected<void> ValidateTrace(const Trace& trace);

}  // namespace plugpull
