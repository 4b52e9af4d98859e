// What a complete crash state shows from the root on: as a hash, and as an image. The hash is what
// tells states apart before anything is written: it says the same of two states if and only if
// names, kinds, sizes, bytes, texts of links, attributes, and what is a hard link to what, are the
// same. Inode numbers and files that no name reaches do not matter, nor does the crash point.
//
// What all states of a point share is hashed once, and so is each version of each piece of a file.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "faults/persistence/choices.h"
#include "faults/persistence/crash_graph.h"
#include "faults/persistence/lazy_disk.h"
#include "faults/vfs/image.h"

namespace plugpull {

// Sums of hashes, so that what changes can be exchanged.
struct TreeHash {
  uint64_t low = 0;
  uint64_t high = 0;

  TreeHash& operator+=(const TreeHash& other) {
    low += other.low;
    high += other.high;
    return *this;
  }
  bool operator==(const TreeHash&) const = default;
};

class StateTree {
 public:
  // Requires: `graph` outlives the tree.
  explicit StateTree(CrashGraph& graph);

  // Takes in the point that the graph was built for (CrashGraph::Build, of a first crash). Of
  // points of one cursor in ascending order, only what has changed is read again.
  void Enter();

  // Reads everything again at the next Enter. Call when bytes were changed behind the trace's back.
  void Forget() { cursor_ = nullptr; }

  // Returns: the hash of the state that is decided. Requires: everything is, as Enter was called.
  TreeHash Hash();

  // Returns: the image of that state.
  Image MakeImage();

 private:
  struct Cell {
    const OpenCell* cell = nullptr;
    TreeHash path;
  };
  enum class NodeKind : uint8_t { kFile, kDirectory, kLink };
  // Something that not every state shows in the same way or under the same names.
  struct Node {
    InodeId inode = kNoInode;
    NodeKind kind = NodeKind::kFile;
    VariableId existence = kNoVariable;  // of a new one
    bool is_durable = false;
    uint32_t certain_names = 0;
    TreeHash certain_paths{};
    uint32_t names = 0;  // of the state at hand
    TreeHash paths{};
    std::vector<const OpenAttribute*> attributes{};
    int32_t file = -1;  // index in files_
  };
  // A file with something undecided about its bytes or size.
  struct File {
    const OpenFile* open = nullptr;
    bool is_plain = false;          // every unit is a chain of versions
    std::vector<uint64_t> pages{};  // else: those that states may differ in
    // Of each chain, each version: nothing kept, its entries, stale.
    std::vector<std::vector<std::optional<TreeHash>>> versions{};
    // The rest, in file order: where a granule begins, and the sum of all before it.
    std::vector<std::pair<uint64_t, TreeHash>> untouched{};
    TreeHash all_untouched{};
  };

  void ForgetTouched();
  void WalkDirectory(InodeId directory, const TreeHash& path);
  void MarkDirectory(InodeId directory, uint32_t depth);
  void WalkOpenDirectory(InodeId directory, const TreeHash& path, uint32_t depth);
  void Reach(InodeId inode, const TreeHash& path, uint32_t depth);
  Node& NodeFor(InodeId inode);
  void LayOutFile(const OpenFile& open);
  void LayOutUntouched(File& file);
  bool Exists(const Node& node) const;
  TreeHash HashNode(const Node& node);
  TreeHash HashContent(File& file);
  TreeHash HashUntouched(const File& file, uint64_t size_bytes) const;
  const TreeHash& HashVersion(File& file, size_t chain, size_t version);
  const TreeHash& CertainContent(InodeId inode);
  size_t VersionOf(const UnitChain& chain) const;
  std::span<const std::byte> ReadVersion(const UnitChain& chain, size_t version);
  uint64_t SizeOf(const OpenFile& open);
  FileContent MakeContent(const File& file);
  std::map<std::string, std::string, std::less<>> AttributesOf(const Node& node) const;

  CrashGraph& graph_;
  uint32_t path_length_ = 0;
  Choices choices_;
  LazyDisk disk_;
  const CrashCursor* cursor_ = nullptr;  // that of the last Enter
  size_t position_ = 0;
  std::vector<InodeId> was_open_;                          // at the last Enter
  std::unordered_map<InodeId, TreeHash> certain_content_;  // of files with nothing undecided
  TreeHash certain_;  // of all that every state of the point shows
  struct Names {
    uint32_t count = 0;
    TreeHash paths;
  };
  std::unordered_map<InodeId, Names> certain_names_;
  std::vector<Cell> cells_;
  std::unordered_map<InodeId, std::vector<const OpenCell*>> cells_of_;  // by directory
  std::vector<Node> nodes_;
  std::unordered_map<InodeId, uint32_t> node_of_;
  std::unordered_map<InodeId, const Effect*> creations_;
  std::vector<std::byte> unit_;
  std::vector<File> files_;
};

}  // namespace plugpull
