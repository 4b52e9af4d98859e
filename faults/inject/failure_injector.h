// The plan at work: sees every call that passes a failure point while it is armed, counts it, and
// decides. It decides by the plan and by what was called before, and by nothing else: the same run
// under the same plan fails in the same place.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "faults/inject/failure_plan.h"
#include "faults/inject/failure_point.h"

namespace plugpull {

// One call, as it passed its failure point.
struct CallSeen {
  FailurePoint point = FailurePoint::kOpen;
  std::string path;
  uint64_t size_bytes = 0;
};

// Thread-safety: one thread; calls of other threads are not seen.
class FailureInjector {
 public:
  // Armed from here to its end. Requires: no other one is armed on this thread.
  explicit FailureInjector(FailurePlan plan);
  FailureInjector(const FailureInjector&) = delete;
  FailureInjector& operator=(const FailureInjector&) = delete;
  ~FailureInjector();

  // Between the two no call fails, nor is it counted.
  void Suspend();
  void Resume();

  // Asks to write down each call. Requires: nothing was called yet.
  void KeepCalls() { keeps_calls_ = true; }
  const std::vector<CallSeen>& calls() const { return calls_; }

  // Called at the first failure.
  void OnFirst(std::function<void()> call) { on_first_ = std::move(call); }

  // How many calls failed so far, or reported what an earlier one had kept quiet about.
  uint64_t failures() const { return failures_; }
  const FailurePlan& plan() const { return plan_; }

  // Returns: for each rule of the plan, how many calls it made fail.
  const std::vector<uint64_t>& fired() const { return fired_; }

  // The rule that fired last. Requires: one did.
  const FailureRule& last() const { return plan_.rules[last_]; }

  std::optional<Failure> Decide(const FailureQuestion& question);

  // What a failure that was kept quiet shows at last.
  static void NoteLateFailure();

 private:
  bool Fires(size_t rule, const FailureQuestion& question);

  FailurePlan plan_;
  std::vector<uint64_t> matched_;  // calls so far that fit the rule
  std::vector<uint64_t> fired_;
  std::vector<CallSeen> calls_;
  std::function<void()> on_first_;
  uint64_t failures_ = 0;
  size_t last_ = 0;
  bool keeps_calls_ = false;
};

}  // namespace plugpull
