// An image: the file tree that a crash leaves, in memory. A plain value; copies share pages.
#pragma once

#include <map>
#include <string>

#include "faults/trace/trace.h"
#include "faults/vfs/file_content.h"
#include "faults/vfs/name_tree.h"

namespace plugpull {

// Returns: the key under which an image keeps what a kSetAttribute, kSetXattr or kRemoveXattr is
// about.
inline std::string AttributeKey(const Op& op) {
  return op.kind == OpKind::kSetAttribute ? op.name : "xattr:" + op.name;
}

struct Image {
  NameTree names;
  std::map<InodeId, FileContent> files;  // directories and links are not here
  std::map<InodeId, std::string> links;  // symbolic links and their texts

  // What was set of an inode: "mode", "owner", ... and "xattr:" + key. What was never set is not
  // here, nor is what was removed.
  std::map<InodeId, std::map<std::string, std::string, std::less<>>> attributes;

  // Returns: true when both show the same names, kinds, sizes, bytes, texts of links and attributes
  // from the root on.
  // Inode numbers do not matter, nor do files that no name reaches.
  bool LooksLike(const Image& other) const;
};

}  // namespace plugpull
