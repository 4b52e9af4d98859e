// What one cycle of a run hands on to the next: a crash state, picked at random, and the start of
// the recording that goes on from it.
#pragma once

#include <cstdint>
#include <vector>

#include "faults/base/random.h"
#include "faults/trace/trace.h"
#include "harness/crash_state.h"
#include "harness/explore_settings.h"
#include "harness/recovery.h"

namespace plugpull {

// A complete crash state of one crash point.
struct CrashPick {
  Window window;
  ChosenState state;         // says the fate of all that is undecided
  std::vector<AtomId> lost;  // sorted
};

// Picks one of the crash points at random, rather one where something is undecided, and one of its
// states. Requires: the trace has not been cut off by an unmodelled call.
CrashPick PickCrash(const Trace& trace, const ExploreSettings& settings, Random& random);

// Returns: the state of the same crash point that loses nothing.
CrashPick LoseNothing(const Trace& trace, const ExploreSettings& settings, const CrashPick& pick);

// Returns: a trace of nothing but a snapshot of what the crash left, in which the transactions up
// to `recovered` are acknowledged, and those attempted after it are undone. `next` are the
// transactions to go on with.
Trace StartFrom(const Trace& trace, const CrashPick& pick, uint32_t recovered,
                const std::vector<Transaction>& next);

}  // namespace plugpull
