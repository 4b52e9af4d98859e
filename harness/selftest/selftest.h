// Runs every planted bug and judges the harness by what it makes of them. A checker that has never
// failed proves nothing; one that accuses what is good is worth no more.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "faults/base/error.h"
#include "harness/explore.h"
#include "harness/selftest/planted_bug.h"
#include "reports/selftest_report.h"

namespace plugpull {

struct SelftestOptions {
  uint32_t jobs = 1;          // rows at a time
  std::string out_directory;  // for the cases of each row, in a directory of its name
  // Called at least ten times a second while there is work, from one thread at a time. Returns:
  // false to stop.
  std::function<bool(size_t rows_done, size_t rows)> on_progress;
};

// Returns: what the row shows when its attacks ended like this. `legal`: of its attack, `beyond`:
// of the other one, if it has one.
SelftestRow JudgeRow(const PlantedBug& bug, const Expected<Result>& legal,
                     const std::optional<Expected<Result>>& beyond);

// Runs the rows, independent of each other, and the litmus tests. Rows that were not run because
// it was stopped are left out.
SelftestReport RunSelftest(const std::vector<PlantedBug>& bugs, const SelftestOptions& options);

}  // namespace plugpull
