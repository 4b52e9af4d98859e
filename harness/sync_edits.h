// The trace that a program would have left with a sync more or less: the line of code deleted, or
// one added. Nothing else changes, for no program can tell: syncs return nothing but success.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "faults/trace/trace.h"

namespace plugpull {

// A sync that the program did not make.
struct AddedSync {
  size_t before = 0;  // the operation that it comes before; the end of the trace: after the last
  Op op;

  bool operator==(const AddedSync&) const = default;
};

// A trace with some operations out and some in, and where those came from that stayed.
struct EditedTrace {
  // What EditedTrace::original says of an operation that was added.
  static constexpr uint32_t kAdded = UINT32_MAX;

  Trace trace;
  std::vector<uint32_t> original;  // for each operation: its index in the trace that was edited

  // Returns: how many operations of the original come before a position of this trace.
  size_t OriginalPosition(size_t position) const;
  // Returns: the last position of this trace with all that was issued before an original one, but
  // without what was added right there.
  size_t PositionOf(size_t original_position) const;
  // Returns: the index of an original operation here. Requires: it was not taken out.
  uint32_t IndexOf(uint32_t original_op) const;
};

// Returns: `trace` without the operations of `removed` and with those of `added`, which keep their
// order at one place. Transactions, facts and payload stay.
// Requires: `removed` is sorted and in the trace; no place of `added` is beyond its end; neither is
// within its snapshot.
EditedTrace EditSyncs(const Trace& trace, const std::vector<uint32_t>& removed,
                      std::vector<AddedSync> added);

}  // namespace plugpull
