// Searches crash points without seeing what recovery reads: crash states are made one by one, in
// the order of section 6 of the models' specification (ends, prefixes, omit-one and keep-one,
// pairs, torn writes, then seeded samples), and shown in a real directory to a driver or to a check
// command of the user's. Where a point has few states, all of them.
//
// Images that look alike, after the same acknowledgements, are judged once.
//
// Results are a function of trace and settings, not of the number of jobs.
#pragma once

#include <memory>

#include "faults/trace/trace.h"
#include "harness/point_search.h"

namespace plugpull {

// Requires: the target of the settings of all tasks is a program, or the settings have a check;
// `trace` outlives the search.
Expected<std::unique_ptr<PointSearch>> MakeImagePool(const Trace& trace, uint32_t jobs);

}  // namespace plugpull
