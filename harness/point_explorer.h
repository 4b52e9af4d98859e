// The lazily exhaustive search of one crash point: runs recoveries, depth-first over the choices
// that they make, until every crash state of the point is covered or a bound is reached.
//
// Everything that it finds is a function of trace, settings and point: no clock, no randomness, no
// order of other work.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "faults/persistence/atom.h"
#include "faults/persistence/choices.h"
#include "faults/persistence/crash_cursor.h"
#include "faults/persistence/crash_graph.h"
#include "faults/persistence/crash_view.h"
#include "faults/persistence/state_count.h"
#include "harness/explore_settings.h"
#include "harness/recovery.h"

namespace plugpull {

// An execution that killed its process. The search takes it as done, with this verdict.
struct DeadlyPath {
  std::vector<Choice> path;
  uint32_t probe = 0;  // the number of the random probe that it was, 0: a step of the search
  Violation violation;
};

// One violation, as the choices that led to it: what recovery read as kept or lost. Whatever is not
// named does not matter.
struct PointViolation {
  Violation violation;
  std::vector<std::pair<AtomId, bool>> chosen;  // (atom, kept)
  uint64_t lost_atoms = 0;  // of the state that loses least, for picking the smallest
};

struct PointResult {
  size_t position = 0;
  Window window;
  uint64_t recoveries = 0;
  uint64_t probes = 0;  // of them, samples taken at random because the search was getting long
  uint64_t reruns = 0;
  uint64_t uses = 0;
  std::string covered = "0";  // crash states covered, decimal
  std::string total = "0";    // crash states of the point
  bool exact = true;          // both counts are exact
  bool exhausted = false;     // every state is covered
  std::string bound;          // what ended the search early: "per-class", "recoveries", "stopped"
  std::vector<std::string> unknown;  // why this point says nothing: "nondeterministic: ..."
  std::vector<PointViolation> violations;
  uint64_t violation_count = 0;
};

// What the search shows while it runs. The path and the rest may be in shared memory, so that they
// are there when the process is not.
struct SearchState {
  std::span<Choice> path;
  uint32_t* path_length = nullptr;
  std::atomic<Phase>* phase = nullptr;
  std::atomic<uint32_t>* probe = nullptr;       // number of the random probe under way, 0: none
  std::atomic<uint64_t>* recoveries = nullptr;  // counts up while running
  std::atomic<uint64_t>* started_ns = nullptr;  // of the current execution, 0: none
  const std::atomic<bool>* stop = nullptr;      // asks for an early end
};

// Returns: the clock of SearchState::started_ns.
uint64_t MonotonicNanoseconds();

class PointExplorer {
 public:
  // Requires: all arguments outlive the explorer.
  PointExplorer(const Trace& trace, const Target& target, const ReferenceModel& model,
                const ExploreSettings& settings, SearchState state);

  // Explores the crash point at `position`. Positions may be given in any order, but ascending is
  // fastest: the cursor only walks forward.
  PointResult Explore(size_t position, const std::vector<DeadlyPath>& deadly);

 private:
  struct Progress;

  void MoveTo(size_t position);
  // Runs one recovery on the path so far. `counts`: what it covers is added up.
  void Execute(Progress& progress, bool counts);
  void TakeAsDone(const DeadlyPath& deadly, Progress& progress, bool counts);
  void Probe(const std::vector<DeadlyPath>& deadly, Progress& progress);
  std::string BoundReached(const Progress& progress) const;
  void Rerun(const Judgement& before, bool use, PointResult& result);
  void Report(const Violation& violation, Progress& progress);
  void Cover(Progress& progress);
  const DeadlyPath* FindDeadly(const std::vector<DeadlyPath>& deadly) const;
  uint64_t PathHash() const;

  const Trace& trace_;
  const ExploreSettings& settings_;
  SearchState state_;
  Recovery recovery_;
  std::unique_ptr<CrashCursor> cursor_;
  CrashGraph graph_;
  Choices choices_;
  CrashView view_;
  uint32_t keep_of_256_ = 0;  // of the probe under way
};

}  // namespace plugpull
