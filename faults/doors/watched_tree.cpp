#include "faults/doors/watched_tree.h"

#include <fcntl.h>

#include <algorithm>

#include "faults/doors/attribute_text.h"

namespace plugpull {

WatchedTree::WatchedTree(const LoadedDirectory& loaded) : names_(loaded.image.names) {
  InodeId highest = kRootInode;
  for (const auto& [key, inode] : loaded.inodes) {
    inodes_[{key.first, key.second}] = inode;
    highest = std::max(highest, inode);
  }
  nodes_.resize(highest + 1);
  for (const auto& [inode, text] : loaded.image.links) nodes_[inode].kind = Kind::kLink;
  nodes_[kRootInode].name_count = 1;  // it has none in the tree, and is not to be forgotten
  for (const auto& [directory, names] : names_.directories()) {
    nodes_[directory].kind = Kind::kDirectory;
    for (const auto& [name, inode] : names) {
      ++nodes_[inode].name_count;
      nodes_[inode].last_directory = directory;
      nodes_[inode].last_name = name;
    }
  }
}

bool WatchedTree::ReadBirth(int descriptor, const char* path, int flags, Node& node) {
  struct statx status = {};
  if (::statx(descriptor, path, flags, STATX_BTIME, &status) != 0) return false;
  node.has_birth = (status.stx_mask & STATX_BTIME) != 0;
  node.birth_s = status.stx_btime.tv_sec;
  node.birth_ns = status.stx_btime.tv_nsec;
  return node.has_birth;
}

InodeId WatchedTree::Find(const struct stat& status, int descriptor) {
  const auto found = inodes_.find({status.st_dev, status.st_ino});
  if (found == inodes_.end()) return kNoInode;
  const Node& node = nodes_[found->second];
  if (node.name_count != 0) return found->second;
  // A file without a name here: is it the one that we knew? Names elsewhere it cannot have, or it
  // has left the directory.
  Node seen;
  const bool knows_birth = ReadBirth(descriptor, "", AT_EMPTY_PATH, seen) && node.has_birth;
  const bool same_birth =
      !knows_birth || (seen.birth_s == node.birth_s && seen.birth_ns == node.birth_ns);
  if (status.st_nlink == 0 && same_birth) return found->second;
  inodes_.erase(found);
  return kNoInode;
}

InodeId WatchedTree::Add(const struct stat& status, int descriptor) {
  const auto inode = static_cast<InodeId>(nodes_.size());
  Node& node = nodes_.emplace_back();
  if (S_ISDIR(status.st_mode)) node.kind = Kind::kDirectory;
  if (S_ISLNK(status.st_mode)) node.kind = Kind::kLink;
  if (node.kind == Kind::kDirectory) names_.AddDirectory(inode);
  const mode_t mode = status.st_mode & 07777;
  if (node.kind != Kind::kLink && mode != CreationMode(node.kind == Kind::kDirectory)) {
    creation_modes_[inode] = ModeText(mode);
  }
  if (status.st_nlink == 0) ReadBirth(descriptor, "", AT_EMPTY_PATH, node);
  inodes_[{status.st_dev, status.st_ino}] = inode;
  return inode;
}

void WatchedTree::Link(InodeId directory, const std::string& name, InodeId inode) {
  names_.Set(directory, name, inode);
  Node& node = nodes_[inode];
  ++node.name_count;
  node.last_directory = directory;
  node.last_name = name;
}

void WatchedTree::Unlink(InodeId directory, const std::string& name) {
  const InodeId inode = names_.At(directory, name);
  if (inode == kNoInode) return;
  names_.Set(directory, name, kNoInode);
  --nodes_[inode].name_count;
}

void WatchedTree::NoteBirth(InodeId inode, int directory_descriptor, const std::string& name) {
  Node& node = nodes_[inode];
  if (node.name_count != 1 || node.has_birth) return;
  ReadBirth(directory_descriptor, name.c_str(), AT_SYMLINK_NOFOLLOW, node);
}

std::string WatchedTree::PathOf(InodeId inode) const {
  std::string path;
  for (; inode != kRootInode && inode != kNoInode; inode = nodes_[inode].last_directory) {
    path = path.empty() ? nodes_[inode].last_name : nodes_[inode].last_name + "/" + path;
  }
  return path;
}

}  // namespace plugpull
