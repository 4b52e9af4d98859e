// Searches for the symptom of a field report: the weakest fault of the storage that yields it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "faults/base/error.h"
#include "faults/trace/trace.h"
#include "harness/explore.h"
#include "harness/grade.h"
#include "harness/record.h"
#include "reports/reproduction.h"

namespace plugpull {

// A workload, and how much is searched on it.
struct ReproduceWorkload {
  RecordSettings record;
  uint32_t crashes_from = 1;  // crashes before this transaction are not searched
  // Most recoveries at one crash point beyond the disk's contract, where a point has more states
  // than anybody can visit. 0: what is usual.
  uint64_t recoveries_per_point = 0;
};

struct ReproduceOptions {
  // Model, tear and bounds of the searches. Its settings name the symptom; its budget is that of
  // all searches. Requires: a symptom, no faults, not all models.
  ExploreOptions explore;
  std::vector<ReproduceWorkload> workloads;  // those that end fast first
  std::vector<GradeRung> rungs;              // weakest first
};

// What a progress display shows: the search under way.
struct ReproduceProgress {
  std::string fault;
  std::string workload;
  size_t searches_done = 0;
  size_t searches = 0;
  ExploreProgress explore;
};

// Returns: false to stop with what there is.
using OnReproduceProgress = std::function<bool(const ReproduceProgress& progress)>;

// Returns: the workloads that are tried on a target where none is asked for: those of field reports
// on its engine, then small ones. The last ones grow a tree until its pages change roles.
std::vector<ReproduceWorkload> WorkloadsToTry(const std::string& target, uint64_t seed);

// Returns: "roles, 20000 keys, 40 transactions".
std::string WorkloadText(const RecordSettings& settings);

// Searches fault by fault, weakest first, and each on every workload, until one yields the symptom
// or all have been searched. Keeps the case of what was found, and the damaged files, below the
// directory for output.
// Errors: the workload cannot be recorded; those of Explore.
Expected<Reproduction> Reproduce(const ReproduceOptions& options,
                                 const OnReproduceProgress& on_progress);

}  // namespace plugpull
