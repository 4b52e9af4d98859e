// A small comparison, made by hand, for the tests of its formats.
#pragma once

#include "reports/comparison.h"

namespace plugpull {

inline ComparisonCell HeldCell(bool implied = false) {
  ComparisonCell cell;
  cell.verdict = Verdict::kHeld;
  cell.kept = Promise::kDurable;
  cell.exhaustive = true;
  cell.implied = implied;
  cell.recoveries = implied ? 0 : 120;
  return cell;
}

inline ComparisonCell ViolatedCell(std::optional<Promise> kept, FaultLevel level) {
  ComparisonCell cell;
  cell.verdict = Verdict::kViolated;
  cell.kept = kept;
  cell.broken_by = level;
  cell.classes = {ViolationClass::kLostCommit};
  cell.exhaustive = true;
  cell.recoveries = 30;
  cell.case_path = "cases/fast/xfs/findings/lost-commit-1f0c2a44.case";
  return cell;
}

// Two protocols that hold, one that does not, one that is worse than all of them, and an engine.
inline Comparison SmallComparison() {
  Comparison comparison;
  comparison.version = "1.2.3";
  comparison.commit = "0123456789ab";
  comparison.workload = "mixed";
  comparison.seed = 18446744073709551615ULL;
  comparison.transactions = 12;
  comparison.keys = 40;
  comparison.tear = "512";
  comparison.models = {"posix-minimal", "xfs"};
  comparison.recoveries = 1234;
  comparison.elapsed_s = 2.5;
  const auto add = [&](std::string name, StrategyGroup group, CommitCost cost,
                       std::vector<ComparisonCell> cells) {
    comparison.rows.push_back({.name = name,
                               .group = group,
                               .description = "how " + name + " does it",
                               .target = "files:protocol=" + name,
                               .group_commit = name == "steady" || name == "wasteful",
                               .cost = cost,
                               .cells = std::move(cells)});
  };
  using enum StrategyGroup;
  add("slow", kProtocols,
      {.commits = 12, .syncs = 36, .writes = 24, .bytes = 2400, .changed_bytes = 1200},
      {HeldCell(), HeldCell(true)});
  add("steady", kProtocols,
      {.commits = 12, .syncs = 13, .writes = 12, .bytes = 14400, .changed_bytes = 1200},
      {HeldCell(), HeldCell(true)});
  add("fast", kProtocols,
      {.commits = 12, .syncs = 0, .writes = 12, .bytes = 1200, .changed_bytes = 1200},
      {ViolatedCell(std::nullopt, FaultLevel::kPowerCutOrdered),
       ViolatedCell(Promise::kPrefix, FaultLevel::kPowerCut)});
  add("wasteful", kProtocols,
      {.commits = 12, .syncs = 13, .writes = 12, .bytes = 28800, .changed_bytes = 1200},
      {HeldCell(), ViolatedCell(Promise::kAtomic, FaultLevel::kTornWrite)});
  add("engine", kEngines,
      {.commits = 10, .syncs = 25, .writes = 100, .bytes = 123456, .changed_bytes = 1000},
      {ViolatedCell(Promise::kPrefix, FaultLevel::kPowerCut), HeldCell()});
  return comparison;
}

}  // namespace plugpull
