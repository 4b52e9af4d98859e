// Who searches crash points: recovery children over a lazy view (recovery_pool.h), or programs on
// real directories (image_pool.h). Explore does not care which.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "faults/base/error.h"
#include "faults/persistence/atom.h"
#include "faults/trace/trace.h"
#include "harness/explore_settings.h"
#include "harness/point_explorer.h"
#include "harness/recoverability.h"
#include "harness/recovery_watch.h"

namespace plugpull {

// Explore one crash point.
struct PointTask {
  size_t position = 0;
  ExploreSettings settings;
  std::string fault = {};  // an instance beyond the disk's contract; empty: none
};

// Recover on one crash state, given in full.
struct ReplayTask {
  size_t position = 0;
  Window window;
  std::vector<AtomId> lost;
  ExploreSettings settings;
  std::string fault = {};  // as in PointTask
  // Then go on with the transactions of the trace that are not acknowledged (harness/stretch.h).
  bool in_use = false;
};

class PointSearch {
 public:
  PointSearch() = default;
  PointSearch(PointSearch&&) = default;
  PointSearch& operator=(PointSearch&&) = default;
  virtual ~PointSearch() = default;

  // Called at least ten times a second. Returns: false to stop: the points under way end early,
  // with the bound "stopped", and no others are begun.
  using OnTick = std::function<bool(uint64_t recoveries)>;
  using OnDone = std::function<void(size_t task, PointResult result)>;

  // Runs all tasks. `on_done` is called once for each task that was begun, in any order.
  virtual Expected<void> Explore(std::span<const PointTask> tasks, const OnDone& on_done,
                                 const OnTick& on_tick) = 0;

  // Returns: what was violated, or nothing. Deaths and hangs are violations too.
  // `recovered`, if not null, is set to the transaction whose contents recovery showed, if any.
  virtual Expected<std::optional<Violation>> Replay(const ReplayTask& task,
                                                    std::optional<uint32_t>* recovered) = 0;
  Expected<std::optional<Violation>> Replay(const ReplayTask& task) {
    return Replay(task, nullptr);
  }

  // Replays, and watches what the recovery does where that can be seen; of programs it cannot.
  virtual Expected<RecoveryWatch> Watch(const ReplayTask& task) {
    RecoveryWatch watch;
    Expected<std::optional<Violation>> outcome = Replay(task, &watch.shows);
    if (!outcome) return std::unexpected(outcome.error());
    watch.violation = *std::move(outcome);
    return watch;
  }

  // Returns: what would have to be done about a crash state that is violated, where the engine has
  // repairs and is linked to us; else nothing is said.
  virtual Expected<Recoverability> Classify(const ReplayTask& /*task*/) { return Recoverability{}; }

  // Recoveries done so far, for progress displays.
  virtual uint64_t recoveries() const = 0;
};

// Returns: who searches what the settings are about: recovery children where the engine is linked
// to us and what it reads can be seen, else programs on images.
// Requires: the trace is valid and outlives the search; jobs >= 1.
Expected<std::unique_ptr<PointSearch>> MakeSearch(const Trace& trace,
                                                  const ExploreSettings& settings, uint32_t jobs);

}  // namespace plugpull
