#include "harness/point_explorer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <set>

#include "faults/base/assert.h"
#include "faults/base/random.h"
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

struct PointExplorer::Progress {
  PointResult result;
  StateCounter counter;
  StateCount covered = 0;
  std::array<uint64_t, static_cast<size_t>(kLastViolationClass) + 1> seen{};
  uint64_t quiet_since = 0;  // recoveries when the last new class was seen
  bool full = false;         // some class has reached its cap
  bool deadly_full = false;
  std::set<std::pair<uint32_t, bool>> used;  // (recovered transaction, recovery wrote)

  explicit Progress(CrashGraph& graph) : counter(graph) {}
};

PointExplorer::PointExplorer(const Trace& trace, const Target& target, const ReferenceModel& model,
                             const ExploreSettings& settings, SearchState state)
    : trace_(trace),
      settings_(settings),
      state_(state),
      recovery_(target, model, settings.promise, UseAfterRecovery(settings.seed, settings.keys),
                *state.phase),
      choices_(state.path, *state.path_length),
      view_(graph_, choices_) {}

void PointExplorer::MoveTo(size_t position) {
  if (cursor_ == nullptr || cursor_->position() > position ||
      &cursor_->model() != settings_.model) {
    cursor_ = std::make_unique<CrashCursor>(trace_, *settings_.model, settings_.tear);
  }
  cursor_->AdvanceTo(position);
  graph_.Build(*cursor_, EffectiveTear(*settings_.model, settings_.tear));
}

PointResult PointExplorer::Explore(size_t position, const std::vector<DeadlyPath>& deadly) {
  MoveTo(position);
  Progress progress(graph_);
  PointResult& result = progress.result;
  result.position = position;
  result.window = {cursor_->transactions_acknowledged(), cursor_->transactions_attempted()};
  *state_.path_length = 0;
  *state_.probe = 0;
  while (true) {
    if (const DeadlyPath* known = FindDeadly(deadly)) {
      TakeAsDone(*known, progress, /*counts=*/true);
    } else {
      Execute(progress, /*counts=*/true);
    }
    if (!result.unknown.empty()) break;
    if (!choices_.Advance()) {
      result.exhausted = true;
      break;
    }
    if (result.recoveries == kProbeAfter) Probe(deadly, progress);
    result.bound = BoundReached(progress);
    if (!result.bound.empty() || !result.unknown.empty()) break;
  }
  recovery_.Drop();
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
  if (most != 0 && result.recoveries >= most) return "recoveries";
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
  }
  *state_.probe = 0;
  std::ranges::copy(path, state_.path.begin());
  *state_.path_length = static_cast<uint32_t>(path.size());
}

// Adds the states that agree with the choices of the last execution. Where counts are bounds only,
// each execution stands for one state at least.
void PointExplorer::Cover(Progress& progress) {
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
  recovery_.Drop();
  view_.Restart();
  const size_t known = *state_.path_length;
  for (size_t i = 0; i < deadly.path.size(); ++i) {
    if (i >= known) state_.path[i] = deadly.path[i];
    const Choice& choice = state_.path[i];
    Assert(graph_.constraints().Decide(choice.variable, choice.keep),
           "a deadly path stays possible");
  }
  *state_.path_length = static_cast<uint32_t>(deadly.path.size());
  ++progress.result.recoveries;
  if (counts) Cover(progress);
  Report(deadly.violation, progress);
  const auto seen = progress.seen[static_cast<size_t>(deadly.violation.violation)];
  progress.deadly_full = progress.deadly_full || seen >= settings_.per_class;
}

void PointExplorer::Execute(Progress& progress, bool counts) {
  PointResult& result = progress.result;
  if (state_.started_ns != nullptr) *state_.started_ns = MonotonicNanoseconds();
  recovery_.Drop();
  view_.Restart();
  const uint32_t probe = *state_.probe;
  if (probe != 0) choices_.Randomise(Mix64(result.position) + probe, keep_of_256_);
  Judgement judgement = recovery_.Judge(view_, result.window);
  const uint64_t hash = PathHash();
  bool used = false;
  if (!judgement.violation && judgement.known_state) {
    const bool worth_it = view_.modified() || Mix64(result.position) % kQuietUseShare == 0;
    const bool first_of_kind =
        progress.used.emplace(judgement.recovered_transaction, view_.modified()).second;
    // What is left of the path are choices that the store's use made the last time around.
    used = (worth_it && first_of_kind) || hash % kUseShare == 0 || choices_.path_left();
    if (used) judgement = recovery_.Use(view_, std::move(judgement));
    if (used) ++result.uses;
  }
  choices_.Finish();
  if (choices_.diverged()) {
    result.unknown.emplace_back(
        "nondeterministic: recovery asked for other bytes of the same image");
  } else if (choices_.overflowed()) {
    result.unknown.emplace_back("one recovery made more choices than a path can hold");
  } else {
    ++result.recoveries;
    if (state_.recoveries != nullptr) ++*state_.recoveries;
    if (counts) Cover(progress);
    if (judgement.violation) Report(*judgement.violation, progress);
    const bool first_of_some =
        result.recoveries == 1 && Mix64(result.position) % kRerunPointShare == 1;
    if (first_of_some || hash % kRerunShare == 1) Rerun(judgement, used, result);
  }
  if (state_.started_ns != nullptr) *state_.started_ns = 0;
}

void PointExplorer::Rerun(const Judgement& before, bool use, PointResult& result) {
  ++result.reruns;
  const size_t length = choices_.path().size();
  recovery_.Drop();
  view_.Restart();
  Judgement again = recovery_.Judge(view_, result.window);
  if (use && !again.violation && again.known_state) {
    again = recovery_.Use(view_, std::move(again));
  }
  choices_.Finish();
  if (again != before || choices_.diverged() || choices_.path().size() != length) {
    result.unknown.emplace_back(
        "nondeterministic: recovering the same image twice gave different outcomes");
  }
}

void PointExplorer::Report(const Violation& violation, Progress& progress) {
  PointResult& result = progress.result;
  ++result.violation_count;
  uint64_t& seen = progress.seen[static_cast<size_t>(violation.violation)];
  ++seen;
  if (seen == 1) progress.quiet_since = result.recoveries;
  if (seen >= settings_.per_class) progress.full = true;
  if (seen > settings_.per_class) return;
  PointViolation found{.violation = violation, .chosen = {}, .lost_atoms = 0};
  Constraints& constraints = graph_.constraints();
  for (const Choice& choice : choices_.path()) {
    const auto atom = std::ranges::find(graph_.atoms(), choice.variable, &Atom::variable);
    found.chosen.emplace_back(atom->id, choice.keep);
  }
  const size_t mark = constraints.Mark();
  constraints.KeepTheRest();
  for (const Atom& atom : graph_.atoms()) {
    if (constraints.fate(atom.variable) == Fate::kLost) ++found.lost_atoms;
  }
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
