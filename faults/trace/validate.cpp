#include "faults/trace/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace plugpull {
namespace {

// The fields of an Op that a kind may use.
struct Uses {
  bool inode = false;
  bool place = false;        // directory, name
  bool other_place = false;  // other_directory, other_name
  bool offset = false;       // offset_bytes, payload_offset
  bool size = false;
  bool transaction = false;
};

Uses UsesOf(OpKind kind) {
  switch (kind) {
    case OpKind::kCreate:
    case OpKind::kMakeDirectory:
    case OpKind::kUnlink:
    case OpKind::kRemoveDirectory:
      return {.inode = true, .place = true};
    case OpKind::kWrite:
      return {.inode = true, .offset = true, .size = true};
    case OpKind::kTruncate:
      return {.inode = true, .size = true};
    case OpKind::kSync:
    case OpKind::kDataSync:
    case OpKind::kSyncDirectory:
      return {.inode = true};
    case OpKind::kRename:
      return {.inode = true, .place = true, .other_place = true};
    case OpKind::kLink:
      return {.inode = true, .other_place = true};
    case OpKind::kBegin:
    case OpKind::kAcknowledge:
      return {.transaction = true};
  }
  return {};
}

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
         name.find('/') == name.npos && name.find('\0') == name.npos;
}

using Complaint = const char*;  // nullptr: nothing to complain about

// Holds the directory tree that the operations so far have made, and judges the next one.
class Tree {
 public:
  explicit Tree(size_t op_count) : max_inode_(op_count + 1) {
    nodes_[kRootInode].is_directory = true;
  }

  bool Knows(InodeId inode) const { return nodes_.contains(inode); }

  // Applies a successful operation. Returns: why it could not have succeeded, if so.
  Complaint Apply(const Op& op) {
    switch (op.kind) {
      case OpKind::kCreate:
      case OpKind::kMakeDirectory:
        return Create(op);
      case OpKind::kWrite:
      case OpKind::kTruncate:
      case OpKind::kSync:
      case OpKind::kDataSync:
        return IsFile(op.inode) ? nullptr : "its inode is not a file";
      case OpKind::kSyncDirectory:
        return IsDirectory(op.inode) ? nullptr : "its inode is not a directory";
      case OpKind::kRename:
        return Rename(op);
      case OpKind::kLink:
        if (!IsFile(op.inode)) return "its inode is not a file";
        return Add(op.other_directory, op.other_name, op.inode);
      case OpKind::kUnlink:
        if (!IsFile(op.inode)) return "its inode is not a file";
        return Remove(op);
      case OpKind::kRemoveDirectory:
        if (!IsDirectory(op.inode)) return "its inode is not a directory";
        return Remove(op);
      case OpKind::kBegin:
      case OpKind::kAcknowledge:
        return nullptr;
    }
    return "its kind is unknown";
  }

 private:
  struct Node {
    bool is_directory = false;
    bool is_removed = false;    // a directory that is gone; it stays known while it is open
    InodeId parent = kNoInode;  // of a directory
    std::map<std::string, InodeId, std::less<>> names;
  };

  bool IsFile(InodeId inode) const {
    const auto found = nodes_.find(inode);
    return found != nodes_.end() && !found->second.is_directory;
  }

  bool IsDirectory(InodeId inode) const {
    const auto found = nodes_.find(inode);
    return found != nodes_.end() && found->second.is_directory;
  }

  // Returns: the inode of a name, or kNoInode.
  InodeId Find(InodeId directory, const std::string& name) const {
    const auto& names = nodes_.at(directory).names;
    const auto found = names.find(name);
    return found == names.end() ? kNoInode : found->second;
  }

  Complaint Add(InodeId directory, const std::string& name, InodeId inode) {
    if (!IsDirectory(directory) || nodes_[directory].is_removed)
      return "its directory is not there";
    if (!nodes_[directory].names.emplace(name, inode).second) return "its name is taken";
    if (nodes_[inode].is_directory) nodes_[inode].parent = directory;
    return nullptr;
  }

  Complaint Create(const Op& op) {
    if (op.inode <= kRootInode || op.inode > max_inode_) return "its inode is out of range";
    if (Knows(op.inode)) return "its inode is not new";
    nodes_[op.inode].is_directory = op.kind == OpKind::kMakeDirectory;
    return Add(op.directory, op.name, op.inode);
  }

  Complaint Remove(const Op& op) {
    if (!IsDirectory(op.directory)) return "its directory is not there";
    if (Find(op.directory, op.name) != op.inode) return "its name leads elsewhere";
    Node& node = nodes_[op.inode];
    if (!node.names.empty()) return "its directory is not empty";
    nodes_[op.directory].names.erase(op.name);
    node.is_removed = node.is_directory;
    return nullptr;
  }

  Complaint Rename(const Op& op) {
    if (!IsDirectory(op.directory) || !IsDirectory(op.other_directory)) {
      return "its directory is not there";
    }
    if (Find(op.directory, op.name) != op.inode) return "its name leads elsewhere";
    const InodeId replaced = Find(op.other_directory, op.other_name);
    if (replaced == op.inode) return "it renames a file to itself";
    Node& moved = nodes_[op.inode];
    if (moved.is_directory && IsInside(op.other_directory, op.inode)) {
      return "it moves a directory into itself";
    }
    if (replaced != kNoInode) {
      Node& node = nodes_[replaced];
      if (node.is_directory != moved.is_directory) return "it replaces a directory and a file";
      if (!node.names.empty()) return "it replaces a directory that is not empty";
      node.is_removed = node.is_directory;
      nodes_[op.other_directory].names.erase(op.other_name);
    }
    if (Complaint complaint = Add(op.other_directory, op.other_name, op.inode)) return complaint;
    nodes_[op.directory].names.erase(op.name);
    return nullptr;
  }

  // Returns: whether `inode` is `ancestor` or below it.
  bool IsInside(InodeId inode, InodeId ancestor) const {
    for (; inode != kNoInode; inode = nodes_.at(inode).parent) {
      if (inode == ancestor) return true;
    }
    return false;
  }

  size_t max_inode_;
  std::map<InodeId, Node> nodes_;
};

class Validator {
 public:
  explicit Validator(const Trace& trace) : trace_(trace), tree_(trace.ops.size()) {}

  Complaint Check(const Op& op) {
    if (op.kind > kLastOpKind) return "its kind is unknown";
    if (op.result_errno < 0 || op.result_errno > kMaxErrno) return "its error number is unknown";
    if (Complaint complaint = CheckUnused(op)) return complaint;
    if (Complaint complaint = CheckNumbers(op)) return complaint;
    if (Complaint complaint = CheckNames(op)) return complaint;
    if (op.result_errno != 0) return CheckFailed(op);
    return tree_.Apply(op);
  }

 private:
  static constexpr int32_t kMaxErrno = 4095;  // what the kernel can return

  static Complaint CheckUnused(const Op& op) {
    const Uses uses = UsesOf(op.kind);
    const bool clean =
        (uses.inode || op.inode == kNoInode) &&
        (uses.place || (op.directory == kNoInode && op.name.empty())) &&
        (uses.other_place || (op.other_directory == kNoInode && op.other_name.empty())) &&
        (uses.offset || (op.offset_bytes == 0 && op.payload_offset == 0)) &&
        (uses.size || op.size_bytes == 0) && (uses.transaction || op.transaction == 0);
    return clean ? nullptr : "a field is set that its kind does not use";
  }

  Complaint CheckNumbers(const Op& op) {
    if (op.size_bytes > kMaxFileBytes || op.offset_bytes > kMaxFileBytes - op.size_bytes) {
      return "the file would be too large";
    }
    const uint64_t payload_bytes = trace_.payload.size();
    if (op.kind == OpKind::kWrite &&
        (op.size_bytes > payload_bytes || op.payload_offset > payload_bytes - op.size_bytes)) {
      return "its payload is not there";
    }
    if (!UsesOf(op.kind).transaction) return nullptr;
    if (op.result_errno != 0) return "its kind never fails";
    if (op.transaction == 0 || op.transaction > trace_.transactions.size()) {
      return "there is no transaction of that number";
    }
    if (op.kind == OpKind::kBegin) {
      if (op.transaction <= last_begun_) return "its transaction begins out of order";
      last_begun_ = op.transaction;
      open_.insert(op.transaction);
      return nullptr;
    }
    return open_.erase(op.transaction) == 1 ? nullptr : "its transaction is not under way";
  }

  static Complaint CheckNames(const Op& op) {
    const Uses uses = UsesOf(op.kind);
    const bool may_be_empty = op.result_errno != 0;
    const auto is_legal = [&](const std::string& name) {
      return IsName(name) || (may_be_empty && name.empty());
    };
    if (uses.place && !is_legal(op.name)) return "its name is not legal";
    if (uses.other_place && !is_legal(op.other_name)) return "its other name is not legal";
    return nullptr;
  }

  Complaint CheckFailed(const Op& op) const {
    for (InodeId inode : {op.inode, op.directory, op.other_directory}) {
      if (inode != kNoInode && !tree_.Knows(inode)) return "its inode is not known";
    }
    return nullptr;
  }

  const Trace& trace_;
  Tree tree_;
  uint32_t last_begun_ = 0;
  std::set<uint32_t> open_;  // begun and not acknowledged
};

size_t ChangeCount(const Trace& trace) {
  size_t count = 0;
  for (const Transaction& transaction : trace.transactions) count += transaction.changes.size();
  return count;
}

}  // namespace

Expected<void> ValidateTrace(const Trace& trace) {
  if (trace.ops.size() > kMaxOps) {
    return Fail(ErrorCode::kCorrupt, fmt::format("{} operations are too many", trace.ops.size()));
  }
  if (trace.transactions.size() > kMaxChanges || ChangeCount(trace) > kMaxChanges) {
    return Fail(ErrorCode::kCorrupt, "its transactions are too many");
  }
  Validator validator(trace);
  for (size_t i = 0; i < trace.ops.size(); ++i) {
    const Op& op = trace.ops[i];
    if (Complaint complaint = validator.Check(op)) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("operation {}, {}: {}", i, Name(op.kind), complaint));
    }
  }
  return {};
}

}  // namespace plugpull
