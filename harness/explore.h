// Explores every crash point of a trace and turns what comes back into a result.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

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
  // Whether to explore what the settings say, with a disk that keeps its contract.
  bool legal = true;
  // Faults beyond the disk's contract, each explored on its own, after that: as in
  // "stale-page(age=1..3)", or "power-cut+stale-page" for both together.
  std::vector<std::string> faults = {};
  uint32_t jobs = 1;
  std::optional<std::chrono::milliseconds> budget;
  std::string out_directory;  // for case files
  // How often the run crashes and goes on; see cycles.h. Explore itself knows one cycle.
  uint32_t cycles = 1;
  // Signatures of findings whose cases are there already.
  std::set<std::string> known_signatures = {};
  // Whether to classify every violation that is reported, not only the findings' reproductions.
  bool tally_recoverability = false;
  size_t first_position = 0;  // crashes before and after these are not explored
  size_t last_position = SIZE_MAX;
};

// What is said of any run in a result.
TraceFacts FactsOf(const Trace& trace);
std::vector<std::string> FaultsOf(const ExploreSettings& settings);

// Returns: the position where a transaction begins; the end of the trace when it has not got it.
size_t BeginOf(const Trace& trace, uint32_t transaction);

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
