// A trace may go on from a store that was there before it: its first operations, the snapshot,
// build that store. They never happened in this order, so no crash comes between them, and what
// they leave is on disk whatever a model thinks of syncs.
#pragma once

#include <cstddef>

#include "faults/trace/trace.h"

namespace plugpull {

// Says that all operations so far are the snapshot, and that the last `undone` transactions of the
// trace are none of its history: they were attempted before, and a crash undid them. Both are facts
// of the trace, so that they are saved with it and with what is cut from it.
void MarkSnapshot(Trace& trace, size_t undone);

// Returns: the number of operations of the snapshot, 0 when there is none.
size_t SnapshotEnd(const Trace& trace);

// Returns: how many transactions, the last ones of the trace, were undone before it.
size_t UndoneCount(const Trace& trace);

}  // namespace plugpull
