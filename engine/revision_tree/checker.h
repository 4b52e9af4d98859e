// The structural check of an open store, on the bytes of the file alone. It never follows a PageIO
// twice in one walk, so it ends on every input.
//
//   V1  headers are sane: magic, size, checksum, offsets; ongoing - current is 0 or 1 (K: 1)
//   V2  each PageIO is of one class: header, reachable from a kept revision (which may share with
//       another, but has one parent within one), listed as copied, free, pending; of none: a leak
//   V3  the free chain ends, without a cycle, and is disjoint from all that is reachable
//   V4  a chain is as long as its data size says, and runs into no other class
//   V5  no page is of a later revision than its root, or than its parent
//   V6  the header counts the elements of the leaves; keys ascend; separators; depth
//   V7  the B-tree of B-trees has the newest revision of each name; no copied pages are reachable
//       from the newest
//   V8  the tree of each reader is whole
#pragma once

#include <array>
#include <span>

#include "engine/engine.h"
#include "engine/revision_tree/format.h"
#include "engine/revision_tree/page_cache.h"

namespace plugpull::revision_tree {

// Enough to see what is wrong; a damaged file can have a problem per byte.
inline constexpr size_t kProblemsMax = 32;

// A header slot as the file has it.
struct HeaderSlot {
  bool exists = false;             // the store has such a slot
  std::optional<Header> header{};  // when valid
  std::string fault;               // else: why not
};

// A revision whose tree has to be whole. With copied pages the root is that of the user's tree.
struct KeptRevision {
  Revision revision = 0;
  int64_t root = kNoOffset;
};

// What an open store knows of its file.
struct StoreView {
  PageCache& pages;  // freshly attached: what it shows is what the file has
  uint64_t file_size_bytes = 0;
  std::array<HeaderSlot, 2> slots{};
  Header header{};                          // the active one
  std::span<const KeptRevision> older{};    // beside header.root: of K the older revision
  std::span<const KeptRevision> readers{};  // pinned
  // Neither reachable from the newest nor free in the file: they wait for a header to be durable,
  // for readers, or for the next commit to chain them. No leak, as long as the process lives.
  std::span<const PageNumber> pending{};
  bool ignores_free_chain = false;  // the store takes nothing for free that the chain lists
  bool owes_scan = false;  // PageIOs of no class are no leak, because a scan is still to find them
};

// How many PageIOs there are of each class. PageIOs of an older revision or a reader count as
// reachable when the newest shares them, else as kept.
struct SpaceCount {
  uint64_t header = 0;
  uint64_t reachable = 0;  // from the newest revision, with the trees about trees
  uint64_t kept = 0;       // from an older revision or a reader alone
  uint64_t copied = 0;     // listed in the copied pages alone
  uint64_t free = 0;
  uint64_t pending = 0;
  uint64_t none = 0;  // leaked, or not yet found by the scan that is owed
};

// Returns: all problems, up to kProblemsMax of each kind. Fills `count` where it is given.
// Errors: a read failed.
Expected<CheckReport> CheckStore(const StoreView& store, SpaceCount* count = nullptr);

}  // namespace plugpull::revision_tree
