// Calls of a traced program that fail by plan, before they are executed.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "faults/inject/failure_plan.h"

namespace plugpull {

// One call that may be made to fail.
struct CallQuestion {
  std::string_view name{};  // as in "fdatasync"
  std::string_view path{};  // relative to the recorded directory
  uint64_t offset_bytes = 0;
  uint64_t size_bytes = 0;  // 0 for calls that are not about bytes
};

class CallFailures {
 public:
  explicit CallFailures(FailurePlan plan);

  bool any() const { return !plan_.rules.empty(); }

  // Returns: how the call fails, if it does. Every rule counts the calls that fit it.
  std::optional<Failure> Decide(const CallQuestion& question);

  // Returns: for each rule of the plan, how many calls it made fail.
  const std::vector<uint64_t>& fired() const { return fired_; }

 private:
  bool Fires(size_t rule_index, const CallQuestion& question);

  FailurePlan plan_;
  std::vector<uint64_t> matched_;
  std::vector<uint64_t> fired_;
};

}  // namespace plugpull
