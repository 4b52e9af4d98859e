// The lazily exhaustive search of one crash point: runs recoveries, depth-first over the choices
// that they make, until every crash state of the point is covered or a bound is reached.
//
// Everything that it finds is a function of trace, settings and point: no clock, no randomness, no
// order of other work.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "faults/inject/damage.h"
#include "faults/persistence/atom.h"
#include "faults/persistence/choices.h"
#include "faults/persistence/crash_cursor.h"
#include "faults/persistence/crash_graph.h"
#include "faults/persistence/crash_view.h"
#include "faults/persistence/state_count.h"
#include "harness/crash_in_recovery.h"
#include "harness/explore_settings.h"
#include "harness/recovery.h"

namespace plugpull {

// An execution that killed its process. The search takes it as done, with this verdict.
struct DeadlyPath {
  std::vector<Choice> path;
  uint32_t probe = 0;  // the number of the random probe that it was, 0: a step of the search
  // It was giving up after the power had failed in a recovery: no verdict follows.
  bool is_unwinding = false;
  Violation violation;
};

// One violation, as the choices that led to it: what recovery read as kept or lost. Whatever is
// not named does not matter.
struct PointViolation {
  Violation violation;
  std::vector<std::pair<AtomId, bool>> chosen;  // (atom, kept)
  std::vector<RecoveryCut> cuts = {};           // the recoveries that further crashes hit, in order
  uint64_t lost_atoms = 0;  // of the state that loses least, for picking the smallest
  // Where nobody saw what recovery reads: complete states, as choices, that were seen to violate.
  // Then what is not named in `chosen` matters in none that was tried. Empty: it does not matter.
  std::vector<std::vector<std::pair<AtomId, bool>>> seen = {};
};

// What was done about one more crash, in recovery.
struct DepthResult {
  uint64_t crash_points = 0;  // in recoveries
  uint64_t recoveries = 0;    // from there
  bool exhausted = true;      // every state of every one of them is covered
};

struct PointResult {
  size_t position = 0;
  std::string fault;  // the instance beyond the disk's contract that happened; empty: none
  bool fired = true;  // it changed something
  Window window;
  uint64_t recoveries = 0;  // that no further crash hit
  uint64_t probes = 0;      // of them, samples taken at random because the search was getting long
  uint64_t reruns = 0;
  uint64_t uses = 0;
  std::string covered = "0";             // crash states covered, decimal
  std::string total = "0";               // crash states of the point
  bool exact = true;                     // both counts are exact
  bool exhausted = false;                // every state is covered
  std::vector<DepthResult> deeper = {};  // two crashes, three, ...
  std::string bound;  // what ended the search early: "per-class", "recoveries", "stopped"
  std::vector<std::string> unknown;  // why this point says nothing: "nondeterministic: ..."
  std::vector<PointViolation> violations;
  uint64_t violation_count = 0;
  uint64_t without_symptom = 0;  // of these, those that do not show what is searched for
  uint64_t first_violation =
      0;  // the recovery, from 1, that the first one was seen in; 0: not said
};

// What the search shows while it runs. The path and the rest may be in shared memory, so that
// they are there when the process is not.
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

// Recovers on a view in another way than by an engine in this process. As of Recovery.
class ViewJudge {
 public:
  ViewJudge() = default;
  ViewJudge(const ViewJudge&) = delete;
  ViewJudge& operator=(const ViewJudge&) = delete;
  virtual ~ViewJudge() = default;

  virtual Judgement Judge(CrashView& view, Window window) = 0;
  virtual Judgement Use(Judgement judgement) = 0;
  virtual void Drop() = 0;
};

class PointExplorer {
 public:
  // Requires: all arguments outlive the explorer. With a `judge`: the depth of the settings is 1.
  PointExplorer(const Trace& trace, const Target& target, const ReferenceModel& model,
                const ExploreSettings& settings, SearchState state, ViewJudge* judge = nullptr);

  // Explores the crash point at `position`. Positions may be given in any order, but ascending is
  // fastest: the cursor only walks forward.
  PointResult Explore(size_t position, const std::vector<DeadlyPath>& deadly);

  // The same where a disk did damage. If that changed nothing, it did not fire, and nothing is
  // explored.
  PointResult ExploreDamaged(size_t position, const Damage& damage,
                             const std::vector<DeadlyPath>& deadly);
  // What to call with each outcome of a recovery, and how many crashes before hit a recovery.
  using OnOutcome = std::function<void(uint32_t generation, const Judgement& judgement)>;
  void Observe(OnOutcome on_outcome) { on_outcome_ = std::move(on_outcome); }

 private:
  struct Progress;

  // How a recovery ended that the power did not fail in, and after how many that it did.
  struct Outcome {
    Judgement judgement;
    uint32_t generation = 0;
  };

  Judgement JudgeOn(CrashView& view, Window window) {
    return judge_ != nullptr ? judge_->Judge(view, window) : recovery_.Judge(view, window);
  }
  Judgement UseOn(CrashView& view, Judgement judgement) {
    return judge_ != nullptr ? judge_->Use(std::move(judgement))
                             : recovery_.Use(view, std::move(judgement));
  }
  void DropStore() {
    if (judge_ != nullptr) judge_->Drop();
    recovery_.Drop();
  }
  void MoveTo(size_t position);
  void Advance(std::unique_ptr<CrashCursor>& cursor, size_t position);
  PointResult Search(const std::vector<DeadlyPath>& deadly);
  CrashView& ViewOf(uint32_t generation) {
    return generation == 0 ? view_ : further_[generation - 1]->view();
  }
  CrashGraph& GraphOf(uint32_t generation) {
    return generation == 0 ? graph_ : further_[generation - 1]->graph();
  }
  // Recovers, again where the power fails, along the path. `most`: of recoveries that are cut.
  Outcome Recover(Progress& progress, uint32_t most);
  void EnterCrash(uint32_t generation, Progress& progress);
  // Leaves the crashes that `path` does not lead to.
  void LeaveCrashes(Progress& progress, std::span<const Choice> path);
  // Returns: how many states of all crashes agree with what is decided; 0: that is not known.
  StateCount CountStates(uint32_t generation, Progress& progress);
  void CountRecovery(uint32_t generation, Progress& progress);
  bool Advance(Progress& progress);
  void TryToConverge(Progress& progress);
  std::vector<RecoveryCut> Cuts(uint32_t generation, uint64_t& lost_atoms);
  // Runs one recovery on the path so far. `counts`: what it covers is added up.
  void Execute(Progress& progress, bool counts);
  void TakeAsDone(const DeadlyPath& deadly, Progress& progress, bool counts);
  void Probe(const std::vector<DeadlyPath>& deadly, Progress& progress);
  std::string BoundReached(const Progress& progress) const;
  void Rerun(const Judgement& before, bool use, Progress& progress);
  void Report(const Violation& violation, uint32_t generation, Progress& progress);
  void Cover(uint32_t generation, Progress& progress);
  const DeadlyPath* FindDeadly(const std::vector<DeadlyPath>& deadly) const;
  uint64_t PathHash() const;

  const Trace& trace_;
  const Target& target_;
  const ExploreSettings& settings_;
  SearchState state_;
  std::optional<Symptom> symptom_;  // that is searched for
  ViewJudge* judge_;                // null: recovery_ judges
  Recovery recovery_;
  std::unique_ptr<CrashCursor> cursor_;
  std::unique_ptr<CrashCursor> honest_;  // stands where syncs begin to lie
  CrashGraph graph_;
  Choices choices_;
  CrashView view_;
  std::vector<RecoveryLog> logs_;                          // of the recovery from each crash
  std::vector<std::unique_ptr<CrashInRecovery>> further_;  // [0] is the second crash
  OnOutcome on_outcome_;
  uint32_t keep_of_256_ = 0;  // of the probe under way
};

}  // namespace plugpull
