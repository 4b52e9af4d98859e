#include "faults/trace/trace_tree.h"

namespace plugpull {
namespace {

constexpr Complaint kNotAFile = "its inode is not a file";
constexpr Complaint kNotADirectory = "its inode is not a directory";
constexpr Complaint kNoDirectory = "its directory is not there";
constexpr Complaint kLeadsElsewhere = "its name leads elsewhere";
constexpr Complaint kIntoItself = "it moves a directory into itself";

}  // namespace

TraceTree::TraceTree(size_t max_inode) : max_inode_(max_inode) {
  nodes_[kRootInode].kind = NodeKind::kDirectory;
}

Complaint TraceTree::Apply(const Op& op) {
  switch (op.kind) {
    case OpKind::kCreate:
      return Create(op, NodeKind::kFile);
    case OpKind::kMakeDirectory:
      return Create(op, NodeKind::kDirectory);
    case OpKind::kSymlink:
      return Create(op, NodeKind::kLink);
    case OpKind::kCreateUnnamed:
      if (Complaint complaint = Make(op.inode, NodeKind::kFile)) return complaint;
      nodes_[op.inode].is_unnamed_new = true;
      return nullptr;
    case OpKind::kWrite:
    case OpKind::kSyncWrite:
      return Write(op);
    case OpKind::kTruncate:
    case OpKind::kSync:
    case OpKind::kDataSync:
    case OpKind::kAllocate:
    case OpKind::kSyncRange:
    case OpKind::kSyncMapped:
      return IsFile(op.inode) ? nullptr : kNotAFile;
    case OpKind::kClone:
      if (!IsFile(op.other_inode)) return "its other inode is not a file";
      return IsFile(op.inode) ? nullptr : kNotAFile;
    case OpKind::kSetAttribute:
    case OpKind::kSetXattr:
    case OpKind::kRemoveXattr:
      return Knows(op.inode) ? nullptr : "its inode is not known";
    case OpKind::kUnmodelled:
      return op.inode == kNoInode || Knows(op.inode) ? nullptr : "its inode is not known";
    case OpKind::kSyncDirectory:
      return IsDirectory(op.inode) ? nullptr : kNotADirectory;
    case OpKind::kRename:
      return Rename(op);
    case OpKind::kExchange:
      return Exchange(op);
    case OpKind::kLink:
      return Link(op);
    case OpKind::kUnlink:
      if (!Knows(op.inode) || IsDirectory(op.inode)) return "its inode is not a file or link";
      return Remove(op);
    case OpKind::kRemoveDirectory:
      if (!IsDirectory(op.inode)) return kNotADirectory;
      return Remove(op);
    case OpKind::kBegin:
    case OpKind::kAcknowledge:
    case OpKind::kSyncAll:
      return nullptr;
  }
  return "its kind is unknown";
}

bool TraceTree::Is(InodeId inode, NodeKind kind) const {
  const auto found = nodes_.find(inode);
  return found != nodes_.end() && found->second.kind == kind;
}

bool TraceTree::IsInside(InodeId inode, InodeId ancestor) const {
  for (; inode != kNoInode; inode = nodes_.at(inode).parent) {
    if (inode == ancestor) return true;
  }
  return false;
}

InodeId TraceTree::Find(InodeId directory, const std::string& name) const {
  const auto& names = nodes_.at(directory).names;
  const auto found = names.find(name);
  return found == names.end() ? kNoInode : found->second;
}

Complaint TraceTree::Make(InodeId inode, NodeKind kind) {
  if (inode <= kRootInode || inode > max_inode_) return "its inode is out of range";
  if (Knows(inode)) return "its inode is not new";
  nodes_[inode].kind = kind;
  return nullptr;
}

Complaint TraceTree::Add(InodeId directory, const std::string& name, InodeId inode) {
  if (!IsDirectory(directory) || nodes_[directory].is_removed) return kNoDirectory;
  if (!nodes_[directory].names.emplace(name, inode).second) return "its name is taken";
  Node& node = nodes_[inode];
  ++node.name_count;
  node.is_unnamed_new = false;
  if (node.kind == NodeKind::kDirectory) node.parent = directory;
  return nullptr;
}

Complaint TraceTree::Create(const Op& op, NodeKind kind) {
  if (Complaint complaint = Make(op.inode, kind)) return complaint;
  return Add(op.directory, op.name, op.inode);
}

Complaint TraceTree::Write(const Op& op) {
  if (!IsFile(op.inode)) return kNotAFile;
  const LastWrite write{op.offset_bytes, op.size_bytes};
  if (op.kind == OpKind::kWrite) {
    last_writes_[op.inode] = write;
    return nullptr;
  }
  const auto last = last_writes_.find(op.inode);
  const bool known = last != last_writes_.end() && last->second == write;
  return known ? nullptr : "it is not the last write of its inode";
}

// linkat(2) gives a file that has lost its last name none again, except one of O_TMPFILE its first.
Complaint TraceTree::Link(const Op& op) {
  if (!IsFile(op.inode)) return kNotAFile;
  const Node& node = nodes_[op.inode];
  if (node.name_count == 0 && !node.is_unnamed_new) return "its file has no name any more";
  return Add(op.other_directory, op.other_name, op.inode);
}

Complaint TraceTree::Remove(const Op& op) {
  if (!IsDirectory(op.directory)) return kNoDirectory;
  if (!LeadsTo(op.directory, op.name, op.inode)) return kLeadsElsewhere;
  Node& node = nodes_[op.inode];
  if (!node.names.empty()) return "its directory is not empty";
  nodes_[op.directory].names.erase(op.name);
  --node.name_count;
  node.is_removed = node.kind == NodeKind::kDirectory;
  return nullptr;
}

Complaint TraceTree::Rename(const Op& op) {
  if (!IsDirectory(op.directory) || !IsDirectory(op.other_directory)) return kNoDirectory;
  if (!LeadsTo(op.directory, op.name, op.inode)) return kLeadsElsewhere;
  const InodeId replaced = Find(op.other_directory, op.other_name);
  if (replaced == op.inode) return "it renames a file to itself";
  const bool moves_directory = IsDirectory(op.inode);
  if (moves_directory && IsInside(op.other_directory, op.inode)) return kIntoItself;
  if (replaced != kNoInode) {
    Node& node = nodes_[replaced];
    if (IsDirectory(replaced) != moves_directory) return "it replaces a directory and a file";
    if (!node.names.empty()) return "it replaces a directory that is not empty";
    node.is_removed = moves_directory;
    --node.name_count;
    nodes_[op.other_directory].names.erase(op.other_name);
  }
  if (Complaint complaint = Add(op.other_directory, op.other_name, op.inode)) return complaint;
  nodes_[op.directory].names.erase(op.name);
  --nodes_[op.inode].name_count;
  return nullptr;
}

Complaint TraceTree::Exchange(const Op& op) {
  if (!IsDirectory(op.directory) || !IsDirectory(op.other_directory)) return kNoDirectory;
  if (!LeadsTo(op.directory, op.name, op.inode)) return kLeadsElsewhere;
  if (!LeadsTo(op.other_directory, op.other_name, op.other_inode)) {
    return "its other name leads elsewhere";
  }
  if (op.inode == op.other_inode) return "it exchanges a file with itself";
  if (IsInside(op.other_directory, op.inode) || IsInside(op.directory, op.other_inode)) {
    return kIntoItself;
  }
  nodes_[op.directory].names[op.name] = op.other_inode;
  nodes_[op.other_directory].names[op.other_name] = op.inode;
  if (IsDirectory(op.inode)) nodes_[op.inode].parent = op.other_directory;
  if (IsDirectory(op.other_inode)) nodes_[op.other_inode].parent = op.directory;
  return nullptr;
}

}  // namespace plugpull
