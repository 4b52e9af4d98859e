// Children that run plans of failing calls, each thousands of them. A child that dies or hangs in a
// run is a verdict on the engine; it is replaced and the others go on.
//
// Results do not depend on the number of children, nor on which child does what.
//
// Thread-safety: one thread at a time. No child outlives the thread that started it.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "harness/channel.h"
#include "harness/error_explore.h"

namespace plugpull {

class ErrorPool {
 public:
  // Called at least ten times a second. Returns: false to stop; no further plans are begun.
  using OnTick = std::function<bool(size_t plans_done)>;

  // Requires: jobs >= 1.
  static Expected<ErrorPool> Create(RecordSettings record, ExploreSettings settings, uint32_t jobs);
  ~ErrorPool();
  ErrorPool(ErrorPool&&) noexcept;
  ErrorPool& operator=(ErrorPool&&) noexcept;

  // Returns: for each plan its result, or nothing where it was not begun. Errors: as
  // RunWithFailures, and children that cannot be started.
  Expected<std::vector<std::optional<PlanResult>>> Run(std::span<const FailurePlan> plans,
                                                       const OnTick& on_tick);

  // Runs one plan without looking at crashes. Returns: its result, and its trace in `trace`; that
  // is empty when the run killed its process.
  Expected<PlanResult> RunOne(const FailurePlan& plan, Trace& trace);

 private:
  struct Worker;

  ErrorPool();
  Expected<void> Submit(Worker& worker, const FailurePlan& plan, bool run_only);
  Expected<void> Start(Worker& worker);
  // Returns: nothing when the plan has to be run again, without looking at crashes.
  Expected<std::optional<PlanResult>> Bury(Worker& worker, bool is_hung);
  Expected<std::optional<PlanResult>> Collect(Worker& worker);

  RecordSettings record_;
  ExploreSettings settings_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

// Serves plans over `channel` until it closes; traces go to the memory file `output`.
// Returns: the exit status.
int ServeErrors(Channel& channel, int output);

}  // namespace plugpull
