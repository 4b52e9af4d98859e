#include "harness/point_explorer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "faults/base/assert.h"
#include "faults/base/random.h"
#include "harness/error_run.h"
#include "harness/point_progress.h"
#include "workloads/workload.h"

namespace plugpull {
namespace {

// When the search of a point gets long, this many random states are tried first: depth-first
// search changes the last choices first, and may wade through harmless states for hours while most
// states are broken.
constexpr uint64_t kProbeAfter = 64;
constexpr uint32_t kProbes = 24;

// One execution in this many is run twice to see whether it is deterministic.
constexpr uint64_t kRerunShare = 32;
// And the first execution of one point in this many, since most points have few.
constexpr uint64_t kRerunPointShare = 8;

// A recovery that wrote is followed by use, the first of each kind at each point. Of the others,
// which leave the store as the crash left it, the first of each kind at one point in
// kQuietUseShare; and of all executions one in kUseShare.
constexpr uint64_t kQuietUseShare = 4;
constexpr uint64_t kUseShare = 16;

}  // namespace

uint64_t MonotonicNanoseconds() {
  return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

PointExplorer::PointExplorer(const Trace& trace, const Target& target, const ReferenceModel& model,
                             const ExploreSettings& settings, SearchState state, ViewJudge* judge)
    : trace_(trace),
      target_(target),
      settings_(settings),
      state_(state),
      judge_(judge),
      recovery_(target, model, settings.promise, UseAfterRecovery(settings.seed, settings.keys),
                *state.phase, settings.readers > 0),
      choices_(state.path, *state.path_length),
      view_(graph_, choices_),
      logs_(settings.depth) {
  recovery_.LookFor(settings.symptom);
  if (!settings.symptom.empty()) symptom_ = Symptom::Parse(settings.symptom).value();
  view_.OnDeath([this] { recovery_.NoticeDeath(); });
  LazyDisk* below = &view_.disk();
  for (uint32_t crashes = 2; crashes <= settings.depth; ++crashes) {
    further_.push_back(
        std::make_unique<CrashInRecovery>(*settings.model, settings.tear, choices_, *below));
    further_.back()->view().OnDeath([this] { recovery_.NoticeDeath(); });
    below = &further_.back()->view().disk();
  }
}

void PointExplorer::Advance(std::unique_ptr<CrashCursor>& cursor, size_t position) {
  if (cursor == nullptr || cursor->position() > position || &cursor->model() != settings_.model) {
    cursor = std::make_unique<CrashCursor>(trace_, *settings_.model, settings_.tear);
  }
  cursor->AdvanceTo(position);
}

void PointExplorer::MoveTo(size_t position) {
  if (cursor_ != nullptr && cursor_->is_lying()) cursor_.reset();
  Advance(cursor_, position);
}

PointResult PointExplorer::Explore(size_t position, const std::vector<DeadlyPath>& deadly) {
  MoveTo(position);
  graph_.Build(*cursor_, EffectiveTear(*settings_.model, settings_.tear));
  return Search(deadly);
}

PointResult PointExplorer::ExploreDamaged(size_t position, const Damage& damage,
                                          const std::vector<DeadlyPath>& deadly) {
  bool fired = true;
  if (damage.lies_from) {
    const size_t from = std::min(*damage.lies_from, position);
    Advance(honest_, from);
    cursor_ = std::make_unique<CrashCursor>(*honest_);
    cursor_->LieFromNowOn();
    cursor_->AdvanceTo(position);
    fired = cursor_->lies() > 0;
  } else {
    MoveTo(position);
  }
  fired = cursor_->Damage(damage.patches) && fired;
  PointResult result;
  if (fired) {
    graph_.Build(*cursor_, EffectiveTear(*settings_.model, settings_.tear));
    const auto is_cut = [](const Atom& atom) {
      return atom.id.kind == AtomKind::kData && atom.id.index > 0;
    };
    if (damage.cuts_sectors) {
      fired = IsSubSector(graph_.tear()) && std::ranges::any_of(graph_.atoms(), is_cut);
    }
  }
  if (fired) {
    result = Search(deadly);
  } else {
    result.position = position;
    result.exhausted = true;
  }
  result.fired = fired;
  cursor_->Repair();
  return result;
}

// Searches the point that the graph was built for.
PointResult PointExplorer::Search(const std::vector<DeadlyPath>& deadly) {
  Progress progress(graph_);
  PointResult& result = progress.result;
  result.position = cursor_->position();
  result.window = {cursor_->transactions_acknowledged(), cursor_->transactions_attempted(),
                   AcknowledgedAfterFailure(trace_, cursor_->position())};
  result.deeper.resize(further_.size());
  *state_.path_length = 0;
  *state_.probe = 0;
  bool probed = false;
  while (true) {
    if (const DeadlyPath* known = FindDeadly(deadly)) {
      TakeAsDone(*known, progress, /*counts=*/true);
    } else {
      Execute(progress, /*counts=*/true);
    }
    if (!result.unknown.empty()) break;
    if (!Advance(progress)) {
      result.exhausted = true;
      break;
    }
    if (result.recoveries == kProbeAfter && !probed) {
      Probe(deadly, progress);
      probed = true;
    }
    result.bound = BoundReached(progress);
    if (!result.bound.empty() || !result.unknown.empty()) break;
  }
  LeaveCrashes(progress, {});
  DropStore();
  graph_.constraints().Undo(0);
  result.covered = progress.covered.str();
  result.total = progress.counter.total().str();
  result.exact = progress.counter.exact();
  if (result.exhausted && result.exact) {
    // The proof that nothing was skipped: the executions add up to all states of the point.
    Assert(progress.covered == progress.counter.total(),
           "the crash states covered by a finished search add up to the total");
  }
  return result;
}

std::string PointExplorer::BoundReached(const Progress& progress) const {
  const PointResult& result = progress.result;
  const uint64_t quiet = result.recoveries - progress.quiet_since;
  if (progress.deadly_full || (progress.full && quiet >= settings_.patience)) return "per-class";
  const uint64_t most = settings_.recoveries_per_point;
  if (most != 0 && result.recoveries + progress.deep_recoveries >= most) return "recoveries";
  if (state_.stop != nullptr && *state_.stop) return "stopped";
  return "";
}

// Samples states of the point at random, then puts the search back where it was. A sample finds
// violations, but says nothing about coverage.
void PointExplorer::Probe(const std::vector<DeadlyPath>& deadly, Progress& progress) {
  // Most kept, most lost, and between.
  constexpr std::array<uint32_t, 4> kKeepOf256 = {128, 32, 224, 0};
  const std::vector<Choice> path(choices_.path().begin(), choices_.path().end());
  for (uint32_t probe = 1; probe <= kProbes && progress.result.unknown.empty(); ++probe) {
    *state_.path_length = 0;
    *state_.probe = probe;
    const auto known = std::ranges::find(deadly, probe, &DeadlyPath::probe);
    if (known != deadly.end()) {
      TakeAsDone(*known, progress, /*counts=*/false);
    } else {
      keep_of_256_ = kKeepOf256[probe % kKeepOf256.size()];
      Execute(progress, /*counts=*/false);
    }
    ++progress.result.probes;
    LeaveCrashes(progress, {});
  }
  *state_.probe = 0;
  std::ranges::copy(path, state_.path.begin());
  *state_.path_length = static_cast<uint32_t>(path.size());
}

// Adds the states that agree with the choices of the last execution. Where counts are bounds only,
// each execution stands for one state at least.
void PointExplorer::Cover(uint32_t generation, Progress& progress) {
  if (generation > 0) {
    further_[generation - 1]->Cover(CountStates(generation, progress));
    return;
  }
  progress.covered += progress.counter.exact() ? progress.counter.CountAgreeing() : StateCount(1);
}

const DeadlyPath* PointExplorer::FindDeadly(const std::vector<DeadlyPath>& deadly) const {
  const std::span<const Choice> path = choices_.path();
  for (const DeadlyPath& candidate : deadly) {
    if (candidate.probe != 0 || candidate.path.size() < path.size()) continue;
    const auto same = [](const Choice& left, const Choice& right) {
      return left.variable == right.variable && left.keep == right.keep;
    };
    const auto rest = candidate.path.begin() + static_cast<ptrdiff_t>(path.size());
    const bool begins_alike =
        std::equal(path.begin(), path.end(), candidate.path.begin(), rest, same);
    // Beyond the path so far, an execution takes the first possible value of each choice.
    const bool then_first = std::all_of(rest, candidate.path.end(), [](const Choice& choice) {
      return choice.other != Alternative::kTaken;
    });
    if (begins_alike && then_first) return &candidate;
  }
  return nullptr;
}

void PointExplorer::TakeAsDone(const DeadlyPath& deadly, Progress& progress, bool counts) {
  PointResult& result = progress.result;
  if (deadly.is_unwinding) {
    result.unknown.push_back(deadly.violation.message);
    return;
  }
  DropStore();
  view_.Restart();
  const size_t known = *state_.path_length;
  uint32_t cuts = 0;
  for (size_t i = 0; i < deadly.path.size(); ++i) {
    if (i >= known) state_.path[i] = deadly.path[i];
    if (IsPowerQuestion(deadly.path[i].variable) && !deadly.path[i].keep) ++cuts;
  }
  *state_.path_length = static_cast<uint32_t>(deadly.path.size());
  // What a crash in recovery leaves is known once the recovery has been run up to there: that far,
  // it did not die.
  if (cuts > 0 && Recover(progress, cuts).generation != cuts) {
    result.unknown.emplace_back(
        "nondeterministic: a recovery that was cut short went on when it was run again");
    return;
  }
  for (size_t i = choices_.taken().size(); i < deadly.path.size(); ++i) {
    const Choice& choice = state_.path[i];
    if (IsPowerQuestion(choice.variable)) continue;
    Constraints& constraints = GraphOf(GenerationOf(choice.variable)).constraints();
    Assert(constraints.Decide(VariableIn(choice.variable), choice.keep),
           "a deadly path stays possible");
  }
  CountRecovery(cuts, progress);
  if (counts) Cover(cuts, progress);
  Report(deadly.violation, cuts, progress);
  const auto kind = static_cast<size_t>(deadly.violation.violation);
  uint64_t seen = cuts == 0 ? progress.seen[kind] : progress.deep_seen[kind];
  seen += progress.result.without_symptom;  // deaths take time, whatever they show
  bool& full = cuts == 0 ? progress.deadly_full : progress.deep_closed;
  full = full || seen >= settings_.per_class;
}

void PointExplorer::CountRecovery(uint32_t generation, Progress& progress) {
  if (generation == 0) {
    ++progress.result.recoveries;
  } else {
    ++progress.deep_recoveries;
    ++progress.result.deeper[generation - 1].recoveries;
  }
}

void PointExplorer::Execute(Progress& progress, bool counts) {
  PointResult& result = progress.result;
  DropStore();
  view_.Restart();
  const uint32_t probe = *state_.probe;
  if (probe != 0) choices_.Randomise(Mix64(result.position) + probe, keep_of_256_);
  auto [judgement, generation] = Recover(progress, kMostGenerations);
  CrashView& view = ViewOf(generation);
  const uint64_t hash = PathHash();
  bool used = false;
  if (!judgement.violation && judgement.known_state) {
    bool worth_it = false;
    if (generation == 0) {
      const bool first_of_kind =
          progress.used.emplace(judgement.recovered_transaction, view.modified()).second;
      worth_it = first_of_kind && (view.modified() || Mix64(result.position) % kQuietUseShare == 0);
    }
    // What is left of the path are choices that the store's use made the last time around.
    used = worth_it || hash % kUseShare == 0 || choices_.path_left();
    if (used) judgement = UseOn(view, std::move(judgement));
    if (used) ++result.uses;
  }
  choices_.Finish();
  const bool is_whole = !judgement.violation && generation == 0 && view.modified();
  if (choices_.diverged()) {
    result.unknown.emplace_back(
        "nondeterministic: recovery asked for other bytes of the same image");
  } else if (choices_.overflowed()) {
    result.unknown.emplace_back("one recovery made more choices than a path can hold");
  } else {
    CountRecovery(generation, progress);
    if (state_.recoveries != nullptr) ++*state_.recoveries;
    if (counts) Cover(generation, progress);
    if (judgement.violation) Report(*judgement.violation, generation, progress);
    if (is_whole && counts) TryToConverge(progress);
    const bool first_of_some =
        result.recoveries == 1 && generation == 0 && Mix64(result.position) % kRerunPointShare == 1;
    if (first_of_some || hash % kRerunShare == 1) Rerun(judgement, used, progress);
  }
  if (state_.started_ns != nullptr) *state_.started_ns = 0;
}

void PointExplorer::Rerun(const Judgement& before, bool use, Progress& progress) {
  PointResult& result = progress.result;
  ++result.reruns;
  const size_t length = choices_.path().size();
  DropStore();
  view_.Restart();
  auto [again, generation] = Recover(progress, kMostGenerations);
  if (use && !again.violation && again.known_state) {
    again = UseOn(ViewOf(generation), std::move(again));
  }
  choices_.Finish();
  if (again != before || choices_.diverged() || choices_.path().size() != length) {
    result.unknown.emplace_back(
        "nondeterministic: recovering the same image twice gave different outcomes");
  }
}

void PointExplorer::Report(const Violation& violation, uint32_t generation, Progress& progress) {
  PointResult& result = progress.result;
  ++result.violation_count;
  if (result.violation_count == 1) {
    result.first_violation = result.recoveries + progress.deep_recoveries;
  }
  if (symptom_ && !symptom_->Matches(violation.message)) {
    ++result.without_symptom;
    return;
  }
  const auto kind = static_cast<size_t>(violation.violation);
  if (generation == 0) {
    const uint64_t seen = ++progress.seen[kind];
    if (seen == 1) progress.quiet_since = result.recoveries;
    if (seen >= settings_.per_class) progress.full = true;
    // A program that dies or hangs has to be started again, which takes time: no patience then.
    const bool is_death = violation.violation == ViolationClass::kCrashOnOpen ||
                          violation.violation == ViolationClass::kHangOnOpen;
    if (judge_ != nullptr && is_death && progress.full) progress.deadly_full = true;
    if (seen > settings_.per_class) return;
  } else {
    const uint64_t seen = ++progress.deep_seen[kind];
    if (seen == 1) progress.deep_quiet_since = progress.deep_recoveries;
    if (seen >= settings_.per_class) progress.deep_full = true;
    if (seen > settings_.per_class) return;
  }
  PointViolation found{.violation = violation, .chosen = {}, .lost_atoms = 0};
  Constraints& constraints = graph_.constraints();
  for (const Choice& choice : choices_.path()) {
    if (choice.variable >= FirstVariable(1) || IsPowerQuestion(choice.variable)) continue;
    const auto atom = std::ranges::find(graph_.atoms(), choice.variable, &Atom::variable);
    found.chosen.emplace_back(atom->id, choice.keep);
  }
  const size_t mark = constraints.Mark();
  constraints.KeepTheRest();
  for (const Atom& atom : graph_.atoms()) {
    if (constraints.fate(atom.variable) == Fate::kLost) ++found.lost_atoms;
  }
  if (generation > 0) found.cuts = Cuts(generation, found.lost_atoms);
  constraints.Undo(mark);
  result.violations.push_back(std::move(found));
}

uint64_t PointExplorer::PathHash() const {
  uint64_t hash = Mix64(cursor_->position());
  for (const Choice& choice : choices_.path()) {
    hash = Mix64(hash ^ (uint64_t{choice.variable} << 1 | (choice.keep ? 1U : 0U)));
  }
  return hash;
}

}  // namespace plugpull
