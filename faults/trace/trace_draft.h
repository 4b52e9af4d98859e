// A random trace while it is made: its operations so far, the disk that they leave, and choices
// among what is there. RandomOperations (random_operations.h) is made of actions on a draft.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "faults/base/random.h"
#include "faults/trace/small_disk.h"
#include "faults/trace/trace.h"

namespace plugpull {

class TraceDraft {
 public:
  using Kind = SmallDisk::Kind;
  using Place = SmallDisk::Place;
  using Entry = std::pair<Place, InodeId>;

  // The finished trace will have `op_count` operations.
  TraceDraft(uint64_t seed, size_t op_count)
      : random_(seed, "random-operations"), op_count_(op_count) {}

  Random& random() { return random_; }
  const SmallDisk& disk() const { return disk_; }
  Trace& trace() { return trace_; }
  size_t room() const { return op_count_ - trace_.ops.size(); }

  // Appends an operation, with its payload if it has one. Returns: true, for the action that did it
  // to return. Requires: room() > 0; a successful operation is possible.
  bool Put(Op op, std::string_view payload = {});

  // Half of the files that have no name any more stay open; the others are forgotten.
  void MaybeClose(InodeId inode);

  InodeId NewInode() { return ++last_inode_; }

  // Returns: bytes that tell this operation from its neighbours.
  std::string Fresh(uint64_t size_bytes) const {
    return std::string(size_bytes, static_cast<char>('A' + trace_.ops.size() % 50));
  }

  template <typename T>
  std::optional<T> AnyOf(const std::vector<T>& values) {
    if (values.empty()) return std::nullopt;
    return values[random_.Below(values.size())];
  }

  template <typename T>
  T AnyOf(std::initializer_list<T> values) {
    return values.begin()[random_.Below(values.size())];
  }

  // Returns: a file of at least `min_bytes` and at most `max_bytes`.
  std::optional<InodeId> AnyFile(uint64_t min_bytes, uint64_t max_bytes);
  std::optional<InodeId> AnyFile();

  // Returns: a name that leads to an inode of which `suits` is true.
  template <typename Suits>
  std::optional<Entry> AnyEntry(Suits suits) {
    std::vector<Entry> entries(disk_.entries().begin(), disk_.entries().end());
    std::erase_if(entries, [&](const Entry& entry) { return !suits(entry.second); });
    return AnyOf(entries);
  }

  std::optional<Place> AnyFreePlace(bool in_root);

  bool Is(InodeId inode, Kind kind) const { return disk_.At(inode).kind == kind; }
  uint64_t SizeOf(InodeId inode) const { return disk_.At(inode).bytes.size(); }

  // Returns: a position up to `limit`, often at the border of a page or sector or just before it.
  uint64_t AnyPosition(uint64_t limit);

 private:
  Random random_;
  size_t op_count_;
  Trace trace_;
  SmallDisk disk_;
  InodeId last_inode_ = kRootInode;
};

// One thing that a program may do.
struct RandomAction {
  // Appends one operation, or two where they belong together. Returns: false, with nothing done,
  // when it cannot be done now. Requires: room for one.
  bool (*perform)(TraceDraft& draft);
  uint64_t rarity;  // it is in one of so many mixes
};

// Returns: the actions that make, move and remove names; the first makes a file.
std::span<const RandomAction> NameActions();

// Returns: the actions that change bytes and sizes; the first two grow a file.
std::span<const RandomAction> ByteActions();

// Returns: the actions that make durable what others did, or fail to.
std::span<const RandomAction> SyncActions();

}  // namespace plugpull
