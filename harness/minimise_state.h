// Makes a crash state lose as little as it can and still show its violation: each operation that is
// lost is kept, if that changes nothing, then each piece of what is left (1-minimal). A state that
// is tried is a state of the model, and is judged by a recovery.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "faults/base/error.h"
#include "faults/persistence/atom.h"
#include "faults/trace/trace.h"
#include "harness/explore_settings.h"
#include "harness/minimise_list.h"
#include "harness/point_search.h"

namespace plugpull {

// A complete crash state that violates, and what it violates.
struct ViolatedState {
  size_t position = 0;
  Window window;
  std::vector<AtomId> lost;  // sorted
  ExploreSettings settings;  // its model and tear are those that the state is one of
  std::string fault = {};    // an instance beyond the disk's contract; empty: none
  bool in_use = false;       // as of ReplayTask
  Violation violation;

  // Set by MinimiseState: what of all that was undecided is lost and kept, and whether nothing of
  // what is lost can be kept alone.
  std::vector<std::pair<AtomId, bool>> chosen = {};
  bool is_minimal = false;
};

// Returns: the smaller state, its lost atoms a part of those of `state`. Where `state` turns out to
// be no state of its model, or shows nothing when it is judged again: nothing.
// Errors: those of PointSearch::Replay.
Expected<std::optional<ViolatedState>> MinimiseState(const Trace& trace, PointSearch& search,
                                                     const ViolatedState& state, TestLimit& limit);

// Returns: the state at the position of `state` that loses just the operations `lost` (sorted),
// what depends on them, and what nobody can keep, where that shows the violation; nothing: it does
// not. What `state` itself loses does not count. Errors: as above.
Expected<std::optional<ViolatedState>> LoseOperations(const Trace& trace, PointSearch& search,
                                                      const ViolatedState& state,
                                                      const std::vector<uint32_t>& lost,
                                                      TestLimit& limit);

// Returns: the same violation where every write that is torn is lost or kept as a whole, not yet
// minimal. Nothing: no write is torn, or the violation needs that. Errors: as above.
Expected<std::optional<ViolatedState>> MakeWhole(const Trace& trace, PointSearch& search,
                                                 const ViolatedState& state, TestLimit& limit);

// Returns: the same violation by a crash before one of the writes that are lost: what a crash comes
// before need not be lost. The earliest such crash; not yet minimal. Nothing: there is none.
// Requires: no fault beyond the disk's contract. Errors: as above.
Expected<std::optional<ViolatedState>> CrashBeforeLosses(const Trace& trace, PointSearch& search,
                                                         const ViolatedState& state,
                                                         TestLimit& limit);

// Returns: the earliest crash that loses the same and shows the same violation; nothing: there is
// none before that of the state. Requires: MinimiseState gave the state. Errors: as above.
Expected<std::optional<ViolatedState>> MoveEarlier(const Trace& trace, PointSearch& search,
                                                   const ViolatedState& state, TestLimit& limit);

// Returns: the transactions acknowledged and attempted by the operations [0, position).
Window WindowAt(const Trace& trace, size_t position);

}  // namespace plugpull
