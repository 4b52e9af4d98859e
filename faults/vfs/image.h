// An image: the file tree that a crash leaves, in memory. A plain value; copies share pages.
#pragma once

#include <map>

#include "faults/trace/trace.h"
#include "faults/vfs/file_content.h"
#include "faults/vfs/name_tree.h"

namespace plugpull {

struct Image {
  NameTree names;
  std::map<InodeId, FileContent> files;  // directories are in `names` only

  // Returns: true when both show the same names, kinds, sizes and bytes from the root on.
  // Inode numbers do not matter, nor do files that no name reaches.
  bool LooksLike(const Image& other) const;
};

}  // namespace plugpull
