// The recorded directory as the supervisor knows it: which inode of the trace a file of the system
// is, and what its names are. A file is known by device and inode number, however it was opened.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "faults/doors/directory_image.h"
#include "faults/trace/creation_modes.h"
#include "faults/trace/trace.h"
#include "faults/vfs/name_tree.h"

namespace plugpull {

class WatchedTree {
 public:
  enum class Kind : uint8_t { kFile, kDirectory, kLink };

  // Starts with what the directory holds.
  explicit WatchedTree(const LoadedDirectory& loaded);

  // Returns: the inode of a file whose status is `status` and that is open as `descriptor`;
  // kNoInode when it is not of the recorded directory. The system gives numbers of removed files to
  // new ones, anywhere on the device: those are told apart by their birth.
  InodeId Find(const struct stat& status, int descriptor);

  // Returns: what a name stands for, kNoInode for nothing known.
  InodeId At(InodeId directory, std::string_view name) const { return names_.At(directory, name); }
  std::vector<std::string> Names(InodeId directory) const { return names_.Names(directory); }
  Kind KindOf(InodeId inode) const { return nodes_[inode].kind; }

  // Adds a new file, without a name. `descriptor`: it, open; may be O_PATH.
  InodeId Add(const struct stat& status, int descriptor);

  // Of what was added: the modes that no attribute speaks of.
  const CreationModes& creation_modes() const { return creation_modes_; }

  // Gives a name to an inode. Requires: the name is free.
  void Link(InodeId directory, const std::string& name, InodeId inode);

  // Takes a name away. `birth_of`: where to look for it, for the last name: see Birth.
  void Unlink(InodeId directory, const std::string& name);

  // Must be told before the last name of a file goes, by whatever call: what tells it later from
  // others of its number. `directory_descriptor` + `name`: the file.
  void NoteBirth(InodeId inode, int directory_descriptor, const std::string& name);

  // Returns: a path relative to the recorded directory, the last one known.
  std::string PathOf(InodeId inode) const;

 private:
  struct Key {
    dev_t device = 0;
    ino_t number = 0;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const {
      return std::hash<uint64_t>()(key.number * 0x9e3779b97f4a7c15U ^ key.device);
    }
  };
  struct Node {
    Kind kind = Kind::kFile;
    uint32_t name_count = 0;
    bool has_birth = false;
    int64_t birth_s = 0;
    uint32_t birth_ns = 0;
    InodeId last_directory = kNoInode;
    std::string last_name{};
  };

  static bool ReadBirth(int descriptor, const char* path, int flags, Node& node);

  NameTree names_;
  std::unordered_map<Key, InodeId, KeyHash> inodes_;
  std::vector<Node> nodes_;  // by inode
  CreationModes creation_modes_;
};

}  // namespace plugpull
