// Where to crash. Within one epoch, between two events that make something durable or change what
// is legal, the last point admits every state of the earlier ones: only the last is explored.
#pragma once

#include <cstddef>
#include <vector>

#include "faults/persistence/model.h"
#include "faults/trace/trace.h"
#include "reports/verdict.h"

namespace plugpull {

// Returns: the position of the first call that happened and that no model knows, or the end of the
// trace. What a crash after it may leave cannot be said.
size_t EndOfModelled(const Trace& trace);

// Returns: positions in the trace up to EndOfModelled, ascending. A crash at position p comes after
// the operations [0, p) were issued and before anything else. None lies in the trace's snapshot.
std::vector<size_t> CrashPoints(const Trace& trace, const Model& model, Promise promise);

// Returns: true when some sync of the trace failed. What it leaves is a matter of the file system:
// then one model does not stand for another.
bool HasFailedSync(const Trace& trace);

}  // namespace plugpull
