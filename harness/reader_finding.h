// What readers saw while a run was recorded: noted in the trace, told as a finding, seen again by
// running the workload again. It needs no crash.
#pragma once

#include <optional>

#include "faults/base/error.h"
#include "faults/trace/trace.h"
#include "harness/company.h"
#include "harness/explore.h"
#include "harness/recovery.h"

namespace plugpull {

// Makes the change a fact of the trace, and forgets it again.
void NoteReaderChange(const ReaderChange& change, Trace& trace);
void ForgetReaderChange(Trace& trace);

// Returns: what was noted, if anything. A trace from elsewhere may hold nonsense: then nothing.
std::optional<ReaderChange> ReaderChangeOf(const Trace& trace);

// Adds a finding of what was noted in `trace` to the result of its exploration, and writes its
// case, if that breaks the promise asked about. Errors: a case that cannot be written.
Expected<void> AddReaderFinding(const Trace& trace, const ExploreOptions& options, Result& result);

// Runs the workload of `trace` again, from the store that it began with. Returns: what readers saw.
// Errors: as Record and Continue.
Expected<std::optional<Violation>> WatchAgain(const Trace& trace);

}  // namespace plugpull
