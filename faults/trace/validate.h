// What makes a trace a trace. Every trace that comes from a file has passed this check, so later
// stages rely on what is written here and do not look again:
//
// - A field that the operation's kind does not use is zero or empty (op_fields.h), and so is a flag
//   that is not of its kind. Names of places have 1 to 255 characters, without '/' and NUL, and are
//   not "." or "..". Keys of attributes and the text of kUnmodelled have 1 to 255 characters
//   without NUL.
// - A successful operation was possible where it stands: inodes were created before (the trace
//   starts with an empty directory), names lead to the inode that the operation says, directories
//   form a tree, only empty ones are removed or replaced. A new inode has a new number, not above
//   the number of operations + 1. A rename between two names of one file does nothing (rename(2))
//   and is not recorded, nor is an exchange of them.
// - An inode is a file, a directory or a symbolic link for good. Only files have bytes: kWrite,
//   kTruncate, kAllocate, kClone on both sides, all syncs but kSyncDirectory and kSyncAll. Links
//   are made, renamed, exchanged and unlinked; their text has 1 to 4095 characters without NUL;
//   they have no second name. Attributes and extended attributes belong to inodes of every kind,
//   the root among them; removing one that was never set is fine, for it may be older than the
//   trace.
// - A file that has lost its last name gets no other one. One that was made by kCreateUnnamed gets
//   its first by kLink.
// - An exchange puts two different inodes into each other's places, whatever their kinds, and no
//   directory below itself.
// - kAllocate and kClone are about at least one byte. The flags of kAllocate are none, kKeepSize,
//   kPunchHole and kKeepSize, kZeroRange, or kZeroRange and kKeepSize. A kWrite that is kMapped has
//   no other flag. kSyncWrite has the inode, offset and size of the last kWrite of its inode that
//   succeeded. The other inode of kClone may be its inode; the bytes are in the payload either way.
// - A failed operation names known inodes or kNoInode; its names may be empty, its size zero. A
//   failed kSync, kDataSync, kSyncMapped or kSyncWrite names a file or kNoInode. Where it has an
//   offset and a size, only the bytes of that range were not written; 0 and 0 are all of the file.
//   Of a kSync or kDataSync that succeeded both are zero. One that failed may be kNothingDropped,
//   kBytesLost or kTakenBack, one that succeeded kDroppedLate.
// - Payloads lie inside Trace::payload; no file grows above kMaxFileBytes.
// - Transactions begin in increasing order, and each is acknowledged at most once, after it began.
//   Those two kinds never fail, nor does kUnmodelled.
// - An operation's site is 0 or one of the trace, and 0 for those two kinds, which no program
// calls.
//   A site has 1 to kMaxFramesOfSite frames, each of 1 to 4095 characters that can be printed.
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

// The same for the frames of one call site, and for the changes of all transactions together.
inline constexpr size_t kMaxFramesOfSite = 256;
inline constexpr size_t kMaxChanges = size_t{1} << 24;

// Returns: success, or an error of code kCorrupt that names the first operation that is wrong.
Expected<void> ValidateTrace(const Trace& trace);

}  // namespace plugpull
