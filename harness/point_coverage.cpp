#include "harness/point_coverage.h"

namespace plugpull {

void AddDepths(const PointResult& point, Coverage& coverage) {
  while (coverage.depth.size() <= point.deeper.size()) {
    coverage.depth.push_back({.crashes = static_cast<uint32_t>(coverage.depth.size() + 1)});
  }
  DepthCoverage& first = coverage.depth.front();
  ++first.crash_points;
  first.recoveries += point.recoveries;
  first.exhausted = first.exhausted && point.exhausted;
  for (size_t i = 0; i < point.deeper.size(); ++i) {
    DepthCoverage& further = coverage.depth[i + 1];
    further.crash_points += point.deeper[i].crash_points;
    further.recoveries += point.deeper[i].recoveries;
    further.exhausted = further.exhausted && point.deeper[i].exhausted && point.exhausted;
    coverage.recoveries += point.deeper[i].recoveries;
  }
}

void NoteFirst(const PointResult& point, Coverage& coverage) {
  if (coverage.first || point.violations.empty()) return;
  coverage.first = {.crash_point = point.position,
                    .transactions_attempted = point.window.attempted,
                    .recoveries = coverage.recoveries + point.first_violation};
}

}  // namespace plugpull
