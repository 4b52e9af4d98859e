// The workload and the crash of a case on another target: another configuration, another version,
// another engine. What it finds there tells which of two was the change that broke something.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "faults/base/error.h"
#include "harness/case_file.h"

namespace plugpull {

struct Against {
  std::optional<Violation> same = {};   // the first one of the case's class
  std::optional<Violation> other = {};  // else the first one of the weakest promise
  size_t crash_points = 0;
  uint64_t recoveries = 0;
  bool exhaustive = true;
  std::vector<std::string> bounds = {};   // why it is not exhaustive
  std::vector<std::string> unknown = {};  // why some point says nothing
};

// Records the transactions of the case on `target` and explores the crashes of its window, between
// the same two transactions, under its model, tear and fault level.
// `goes_on` is asked ten times a second; false ends the search with what there is.
// Errors: kInvalidArgument: the target is none, or the case has no transactions or no crash;
// kTargetFailed, and what recording says.
Expected<Against> ReplayAgainst(const Case& saved, const std::string& target, uint32_t jobs,
                                const std::function<bool()>& goes_on);

// Returns: "held, exhaustive", "wrong-value: key-000001 ...", "unknown: nondeterministic ...".
std::string Describe(const Against& against);

}  // namespace plugpull
