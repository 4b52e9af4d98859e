// Climbs the fault ladder: for each promise, the weakest fault that breaks it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "faults/base/error.h"
#include "faults/trace/trace.h"
#include "harness/explore.h"
#include "reports/grade.h"

namespace plugpull {

// One step of the ladder.
struct GradeRung {
  FaultLevel level = FaultLevel::kProcessKill;
  std::string fault;  // as ExploreOptions::faults takes it
};

struct GradeOptions {
  // Model, tear and bounds of the searches; its promise is the one that the verdict is about, and
  // its budget that of all of them, shared out evenly among the levels still to come. Requires: no
  // faults, not all models.
  ExploreOptions explore;
  std::vector<GradeRung> rungs;  // weakest first, those of a correct disk before all others
};

// What a progress display shows: the search under way.
struct GradeProgress {
  std::string fault;
  Promise promise = Promise::kDurable;
  size_t levels_done = 0;
  size_t levels = 0;
  ExploreProgress explore;
};

// Returns: false to stop with what there is.
using OnGradeProgress = std::function<bool(const GradeProgress& progress)>;

// Searches the crashes of a recorded trace; Explore is one.
using GradeExplorer =
    std::function<Expected<Result>(const ExploreOptions& options, const OnProgress& on_progress)>;

// Returns: one rung for each level that a correct disk may show.
std::vector<GradeRung> LegalRungs();

// Returns: one rung for each fault beyond the disk's contract in a list of them, as in
// "stale-page(age=1..3),bit-rot"; an empty list is all of them, as they are by default.
// Errors: kInvalidArgument: what cannot be read, or is no such fault.
Expected<std::vector<GradeRung>> RungsBeyond(const std::string& list);

// Returns: what to search for at a rung: `base` with model, tear and faults of that rung.
ExploreOptions AtRung(const ExploreOptions& base, const GradeRung& rung);

// Searches each level for the strongest promise that no weaker level broke, then for what is left
// below the weakest that it breaks, until one holds or none is left. The levels of a correct disk
// include one another: what one breaks is broken at all that follow. A fault beyond the disk's
// contract is searched on its own, so what it breaks says nothing of the next. Levels that were not
// reached before the end of the budget, or a stop, are unknown.
// Errors: those of the explorer.
Expected<Grade> ClimbLadder(const GradeOptions& options, const GradeExplorer& explorer,
                            const OnGradeProgress& on_progress);

}  // namespace plugpull
