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
};
inline constexpr OpKind kLastOpKind = OpKind::kAcknowledge;

// One operation. Fields that a kind does not use are zero or empty.
struct Op {
  OpKind kind = OpKind::kCreate;
  int32_t result_errno = 0;  // 0: success. A failed operation changed nothing.
  InodeId inode = kNoInode;
  InodeId directory = kNoInode;
  std::string name{};
  InodeId other_directory = kNoInode;
  std::string other_name{};
  uint64_t offset_bytes = 0;
  uint64_t size_bytes = 0;      // kWrite: length of the payload; kTruncate: the new size
  uint64_t payload_offset = 0;  // kWrite: where in Trace::payload the bytes are
  uint32_t transaction = 0;

  bool operator==(const Op&) const = default;
};

struct Trace {
  // Facts about the run as short strings: target, seed, version, workload options. Keys sort.
  std::map<std::string, std::string> facts;
  std::vector<Transaction> transactions;  // [0] is transaction 1
  std::vector<Op> ops;
  std::vector<std::byte> payload;

  // Requires: op is a kWrite of this trace.
  std::span<const std::byte> Payload(const Op& op) const {
    return std::span(payload).subspan(op.payload_offset, op.size_bytes);
  }

  bool operator==(const Trace&) const = default;
};

// Returns: the word for `kind` in listings, for example "write".
const char* Name(OpKind kind);

// Returns: one readable line for an operation: "write test.db 8192+4096". `names` maps inodes to
// the name that they were last seen under.
std::string Describe(const Op& op, const std::map<InodeId, std::string>& names);

// Returns: for each inode of the trace, the path that it was last seen under.
std::map<InodeId, std::string> LastNames(const Trace& trace);

}  // namespace plugpull
