// What a crash left on disk, decided as it is read. Every undecided atom starts open; a question
// whose answer depends on open atoms makes the few choices that it depends on, and what is never
// asked stays open (Jaaru, ASPLOS'21; PerSeVerE, POPL'21).
//
// A crash may hit the recovery from a crash. Then two disks lie upon each other: that of the later
// crash knows what the recovery did, of which some may be lost, and asks the disk of the crash
// before it, which nobody has written to, about everything else. What the first crash left open
// stays open, and no constraint leads from one crash to the other: the recovery began on a disk
// that had been decided, whether anybody had looked or not.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "faults/persistence/choices.h"
#include "faults/persistence/crash_graph.h"
#include "faults/persistence/overlay.h"

namespace plugpull {

class LazyDisk final : public BytesBelow {
 public:
  // A file that somebody has come upon, for questions about it.
  struct File {
    InodeId inode = kNoInode;
    const OpenFile* open = nullptr;        // null: nothing about it is undecided by this crash
    const FileContent* base = nullptr;     // null: nothing durable. Of the first crash only
    const OverlayFile* durable = nullptr;  // of later crashes: what recovery made durable, or null
  };

  // The disk of the first crash. Requires: `graph` and `choices` outlive the disk.
  LazyDisk(CrashGraph& graph, Choices& choices) : graph_(graph), choices_(choices) {}

  // That of crash `generation`, of a recovery that began on `below`. Requires: the same.
  LazyDisk(CrashGraph& graph, Choices& choices, LazyDisk& below)
      : graph_(graph), choices_(choices), below_(&below), generation_(below.generation_ + 1) {}

  const CrashGraph& graph() const { return graph_; }
  Constraints& constraints() { return graph_.constraints(); }
  uint32_t generation() const { return generation_; }
  Choices& choices() { return choices_; }

  // Takes in what the recovery made durable. Call when the graph's cursor stands where the power
  // fails, before the graph is built. Requires: generation() > 0.
  void LayOutDurable(const CrashCursor& cursor);

  File Find(InodeId inode) const;

  // Returns: what a name stands for.
  InodeId Lookup(InodeId directory, std::string_view name);

  // Returns: the names that may stand for something in a directory, unsorted, some twice.
  std::vector<std::string> PossibleNames(InodeId directory) const;

  // Returns: what a name may stand for, kNoInode among it, without asking.
  std::vector<InodeId> PossibleTargets(InodeId directory, std::string_view name) const;

  bool IsDirectory(InodeId inode) const;
  bool IsLink(InodeId inode) const;

  // Returns: the text of a symbolic link. Requires: IsLink.
  std::string LinkText(InodeId inode) const;

  // Returns: the file's size, clamped to [low, high]. Asks only as much as that needs.
  uint64_t SizeWithin(const File& file, uint64_t low_bytes, uint64_t high_bytes);

  // Reads bytes below the file's size.
  void Read(const File& file, uint64_t offset_bytes, std::span<std::byte> out);

  bool ReadCertain(InodeId inode, uint64_t offset_bytes, std::span<std::byte> out) override;

  // Returns: whether an atom is kept; decides it if need be.
  bool Kept(VariableId variable);

 private:
  InodeId ChosenTarget(const OpenCell& cell);
  const Effect* FindCreation(InodeId inode) const;
  uint64_t LooseSizeWithin(const File& file, uint64_t low_bytes, uint64_t high_bytes);
  void ReadUnits(const File& file, uint64_t offset_bytes, std::span<std::byte> out);
  void ReadChain(const UnitChain& chain, size_t begin, std::span<std::byte> out);
  void ReadMixed(const File& file, const UnitChain* chain, uint64_t offset_bytes,
                 std::span<std::byte> out);
  void ReadBase(const File& file, uint64_t offset_bytes, std::span<std::byte> out);
  bool ShowsStaleBytes(const UnitChain& chain);

  CrashGraph& graph_;
  Choices& choices_;
  LazyDisk* below_ = nullptr;
  uint32_t generation_ = 0;
  std::map<InodeId, OverlayFile> durable_;
  OverlayPool pool_;
  bool asks_ = true;  // else a question that is open makes the answer uncertain
  bool uncertain_ = false;
};

}  // namespace plugpull
