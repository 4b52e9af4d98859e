// Crashes in recovery, as PointExplorer searches them: whether the power fails in a recovery is one
// more choice on the path, so that everything else about paths holds for it too.
#include <algorithm>

#include "faults/base/random.h"
#include "faults/persistence/materialise.h"
#include "harness/convergence.h"
#include "harness/point_explorer.h"
#include "harness/point_progress.h"

namespace plugpull {
namespace {

// Of the points with a recovery that writes, one in this many is watched for whether it converges.
constexpr uint64_t kConvergencePointShare = 4;

}  // namespace

PointExplorer::Outcome PointExplorer::Recover(Progress& progress, uint32_t most) {
  Outcome outcome;
  while (outcome.generation < most) {
    if (state_.started_ns != nullptr) *state_.started_ns = MonotonicNanoseconds();
    CrashView& view = ViewOf(outcome.generation);
    const bool is_watched = outcome.generation < further_.size();
    if (is_watched) view.Watch(logs_[outcome.generation]);
    outcome.judgement = JudgeOn(view, progress.result.window);
    bool is_dead = view.is_dead();
    if (is_watched && !outcome.judgement.violation) is_dead = view.PowerFails();
    view.StopWatching();
    if (!is_dead) {
      if (on_outcome_) on_outcome_(outcome.generation, outcome.judgement);
      break;
    }
    DropStore();
    outcome.judgement = Judgement();
    ++outcome.generation;
    EnterCrash(outcome.generation, progress);
  }
  return outcome;
}

void PointExplorer::EnterCrash(uint32_t generation, Progress& progress) {
  CrashInRecovery& crash = *further_[generation - 1];
  if (crash.IsOn(choices_.taken())) {
    crash.Reenter();
    return;
  }
  if (crash.is_open()) crash.Leave(/*finished=*/false);  // the execution has left its path
  crash.Enter(logs_[generation - 1], choices_.taken(), CountStates(generation - 1, progress));
  if (*state_.probe == 0) ++progress.result.deeper[generation - 1].crash_points;
}

void PointExplorer::LeaveCrashes(Progress& progress, std::span<const Choice> path) {
  const bool is_probe = *state_.probe != 0;
  const bool finished = !is_probe && (progress.result.exhausted || !path.empty());
  for (size_t i = further_.size(); i-- > 0;) {
    CrashInRecovery& crash = *further_[i];
    if (!crash.is_open() || crash.IsOn(path)) continue;
    crash.Leave(finished);
    if (!finished && !is_probe) progress.result.deeper[i].exhausted = false;
  }
}

StateCount PointExplorer::CountStates(uint32_t generation, Progress& progress) {
  if (!progress.counter.exact()) return 0;
  StateCount count = progress.counter.CountAgreeing();
  for (uint32_t i = 0; i < generation; ++i) {
    if (!further_[i]->counter().exact()) return 0;
    count *= further_[i]->counter().CountAgreeing();
  }
  return count;
}

// Looks at one state of some points whose recovery writes.
void PointExplorer::TryToConverge(Progress& progress) {
  const bool counts =
      settings_.depth > 1 && BrokenPromise(ViolationClass::kNeverConverges) <= settings_.promise;
  if (!counts || progress.tried_to_converge) return;
  if (Mix64(cursor_->position()) % kConvergencePointShare != 0) return;
  progress.tried_to_converge = true;
  DropStore();
  if (state_.started_ns != nullptr) *state_.started_ns = MonotonicNanoseconds();
  Constraints& constraints = graph_.constraints();
  const size_t mark = constraints.Mark();
  constraints.KeepTheRest();
  const auto lost =
      graph_.Lost([&](VariableId variable) { return constraints.fate(variable) == Fate::kKept; });
  constraints.Undo(mark);
  const Image image = Materialise(trace_, cursor_->position(), lost, graph_.tear());
  const std::optional<Violation> violation = CheckConvergence(image, target_);
  if (violation) Report(*violation, 0, progress);
}

// Moves on to the next execution, and out of the crashes that have taken too long.
bool PointExplorer::Advance(Progress& progress) {
  PointResult& result = progress.result;
  const uint64_t quiet = progress.deep_recoveries - progress.deep_quiet_since;
  // Where one crash is enough to break the store, two teach little.
  if (!progress.full) progress.deep_before_full = progress.deep_recoveries;
  const uint64_t since_full = progress.deep_recoveries - progress.deep_before_full;
  if ((progress.full && since_full >= settings_.patience) ||
      (progress.deep_full && quiet >= settings_.patience) ||
      progress.deep_recoveries >= kMostDeepRecoveriesPerPoint) {
    progress.deep_closed = true;
  }
  for (size_t i = 0; i < further_.size(); ++i) {
    CrashInRecovery& crash = *further_[i];
    if (!crash.is_open()) continue;
    if (!progress.deep_closed && crash.recoveries() < kMostRecoveriesPerCut) continue;
    choices_.Leave(static_cast<uint32_t>(crash.path_length()));
    for (size_t later = i; later < further_.size(); ++later) {
      if (further_[later]->is_open()) further_[later]->Leave(/*finished=*/false);
      result.deeper[later].exhausted = false;
    }
    break;
  }
  while (choices_.Advance()) {
    const Choice& last = choices_.path().back();
    if (progress.deep_closed && IsPowerQuestion(last.variable)) {
      result.deeper[GenerationOf(last.variable)].exhausted = false;
      continue;
    }
    LeaveCrashes(progress, choices_.path());
    return true;
  }
  result.exhausted = true;
  return false;
}

// The recoveries of the last execution that the power failed in, each as a trace of its own.
// Requires: everything about the first crash is decided.
std::vector<RecoveryCut> PointExplorer::Cuts(uint32_t generation, uint64_t& lost_atoms) {
  const auto lost_of = [](const CrashGraph& graph) {
    return graph.Lost(
        [&](VariableId variable) { return graph.constraints().fate(variable) == Fate::kKept; });
  };
  Image image = Materialise(trace_, cursor_->position(), lost_of(graph_), graph_.tear());
  std::vector<RecoveryCut> cuts;
  for (uint32_t i = 0; i < generation; ++i) {
    CrashGraph& graph = further_[i]->graph();
    RecoveryCut cut = further_[i]->CutOn(image, choices_.path());
    const size_t mark = graph.constraints().Mark();
    graph.constraints().KeepTheRest();
    std::vector<AtomId> lost = lost_of(graph);
    graph.constraints().Undo(mark);
    lost_atoms += lost.size();
    for (AtomId& atom : lost) atom.op += static_cast<uint32_t>(cut.begin);
    image = Materialise(cut.trace, cut.trace.ops.size(), lost, graph.tear());
    cuts.push_back(std::move(cut));
  }
  return cuts;
}

}  // namespace plugpull
