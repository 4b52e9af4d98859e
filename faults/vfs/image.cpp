#include "faults/vfs/image.h"

#include <vector>

namespace plugpull {
namespace {

bool SameTree(const Image& left, InodeId left_directory, const Image& right,
              InodeId right_directory) {
  if (left.names.Names(left_directory) != right.names.Names(right_directory)) return false;
  for (const std::string& name : left.names.Names(left_directory)) {
    const InodeId left_inode = left.names.At(left_directory, name);
    const InodeId right_inode = right.names.At(right_directory, name);
    const bool is_directory = left.names.IsDirectory(left_inode);
    if (is_directory != right.names.IsDirectory(right_inode)) return false;
    const bool same = is_directory
                          ? SameTree(left, left_inode, right, right_inode)
                          : left.files.at(left_inode).ReadsLike(right.files.at(right_inode));
    if (!same) return false;
  }
  return true;
}

}  // namespace

bool Image::LooksLike(const Image& other) const {
  return SameTree(*this, kRootInode, other, kRootInode);
}

}  // namespace plugpull
