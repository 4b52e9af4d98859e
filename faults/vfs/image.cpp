#include "faults/vfs/image.h"

#include <functional>
#include <vector>

namespace plugpull {
namespace {

bool SameTree(const Image& left, InodeId left_directory, const Image& right,
              InodeId right_directory);

// Returns: what a map says about an inode, null when it says nothing.
template <typename Value>
const Value* Find(const std::map<InodeId, Value>& values, InodeId inode) {
  const auto found = values.find(inode);
  return found == values.end() ? nullptr : &found->second;
}

// Both nothing, or both something that `same` holds for.
template <typename Value, typename Same>
bool SameValue(const Value* left, const Value* right, Same same) {
  return left == nullptr || right == nullptr ? left == right : same(*left, *right);
}

bool SameInode(const Image& left, InodeId left_inode, const Image& right, InodeId right_inode) {
  const bool is_directory = left.names.IsDirectory(left_inode);
  return is_directory == right.names.IsDirectory(right_inode) &&
         SameValue(Find(left.files, left_inode), Find(right.files, right_inode),
                   [](const auto& one, const auto& other) { return one.ReadsLike(other); }) &&
         SameValue(Find(left.links, left_inode), Find(right.links, right_inode),
                   std::equal_to<>()) &&
         SameValue(Find(left.attributes, left_inode), Find(right.attributes, right_inode),
                   std::equal_to<>()) &&
         (!is_directory || SameTree(left, left_inode, right, right_inode));
}

bool SameTree(const Image& left, InodeId left_directory, const Image& right,
              InodeId right_directory) {
  if (left.names.Names(left_directory) != right.names.Names(right_directory)) return false;
  for (const std::string& name : left.names.Names(left_directory)) {
    const InodeId left_inode = left.names.At(left_directory, name);
    const InodeId right_inode = right.names.At(right_directory, name);
    if (!SameInode(left, left_inode, right, right_inode)) return false;
  }
  return true;
}

}  // namespace

bool Image::LooksLike(const Image& other) const {
  return SameInode(*this, kRootInode, other, kRootInode);
}

}  // namespace plugpull
