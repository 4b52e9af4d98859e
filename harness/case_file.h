// A case: one file that reproduces one finding exactly, forever. It holds the trace up to the
// crash, the atoms that were lost, and what was then observed; nothing has to be generated again.
#pragma once

#include <string>
#include <vector>

#include "faults/base/error.h"
#include "faults/persistence/atom.h"
#include "faults/trace/trace.h"
#include "harness/explore_settings.h"
#include "harness/recovery.h"

namespace plugpull {

struct Case {
  std::string id;
  std::string signature;
  ExploreSettings settings;
  Trace trace;  // ends at the crash
  Window window;
  std::vector<AtomId> lost;  // sorted
  Violation violation;       // what must be seen again
};

// Returns: `trace` cut off at the crash: operations [0, position) and the transactions attempted.
Trace CutTrace(const Trace& trace, size_t position, uint32_t transactions_attempted);

// Writes the case in one step. Errors: what the file system says.
Expected<void> SaveCase(const std::string& path, const Case& saved);

// Errors: kTooNew, kCorrupt, kNotFound, kIo; the text names the file.
Expected<Case> LoadCase(const std::string& path);

}  // namespace plugpull
