#include "faults/trace/small_disk.h"

#include <algorithm>

#include "faults/base/bytes.h"

namespace plugpull {

std::vector<InodeId> SmallDisk::Inodes(Kind kind) const {
  std::vector<InodeId> inodes;
  for (const auto& [inode, node] : nodes_) {
    if (node.kind == kind) inodes.push_back(inode);
  }
  return inodes;
}

bool SmallDisk::IsNamed(InodeId inode) const {
  return std::ranges::any_of(entries_, [&](const auto& entry) { return entry.second == inode; });
}

bool SmallDisk::IsEmpty(InodeId directory) const {
  return std::ranges::none_of(entries_,
                              [&](const auto& entry) { return entry.first.first == directory; });
}

void SmallDisk::Apply(const Op& op, std::span<const std::byte> payload) {
  const Place place(op.directory, op.name);
  const Place other_place(op.other_directory, op.other_name);
  switch (op.kind) {
    case OpKind::kCreate:
    case OpKind::kMakeDirectory:
    case OpKind::kSymlink:
      nodes_[op.inode].kind = op.kind == OpKind::kCreate          ? Kind::kFile
                              : op.kind == OpKind::kMakeDirectory ? Kind::kDirectory
                                                                  : Kind::kLink;
      entries_[place] = op.inode;
      break;
    case OpKind::kCreateUnnamed:
      nodes_[op.inode].is_unnamed_new = true;
      break;
    case OpKind::kWrite:
    case OpKind::kClone:
      Store(op.inode, op.offset_bytes, payload);
      break;
    case OpKind::kTruncate:
      nodes_[op.inode].bytes.resize(op.size_bytes);
      break;
    case OpKind::kAllocate:
      Allocate(op);
      break;
    case OpKind::kRename:
      entries_.erase(place);
      Remove(other_place);
      entries_[other_place] = op.inode;
      break;
    case OpKind::kExchange:
      entries_[place] = op.other_inode;
      entries_[other_place] = op.inode;
      break;
    case OpKind::kLink:
      entries_[other_place] = op.inode;
      nodes_[op.inode].is_unnamed_new = false;
      break;
    case OpKind::kUnlink:
    case OpKind::kRemoveDirectory:
      Remove(place);
      break;
    case OpKind::kSetXattr:
      nodes_[op.inode].xattrs.insert(op.name);
      break;
    case OpKind::kRemoveXattr:
      nodes_[op.inode].xattrs.erase(op.name);
      break;
    case OpKind::kSync:
    case OpKind::kDataSync:
    case OpKind::kSyncDirectory:
    case OpKind::kBegin:
    case OpKind::kAcknowledge:
    case OpKind::kSetAttribute:
    case OpKind::kSyncWrite:
    case OpKind::kSyncRange:
    case OpKind::kSyncMapped:
    case OpKind::kSyncAll:
    case OpKind::kUnmodelled:
      break;
  }
}

void SmallDisk::Store(InodeId inode, uint64_t offset_bytes, std::span<const std::byte> data) {
  std::string& bytes = nodes_[inode].bytes;
  bytes.resize(std::max<size_t>(bytes.size(), offset_bytes + data.size()));
  bytes.replace(offset_bytes, data.size(), AsText(data));
}

void SmallDisk::Allocate(const Op& op) {
  std::string& bytes = nodes_[op.inode].bytes;
  const size_t end = op.offset_bytes + op.size_bytes;
  if ((op.flags & kKeepSize) == 0) bytes.resize(std::max(bytes.size(), end));
  if ((op.flags & (kPunchHole | kZeroRange)) == 0 || op.offset_bytes >= bytes.size()) return;
  const size_t cleared_bytes = std::min(end, bytes.size()) - op.offset_bytes;
  bytes.replace(op.offset_bytes, cleared_bytes, cleared_bytes, '\0');
}

void SmallDisk::Remove(const Place& place) {
  const auto found = entries_.find(place);
  if (found == entries_.end()) return;
  const InodeId inode = found->second;
  entries_.erase(found);
  if (nodes_.at(inode).kind != Kind::kFile) nodes_.erase(inode);
}

}  // namespace plugpull
