// Valid traces without meaning, for the tests of everything that reads traces.
#pragma once

#include <cstdint>

#include "faults/trace/trace.h"

namespace plugpull {

// Returns: a valid trace of about `op_count` operations in which every kind occurs once it is long
// enough, failed operations and syncs, links of both kinds, nested directories and binary keys
// among them. The same arguments give the same trace.
Trace RandomTrace(uint64_t seed, int op_count);

}  // namespace plugpull
