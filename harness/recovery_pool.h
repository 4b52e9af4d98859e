// Recovery children and the work that they share. A child serves thousands of recoveries; when it
// crashes, exits or takes too long, that is a verdict on the recovery that it was in, the child is
// replaced and the search goes on behind that recovery.
//
// Results do not depend on the number of children, nor on which child does what.
//
// Thread-safety: one thread at a time. No child outlives the thread that started it.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "faults/base/error.h"
#include "faults/trace/trace.h"
#include "harness/channel.h"
#include "harness/point_search.h"

namespace plugpull {

class RecoveryPool final : public PointSearch {
 public:
  // Requires: jobs >= 1; the trace is valid.
  static Expected<RecoveryPool> Create(const Trace& trace, uint32_t jobs);

  // Children that have ended are noticed and killed by the destructor.
  ~RecoveryPool() override;
  RecoveryPool(RecoveryPool&&) noexcept;
  RecoveryPool& operator=(RecoveryPool&&) noexcept;

  Expected<void> Explore(std::span<const PointTask> tasks, const OnDone& on_done,
                         const OnTick& on_tick) override;
  Expected<std::optional<Violation>> Replay(const ReplayTask& task,
                                            std::optional<uint32_t>* recovered) override;
  using PointSearch::Replay;
  Expected<RecoveryWatch> Watch(const ReplayTask& task) override;
  Expected<Recoverability> Classify(const ReplayTask& task) override;
  uint64_t recoveries() const override;

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
  // Has the first worker do the job. Returns: the answer, or what ended the child.
  Expected<std::variant<nlohmann::json, Violation>> Do(Job job);
  // Waits for the answer, nothing when the child ended. `overdue_ns` is set when it has to.
  Expected<std::optional<nlohmann::json>> Await(Worker& worker, uint64_t& overdue_ns);
  void NoticeSuspension();

  Descriptor trace_file_;
  std::vector<std::unique_ptr<Worker>> workers_;
  uint64_t last_tick_ns_ = 0;
  uint64_t resumed_ns_ = 0;  // when the harness last came back from being suspended
};

}  // namespace plugpull
