// Real directories as images, and what two images differ in.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <utility>

#include "faults/base/error.h"
#include "faults/trace/trace.h"
#include "faults/vfs/image.h"

namespace plugpull {

struct LoadedDirectory {
  Image image;
  std::map<std::pair<dev_t, ino_t>, InodeId> inodes;  // of everything in the image, the root too
};

// Reads a directory tree: names, bytes, texts of symbolic links, hard links as such. Holes cost
// nothing.
//
// Of attributes, those that creation alone does not explain: a mode other than CreationMode, an
// owner other than the root's (of the root: other than our own), and extended attributes of users
// ("user.").
//
// Sockets, pipes and devices hold no bytes that could be lost, and programs make them anew when
// they start: they are left out, and so must they be where such a tree is recorded.
//
// Requires: nobody changes the tree meanwhile.
// Errors: what the system refuses, with the path.
Expected<LoadedDirectory> LoadDirectory(const std::string& path);

// Returns: the first difference in one line, by path, such as "a/b: 4096 bytes recorded, 0 found",
// or "" when both show the same. Which names are hard links of one file counts; inode numbers do
// not. A mode or an owner counts where `recorded` speaks of it: what creation gave is not recorded.
std::string FirstDifference(const Image& recorded, const Image& found);

}  // namespace plugpull
