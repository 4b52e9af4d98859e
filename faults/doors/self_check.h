// Whether a trace makes the directory that it was recorded from. A difference means that something
// was not seen, and that nothing can be concluded from the trace.
#pragma once

#include <string>

#include "faults/base/error.h"
#include "faults/trace/trace.h"

namespace plugpull {

// Returns: the first difference in one line, or why the trace is none; empty: there is none.
// Errors: the directory cannot be read.
Expected<std::string> DifferenceFrom(const Trace& trace, const std::string& directory);

}  // namespace plugpull
