// The file tree that the operations of a trace have made so far, by which the next one is judged:
// what exists, what kind it is, and which names lead to it. It knows no bytes and no sizes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "faults/trace/op_fields.h"
#include "faults/trace/trace.h"

namespace plugpull {

class TraceTree {
 public:
  // New inodes have numbers up to `max_inode`.
  explicit TraceTree(size_t max_inode);

  bool Knows(InodeId inode) const { return nodes_.contains(inode); }
  bool IsFile(InodeId inode) const { return Is(inode, NodeKind::kFile); }

  // Applies a successful operation. Requires: its fields are legal by themselves (op_fields.h).
  // Returns: why it could not have succeeded, if so; the tree is of no use then.
  Complaint Apply(const Op& op);

 private:
  enum class NodeKind : uint8_t { kFile, kDirectory, kLink };

  struct Node {
    NodeKind kind = NodeKind::kFile;
    bool is_removed = false;      // a directory that is gone; it stays known while it is open
    bool is_unnamed_new = false;  // a file that was created without a name and has had none since
    size_t name_count = 0;        // how many names lead to it
    InodeId parent = kNoInode;    // of a directory
    std::map<std::string, InodeId, std::less<>> names;
  };

  // The write that kSyncWrite may stand for: the last one of an inode.
  struct LastWrite {
    uint64_t offset_bytes = 0;
    uint64_t size_bytes = 0;
    bool operator==(const LastWrite&) const = default;
  };

  bool Is(InodeId inode, NodeKind kind) const;
  bool IsDirectory(InodeId inode) const { return Is(inode, NodeKind::kDirectory); }

  // Returns: whether `inode` is `ancestor` or below it.
  bool IsInside(InodeId inode, InodeId ancestor) const;

  // Returns: the inode of a name, or kNoInode. Requires: the directory is one.
  InodeId Find(InodeId directory, const std::string& name) const;
  bool LeadsTo(InodeId directory, const std::string& name, InodeId inode) const {
    return inode != kNoInode && Find(directory, name) == inode;
  }

  Complaint Make(InodeId inode, NodeKind kind);
  Complaint Add(InodeId directory, const std::string& name, InodeId inode);
  Complaint Create(const Op& op, NodeKind kind);
  Complaint Write(const Op& op);
  Complaint Link(const Op& op);
  Complaint Remove(const Op& op);
  Complaint Rename(const Op& op);
  Complaint Exchange(const Op& op);

  size_t max_inode_;
  std::map<InodeId, Node> nodes_;
  std::map<InodeId, LastWrite> last_writes_;
};

}  // namespace plugpull
