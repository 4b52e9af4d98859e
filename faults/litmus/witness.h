// One crash state in words.
#pragma once

#include <string>

#include "faults/litmus/litmus.h"
#include "faults/persistence/crash_graph.h"

namespace plugpull {

// Returns: for each operation after the durable base what the state keeps and loses of it, as in
// "create tmp: kept; write tmp 0+4096: lost bytes (3 of 8), size".
// Requires: every fate in the graph is decided.
std::string DescribeState(const Litmus& litmus, const CrashGraph& graph);

}  // namespace plugpull
