#include "faults/trace/inode_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace plugpull {

void InodeNames::Apply(const Op& op) {
  if (op.result_errno != 0) return;
  switch (op.kind) {
    case OpKind::kCreate:
    case OpKind::kMakeDirectory:
    case OpKind::kSymlink:
      Add(op.inode, {op.directory, op.name});
      break;
    case OpKind::kRename:
      Add(op.inode, {op.other_directory, op.other_name});
      Remove(op.inode, {op.directory, op.name});
      break;
    case OpKind::kExchange:
      Add(op.inode, {op.other_directory, op.other_name});
      Remove(op.inode, {op.directory, op.name});
      Add(op.other_inode, {op.directory, op.name});
      Remove(op.other_inode, {op.other_directory, op.other_name});
      break;
    case OpKind::kLink:
      Add(op.inode, {op.other_directory, op.other_name});
      break;
    case OpKind::kUnlink:
    case OpKind::kRemoveDirectory:
      Remove(op.inode, {op.directory, op.name});
      break;
    case OpKind::kWrite:
    case OpKind::kTruncate:
    case OpKind::kSync:
    case OpKind::kDataSync:
    case OpKind::kSyncDirectory:
    case OpKind::kBegin:
    case OpKind::kAcknowledge:
    case OpKind::kCreateUnnamed:
    case OpKind::kAllocate:
    case OpKind::kClone:
    case OpKind::kSetAttribute:
    case OpKind::kSetXattr:
    case OpKind::kRemoveXattr:
    case OpKind::kSyncWrite:
    case OpKind::kSyncRange:
    case OpKind::kSyncMapped:
    case OpKind::kSyncAll:
    case OpKind::kUnmodelled:
      break;
  }
}

std::map<InodeId, std::string> InodeNames::Paths() const {
  std::map<InodeId, std::string> paths = {{kRootInode, ""}};
  for (const auto& [inode, places] : places_) paths[inode] = PathOf(inode);
  return paths;
}

// An inode keeps its last name, because that is what people know it by.
void InodeNames::Remove(InodeId inode, const Place& place) {
  std::vector<Place>& places = places_[inode];
  const auto found = std::find(places.begin(), places.end(), place);
  if (found != places.end() && places.size() > 1) places.erase(found);
}

std::string InodeNames::PathOf(InodeId inode) const {
  std::string path;
  // The bound ends the walk on a trace that nobody has validated, where a directory may claim to
  // be inside itself.
  for (size_t depth = 0; depth <= places_.size() && inode != kRootInode; ++depth) {
    const auto found = places_.find(inode);
    if (found == places_.end() || found->second.empty()) break;
    const auto& [directory, name] = found->second.back();
    path = path.empty() ? name : fmt::format("{}/{}", name, path);
    inode = directory;
  }
  return path;
}

}  // namespace plugpull
