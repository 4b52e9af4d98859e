// Recovery children and the work that they share. A child serves thousands of recoveries; when it
// crashes, exits or takes too long, that is a verdict on the recovery that it was in, the child is
// replaced and the search goes on behind that recovery.
//
// Results do not depend on the number of children, nor on which child does what.
//
// Thread-safety: one thread at a time. No child outlives the thread that started it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "faults/base/error.h"
#include "faults/persistence/atom.h"
#include "faults/trace/trace.h"
#include "harness/channel.h"
#include "harness/explore_settings.h"
#include "harness/point_explorer.h"

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

class RecoveryPool {
 public:
  // Called at least ten times a second. Returns: false to stop: the points under way end early,
  // with the bound "stopped", and no others are begun.
  using OnTick = std::function<bool(uint64_t recoveries)>;
  using OnDone = std::function<void(size_t task, PointResult result)>;

  // Requires: jobs >= 1; the trace is valid.
  static Expected<RecoveryPool> Create(const Trace& trace, uint32_t jobs);

  // Children that have ended are noticed and killed by the destructor.
  ~RecoveryPool();
  RecoveryPool(RecoveryPool&&) noexcept;
  RecoveryPool& operator=(RecoveryPool&&) noexcept;

  // Runs all tasks. `on_done` is called once for each task that was begun, in any order.
  Expected<void> Explore(std::span<const PointTask> tasks, const OnDone& on_done,
                         const OnTick& on_tick);

  // Returns: what was violated, or nothing. Deaths and hangs of the child are violations too.
  // `recovered`, if not null, is set to the transaction whose contents recovery showed, if any.
  Expected<std::optional<Violation>> Replay(const ReplayTask& task,
                                            std::optional<uint32_t>* recovered = nullptr);

  // Recoveries done by all children so far, for progress displays.
  uint64_t recoveries() const;

 private:
  struct Worker;
  struct Job;

  RecoveryPool();
  Expected<void> Start(Worker& worker);
  Expected<void> Submit(Worker& worker, Job job);
  // Handles whatever the worker's channel has to say. Returns: the answer, once there is one.
  Expected<std::optional<nlohmann::json>> Collect(Worker& worker);
  // Returns: when the recovery under way was started, if that is too long ago, else 0.
  uint64_t Overdue(const Worker& worker) const;
  // Buries a child that ended, or that has to because of the recovery started at `overdue_ns`, and
  // says what that means for the recovery that it was in. Returns: nothing when the recovery came
  // to its end after all; then the same must be asked again.
  Expected<std::optional<Violation>> Autopsy(Worker& worker, uint64_t overdue_ns);
  // Buries the worker's child and lets another one go on behind the recovery that ended it.
  Expected<void> GoOnBehind(Worker& worker, uint64_t overdue_ns);
  // Waits for the answer, nothing when the child ended. `overdue_ns` is set when it has to.
  Expected<std::optional<nlohmann::json>> Await(Worker& worker, uint64_t& overdue_ns);
  void NoticeSuspension();

  Descriptor trace_file_;
  std::vector<std::unique_ptr<Worker>> workers_;
  uint64_t last_tick_ns_ = 0;
  uint64_t resumed_ns_ = 0;  // when the harness last came back from being suspended
};

}  // namespace plugpull
