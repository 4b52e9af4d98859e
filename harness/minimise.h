// Makes a case small enough to read: fewer transactions, fewer changes, smaller values and keys, an
// earlier crash, fewer lost atoms, a weaker fault. What is tried counts only if it shows a finding
// of the same signature; the workload is recorded anew for it, and its crashes are explored.
//
// The same case gives the same result every time, unless it was stopped by a clock or a user.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "faults/base/error.h"
#include "harness/case_file.h"

namespace plugpull {

struct MinimiseOptions {
  uint64_t most_workloads = 2000;      // that are recorded and explored
  uint64_t most_recoveries = 2000;     // of the state alone
  std::function<bool()> goes_on = {};  // asked often; false: stop with what there is
};

struct Minimisation {
  Case small;                     // its `minimised` says what it was and whether it is 1-minimal
  std::vector<AtomId> kept = {};  // of what was undecided at its crash
  CaseSize after = {};
  uint64_t workloads_tried = 0;
  // Why the transactions are those of the original; empty: they were reduced.
  std::string transactions_kept_because = {};
};

// Returns: how large the case is, or one of such transactions and losses.
CaseSize SizeOf(const Case& saved);
CaseSize SizeOf(std::span<const Transaction> attempted, const std::vector<AtomId>& lost,
                const std::vector<FurtherCrash>& further);

// Returns: the smallest case of the same finding that was met, never larger than the original; or
// nothing where the original does not show its violation when it is judged again.
// Errors: a target that is not there, a child that cannot be started.
Expected<std::optional<Minimisation>> MinimiseCase(const Case& original,
                                                   const MinimiseOptions& options);

}  // namespace plugpull
