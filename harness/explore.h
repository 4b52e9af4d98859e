// Explores every crash point of a trace and turns what comes back into a result.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "engine/target.h"
#include "faults/base/error.h"
#include "faults/trace/trace.h"
#include "harness/explore_settings.h"
#include "reports/result.h"

namespace plugpull {

struct ExploreOptions {
  ExploreSettings settings;
  // Where the model of the settings is violated, try the other Models(), too.
  // Requires: that model is the weakest.
  bool all_models = false;
  uint32_t jobs = 1;
  std::optional<std::chrono::milliseconds> budget;
  std::string out_directory;  // for case files
};

// What a progress display shows.
struct ExploreProgress {
  size_t points_done = 0;
  size_t points = 0;
  uint64_t recoveries = 0;
  double elapsed_s = 0;
  std::map<ViolationClass, uint64_t> violations;
};

// Called at least ten times a second. Returns: false to stop with what there is.
using OnProgress = std::function<bool(const ExploreProgress& progress)>;

// Returns: the result without `command`. Cases are written as findings/<id>.case.
// Errors: a case that cannot be written, a child that cannot be started.
Expected<Result> Explore(const Trace& trace, const ExploreOptions& options,
                         const OnProgress& on_progress);

}  // namespace plugpull
