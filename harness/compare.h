// Compares strategies under persistence models: what each keeps, and what a commit costs.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "faults/base/error.h"
#include "faults/trace/trace.h"
#include "harness/explore.h"
#include "harness/record.h"
#include "reports/comparison.h"
#include "workloads/strategies/strategy.h"

namespace plugpull {

struct CompareOptions {
  std::vector<const Strategy*> strategies;
  std::vector<const Model*> models;
  ExploreOptions explore;  // without target and model; its budget is that of the comparison
  RecordSettings record;   // without target
};

// What a progress display shows: the strategy and model under way.
struct CompareProgress {
  std::string strategy;
  std::string model;
  size_t rows_done = 0;
  ExploreProgress explore;
};

// Returns: false to stop with what there is.
using OnCompareProgress = std::function<bool(const CompareProgress& progress)>;

// Records each strategy once and explores its trace under each model. Cells that were not reached
// before the end of the budget, or a stop, are unknown. Cases are written below out_directory.
// Errors: a strategy that fails without a fault, a case that cannot be written.
Expected<Comparison> Compare(const CompareOptions& options, const OnCompareProgress& on_progress);

// Returns: what the commits of a trace cost.
CommitCost CostOf(const Trace& trace);

// Sums up what a search found against the promise asked for. `kept` is what was found to be kept.
ComparisonCell CellOf(std::optional<Promise> kept, bool exhaustive, Promise asked,
                      const std::vector<Finding>& findings);

}  // namespace plugpull
