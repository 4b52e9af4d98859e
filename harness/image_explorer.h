// Searches one crash point state by state: makes the states in the order of a StateFamily, drops
// those that look like one before, and has the others judged. What it finds is shrunk to what
// matters.
//
// Everything that it finds is a function of trace, settings and point, as long as judgements are.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "faults/inject/damage.h"
#include "faults/persistence/crash_cursor.h"
#include "faults/persistence/crash_graph.h"
#include "faults/persistence/state_tree.h"
#include "harness/image_judge.h"
#include "harness/judged_images.h"
#include "harness/point_search.h"

namespace plugpull {

// States of one crash point, where the settings do not say.
inline constexpr uint64_t kStatesPerPoint = 512;

// A result whose counts of recoveries, reruns and uses are not filled in: who comes first in the
// order of the tasks has them.
struct ExploredPoint {
  PointResult result;
  std::vector<ImageKey> recovered;  // each once
  std::vector<ImageKey> rerun;
  std::vector<ImageKey> used;
};

// Thread-safety: one thread at a time, the same for all calls and for destruction.
class ImageExplorer {
 public:
  // Requires: everything referred to outlives the explorer. `recoveries` counts up while it works;
  // `stop` asks for an early end.
  ImageExplorer(const Trace& trace, const ReferenceModel& model, JudgedImages& judged,
                std::atomic<uint64_t>& recoveries, const std::atomic<bool>& stop)
      : trace_(trace), model_(model), judged_(judged), recoveries_(recoveries), stop_(stop) {}

  Expected<ExploredPoint> Explore(const PointTask& task);

  Expected<std::optional<Violation>> Replay(const ReplayTask& task,
                                            std::optional<uint32_t>* recovered);

 private:
  // What is kept between points of one model and tear.
  struct Site {
    std::unique_ptr<CrashCursor> cursor;
    CrashGraph graph;
    StateTree tree{graph};
  };
  // The judge of a way to judge.
  struct Court {
    std::unique_ptr<ImageJudge> judge;
    uint64_t hash = 0;
  };
  class Search;

  Expected<Court*> CourtOf(const ExploreSettings& settings);
  Expected<void> MoveTo(Site& site, const PointTask& task, const std::optional<Damage>& damage,
                        bool& fired);

  const Trace& trace_;
  const ReferenceModel& model_;
  JudgedImages& judged_;
  std::atomic<uint64_t>& recoveries_;
  const std::atomic<bool>& stop_;
  std::unique_ptr<DamageReader> damage_reader_;  // made when first needed
  std::map<std::pair<const Model*, Tear>, std::unique_ptr<Site>> sites_;
  std::map<std::string, Court> courts_;
};

}  // namespace plugpull
