// The disk that a random program believes in while its trace is made: names, kinds and bytes of few
// small files. By it the program knows what it can do next, and which bytes a clone or a mapped
// page really has.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "faults/trace/trace.h"

namespace plugpull {

class SmallDisk {
 public:
  using Place = std::pair<InodeId, std::string>;  // a directory and a name in it

  enum class Kind : uint8_t { kFile, kDirectory, kLink };

  struct Node {
    Kind kind = Kind::kFile;
    bool is_unnamed_new = false;  // made without a name, and has had none since
    std::string bytes{};
    std::set<std::string> xattrs{};
  };

  SmallDisk() { nodes_[kRootInode].kind = Kind::kDirectory; }

  // All places that are taken, and by what.
  const std::map<Place, InodeId>& entries() const { return entries_; }

  const Node& At(InodeId inode) const { return nodes_.at(inode); }

  // Returns: the inodes of a kind that a program can still reach, by name or because it has them
  // open; sorted.
  std::vector<InodeId> Inodes(Kind kind) const;

  // Returns: whether some name leads to the inode.
  bool IsNamed(InodeId inode) const;

  // Returns: whether a directory has no entries.
  bool IsEmpty(InodeId directory) const;

  // Follows a successful operation. Requires: it is possible.
  void Apply(const Op& op, std::span<const std::byte> payload);

  // Forgets a file without a name: the program has closed it.
  void Close(InodeId inode) { nodes_.erase(inode); }

 private:
  void Store(InodeId inode, uint64_t offset_bytes, std::span<const std::byte> data);
  void Allocate(const Op& op);

  // Takes a name away. Directories and links that have lost theirs are gone.
  void Remove(const Place& place);

  std::map<Place, InodeId> entries_;
  std::map<InodeId, Node> nodes_;
};

}  // namespace plugpull
