// The names of a file tree: directories, and what each name in them stands for. Holds no bytes.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "faults/base/error.h"
#include "faults/trace/trace.h"

namespace plugpull {

// A place for a name: a directory and the name in it.
struct NameCell {
  InodeId directory = kNoInode;
  std::string name;

  auto operator<=>(const NameCell&) const = default;
};

class NameTree {
 public:
  NameTree() { directories_[kRootInode]; }

  bool IsDirectory(InodeId inode) const { return directories_.contains(inode); }
  void AddDirectory(InodeId inode) { directories_[inode]; }

  // Returns: the inode behind a cell, kNoInode when the cell is empty.
  InodeId At(InodeId directory, std::string_view name) const;

  // Makes a cell stand for `inode`; kNoInode empties it.
  void Set(InodeId directory, std::string_view name, InodeId inode);

  // Splits a path into the directory that holds its last component and that component.
  // Errors: kNotFound when a directory on the way does not exist, kInvalidArgument for "".
  Expected<NameCell> Locate(std::string_view path) const;

  // Returns: what a path names. "" is the root. Errors: kNotFound.
  Expected<InodeId> Resolve(std::string_view path) const;

  // Returns: the names in a directory, sorted.
  std::vector<std::string> Names(InodeId directory) const;

  const std::map<InodeId, std::map<std::string, InodeId, std::less<>>>& directories() const {
    return directories_;
  }

 private:
  std::map<InodeId, std::map<std::string, InodeId, std::less<>>> directories_;
};

// The rules of rename(2) that need no look at the tree. `to` is for the message.
// Returns: an error when a file would replace a directory, or a directory a file.
Expected<void> CheckSameKind(bool moves_directory, bool replaces_directory, std::string_view to);

// Returns: true when `path` lies inside the directory `ancestor`.
bool IsInside(std::string_view path, std::string_view ancestor);

}  // namespace plugpull
