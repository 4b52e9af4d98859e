// The names of atoms: the smallest things that a crash may keep or lose. An atom's id follows from
// the trace and the tear alone, so that a saved case still means the same years later.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

#include "faults/persistence/tear.h"
#include "faults/trace/trace.h"

namespace plugpull {

enum class AtomKind : uint8_t {
  kInode,      // I; of a symbolic link with its text
  kName,       // D+ and D-
  kData,       // W and M
  kSize,       // S
  kTruncate,   // T
  kZero,       // P, where it changes what is read
  kClone,      // C
  kAttribute,  // A and X
  kFill,       // the zeroing of a newly allocated block: lost, it shows stale bytes (fill rule)
};
inline constexpr AtomKind kLastAtomKind = AtomKind::kFill;

struct AtomId {
  uint32_t op = 0;  // index in Trace::ops
  AtomKind kind = AtomKind::kInode;
  // kName: 0 for the old name of a rename, 1 for the new one, 2 for what the new name stood for
  // before: lost, the name is found empty where 1 is lost too (only where a model takes a rename
  // apart so far). Of an exchange, 0 is the cell directory + name, 1 the other one. kData, kClone:
  // the position of the piece among those that the tear cuts the bytes into. kSize: the step, see
  // SizeStepEnd. kFill: the position of the block among those of kTearPageBytes that the write
  // touches.
  uint32_t index = 0;

  auto operator<=>(const AtomId&) const = default;
};

// Returns: how many things are lost or kept, as people count them: pieces of one write that lie
// side by side are one, and so are steps of a size. Requires: `atoms` are sorted.
inline uint64_t CountRuns(std::span<const AtomId> atoms) {
  uint64_t runs = 0;
  for (size_t i = 0; i < atoms.size(); ++i) {
    const AtomKind kind = atoms[i].kind;
    const bool has_runs = kind == AtomKind::kData || kind == AtomKind::kClone ||
                          kind == AtomKind::kSize || kind == AtomKind::kFill;
    const bool goes_on = i > 0 && has_runs && atoms[i - 1].op == atoms[i].op &&
                         atoms[i - 1].kind == kind && atoms[i - 1].index + 1 == atoms[i].index;
    if (!goes_on) ++runs;
  }
  return runs;
}

// Pieces of one write, in file order. With Tear::kNone the whole write is piece 0.
struct DataPieces {
  uint64_t first_unit = 0;
  uint32_t count = 0;
};

// Returns: the units of the file that `write` (a kWrite or kClone) touches.
inline DataPieces UnitsOf(const Op& write, Tear tear) {
  const uint64_t unit = UnitBytes(tear);
  const uint64_t first = write.offset_bytes / unit;
  const uint64_t last = (write.offset_bytes + write.size_bytes - 1) / unit;
  return {first, static_cast<uint32_t>(last - first + 1)};
}

// A write that grows a file from size `before` raises it page by page, as writeback proceeds
// (persistence models, 4.2: one S for each page that it writes beyond the old end); with
// Tear::kNone in one step. A gap between the old end and the write is no step of its own.
// Returns: the number of steps. Requires: the write ends beyond `before`.
inline uint32_t SizeStepCount(const Op& write, uint64_t before, Tear tear) {
  if (tear == Tear::kNone) return 1;
  const uint64_t first = std::max(write.offset_bytes, before) / kTearPageBytes;
  const uint64_t last = (write.offset_bytes + write.size_bytes - 1) / kTearPageBytes;
  return static_cast<uint32_t>(last - first + 1);
}

// Returns: the size after step `index`.
inline uint64_t SizeStepEnd(const Op& write, uint64_t before, uint32_t index, Tear tear) {
  const uint64_t end = write.offset_bytes + write.size_bytes;
  if (index + 1 == SizeStepCount(write, before, tear)) return end;
  return (std::max(write.offset_bytes, before) / kTearPageBytes + index + 1) * kTearPageBytes;
}

}  // namespace plugpull
