// The trace: every file operation of a recorded run in one total order, with payloads, results and
// acknowledgements. It is the only thing that travels from recording to exploration, and it knows
// files by inode, never by name alone: identity survives rename, unlink and re-creation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "faults/trace/transaction.h"

namespace plugpull {

using InodeId = uint32_t;
inline constexpr InodeId kNoInode = 0;
inline constexpr InodeId kRootInode = 1;  // the recorded directory

enum class OpKind : uint8_t {
  kCreate,           // inode = the new file, directory + name = where
  kWrite,            // inode, offset_bytes, payload
  kTruncate,         // inode, size_bytes
  kSync,             // inode
  kDataSync,         // inode
  kSyncDirectory,    // inode = the directory
  kRename,           // inode moved, directory + name = from, other_directory + other_name = to
  kLink,             // inode, other_directory + other_name = the added name
  kUnlink,           // inode, directory + name = the removed name
  kMakeDirectory,    // inode = the new directory, directory + name = where
  kRemoveDirectory,  // inode, directory + name
  kBegin,            // transaction = number now attempted (1-based)
  kAcknowledge,      // transaction = number whose commit returned success
  kSymlink,          // inode = the new link, directory + name = where, payload = its text
  kCreateUnnamed,    // inode = a new file that no name stands for yet (O_TMPFILE)
  kExchange,         // inode at directory + name and other_inode at other_directory + other_name
                     // trade places (RENAME_EXCHANGE)
  kAllocate,         // inode, offset_bytes, size_bytes, flags: fallocate(2)
  kClone,            // inode, offset_bytes, payload = the bytes it now shares; other_inode = source
  kSetAttribute,     // inode, name = "mode", "owner", "times", ...; payload = the new value
  kSetXattr,         // inode, name = the key, payload = the value
  kRemoveXattr,      // inode, name = the key
  kSyncWrite,        // the return of a synchronous write: inode, offset_bytes, size_bytes as its
                     // kWrite, which comes before; flags: kFullSync for O_SYNC, else O_DSYNC
  kSyncRange,        // sync_file_range(2), msync(MS_ASYNC): inode, offset_bytes, size_bytes
  kSyncMapped,       // msync(MS_SYNC): inode, offset_bytes, size_bytes
  kSyncAll,          // sync(2), syncfs(2)
  kUnmodelled,       // inode or kNoInode, name = a call that no model knows: no verdict past it
};
inline constexpr OpKind kLastOpKind = OpKind::kUnmodelled;

// Bits of Op::flags.
enum OpFlag : uint32_t {
  kMapped = 1 << 0,     // kWrite: a page of a shared mapping, as it was captured
  kDirect = 1 << 1,     // kWrite: O_DIRECT
  kUntorn = 1 << 2,     // kWrite: RWF_ATOMIC, all or nothing
  kFullSync = 1 << 3,   // kSyncWrite: attributes too
  kKeepSize = 1 << 4,   // kAllocate: beyond the end without growing the file
  kPunchHole = 1 << 5,  // kAllocate: the range reads as zeros; the size stays
  kZeroRange = 1 << 6,  // kAllocate: the range reads as zeros; the file grows without kKeepSize
  // kSync, kDataSync, what became of a write-back that failed, beyond what Op::result_errno says:
  kDroppedLate = 1 << 7,     // returned success, but has dropped all; a later sync says so
  kNothingDropped = 1 << 8,  // failed, for an interruption or an earlier sync: all is as before
  kBytesLost = 1 << 9,       // failed, and the file already reads without what it dropped
  kTakenBack = 1 << 10,      // the same, and the size is that on disk again
};

// One operation. Fields that a kind does not use are zero or empty.
//
// A synchronous write is two operations, so that a crash can come between them: the kWrite, and
// kSyncWrite when it returned. A write whose result was short is a kWrite of what was written.
struct Op {
  OpKind kind = OpKind::kCreate;
  // 0: success. A failed operation changed nothing; but a failed sync has also dropped what it did
  // not write: of the range offset_bytes + size_bytes of the file, or of all of it where that is 0.
  int32_t result_errno = 0;
  InodeId inode = kNoInode;
  InodeId directory = kNoInode;
  std::string name{};
  InodeId other_directory = kNoInode;
  std::string other_name{};
  uint64_t offset_bytes = 0;
  uint64_t size_bytes = 0;      // kTruncate: the new size; else a length, also of the payload
  uint64_t payload_offset = 0;  // where in Trace::payload the bytes are, for kinds that have some
  uint32_t transaction = 0;
  InodeId other_inode = kNoInode;  // kExchange, kClone
  uint32_t flags = 0;              // OpFlag
  uint32_t site = 0;               // who called: 1 + index in Trace::sites; 0: nobody knows

  bool operator==(const Op&) const = default;
};

// Where in a program a call was made: its frames in words, the innermost first, without those of
// the door: "WriteMeta (protocol.cpp:88)", "libsqlite3.so.0+0x3a7f2".
struct CallSite {
  std::vector<std::string> frames;

  bool operator==(const CallSite&) const = default;
};

struct Trace {
  // Facts about the run as short strings: target, seed, version, workload options. Keys sort.
  std::map<std::string, std::string> facts;
  std::vector<Transaction> transactions;  // [0] is transaction 1
  std::vector<Op> ops;
  std::vector<std::byte> payload;
  std::vector<CallSite> sites = {};  // each once, in the order in which they called first

  // Requires: op is of this trace and of a kind with a payload: kWrite, kSymlink, kClone,
  // kSetAttribute, kSetXattr.
  std::span<const std::byte> Payload(const Op& op) const {
    return std::span(payload).subspan(op.payload_offset, op.size_bytes);
  }

  bool operator==(const Trace&) const = default;
};

// Returns: true for calls that make something durable, and for the return of a synchronous write.
bool IsSync(OpKind kind);

// Returns: true for a sync that has not made durable what it covers, whatever it returned.
bool IsFailedSync(const Op& op);

// Returns: the word for `kind` in listings, for example "write".
const char* Name(OpKind kind);

// Returns: one readable line for an operation: "write test.db 8192+4096". `names` maps inodes to
// the name that they were last seen under.
std::string Describe(const Op& op, const std::map<InodeId, std::string>& names);

// Returns: for each inode of the trace, the path that it was last seen under.
std::map<InodeId, std::string> LastNames(const Trace& trace);

}  // namespace plugpull
