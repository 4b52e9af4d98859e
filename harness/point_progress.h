// What a PointExplorer remembers while it searches one crash point.
#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <utility>

#include "faults/persistence/state_count.h"
#include "harness/point_explorer.h"

namespace plugpull {

// Recoveries from the crash states of one recovery that was cut short, and of all of a point. A
// store that holds needs a few; more says that something is broken, or very large.
inline constexpr uint64_t kMostRecoveriesPerCut = 10'000;
inline constexpr uint64_t kMostDeepRecoveriesPerPoint = 1'000'000;

struct PointExplorer::Progress {
  PointResult result;
  StateCounter counter;
  StateCount covered = 0;
  std::array<uint64_t, static_cast<size_t>(kLastViolationClass) + 1> seen{};
  uint64_t quiet_since = 0;  // recoveries when the last new class was seen
  bool full = false;         // some class has reached its cap
  bool deadly_full = false;
  std::set<std::pair<uint32_t, bool>> used;  // (recovered transaction, recovery wrote)
  bool tried_to_converge = false;
  // Of crashes in recovery:
  std::array<uint64_t, static_cast<size_t>(kLastViolationClass) + 1> deep_seen{};
  uint64_t deep_recoveries = 0;
  uint64_t deep_quiet_since = 0;
  uint64_t deep_before_full = 0;  // as many had been done when a class of one crash was full
  bool deep_full = false;
  bool deep_closed = false;  // the power is not tried in recovery any more

  explicit Progress(CrashGraph& graph) : counter(graph) {}
};

}  // namespace plugpull
