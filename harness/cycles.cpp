#include "harness/cycles.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "harness/carry.h"
#include "harness/case_file.h"
#include "harness/cycle_merge.h"
#include "harness/findings.h"
#include "harness/recovery_pool.h"
#include "harness/user_program.h"

namespace plugpull {
namespace {

// After this many random crash states that recovery did not hold on, the run ends.
constexpr int kMostPicks = 24;

constexpr const char* kSampled = "cycles: one crash state carried on each";

// More of the workload: what it would ask for after the transactions that are there.
std::vector<Transaction> NextStretch(const RecordSettings& recorded, uint32_t cycle,
                                     uint32_t recovered) {
  const Workload* workload = FindWorkload(recorded.workload);
  WorkloadOptions options = recorded.options;
  options.seed = Mix64(options.seed ^ Mix64(cycle));
  options.transactions += recovered;
  std::vector<Transaction> all = workload->generate(options);
  all.erase(all.begin(), all.begin() + recovered);
  return all;
}

// A crash state to go on from, and what recovery showed on it.
struct Carried {
  CrashPick pick;
  uint32_t recovered = 0;
};

class Chain {
 public:
  Chain(const RecordSettings& recorded, const Target& target, const Trace& trace,
        const ExploreOptions& options, const OnProgress& on_progress)
      : recorded_(recorded),
        target_(target),
        trace_(trace),
        options_(options),
        on_progress_(on_progress),
        started_(std::chrono::steady_clock::now()) {}

  Expected<Result> Run() {
    Expected<Result> first = ExploreTrace(trace_);
    if (!first) return first;
    all_ = std::move(*first);
    last_findings_ = all_.findings;
    AddBound(kSampled, all_);
    const Coverage& coverage = all_.coverage;
    all_.coverage.cycles.push_back({.cycle = 1,
                                    .transactions = trace_.transactions.size(),
                                    .crash_points = coverage.crash_points,
                                    .recoveries = coverage.recoveries,
                                    .states = coverage.states,
                                    .mode = coverage.mode});
    for (cycle_ = 2; cycle_ <= options_.cycles && MayGoOn(); ++cycle_) {
      const Expected<bool> gone_on = GoOn();
      if (!gone_on) return std::unexpected(gone_on.error());
      if (!*gone_on) break;
    }
    Conclude(all_);
    all_.elapsed_s = Elapsed();
    return std::move(all_);
  }

 private:
  double Elapsed() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  }

  std::optional<std::chrono::milliseconds> BudgetLeft() const {
    if (!options_.budget) return std::nullopt;
    const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - started_);
    return std::max(*options_.budget - spent, std::chrono::milliseconds(0));
  }

  bool MayGoOn() {
    const auto left = BudgetLeft();
    if (left && left->count() == 0) AddBound("budget", all_);
    if (!on_progress_(before_)) all_.interrupted = true;
    if (all_.interrupted) AddBound("signal", all_);
    return !all_.interrupted && !(left && left->count() == 0);
  }

  // Explores the crashes of the cycle in hand. Progress goes on from where the cycles before it
  // came to.
  Expected<Result> ExploreTrace(const Trace& trace) {
    ExploreOptions options = options_;
    options.budget = BudgetLeft();
    for (const Finding& finding : all_.findings) options.known_signatures.insert(finding.signature);
    ExploreProgress now = before_;
    Expected<Result> result = Explore(trace, options, [&](const ExploreProgress& progress) {
      now = before_;
      now.points_done += progress.points_done;
      now.points += progress.points;
      now.recoveries += progress.recoveries;
      now.elapsed_s = Elapsed();
      for (const auto& [violation, count] : progress.violations) now.violations[violation] += count;
      return on_progress_(now);
    });
    before_ = now;
    return result;
  }

  // Returns: false when the run cannot go on.
  Expected<bool> GoOn() {
    const Expected<std::optional<Carried>> carried = PickHeld();
    if (!carried) return std::unexpected(carried.error());
    if (!*carried) {
      AddBound(fmt::format("cycles: no crash state of cycle {} to go on from", cycle_ - 1), all_);
      return false;
    }
    const Trace start = Start(**carried);
    const Expected<std::optional<Violation>> violation = JudgeUse(start, (*carried)->recovered);
    if (!violation) return std::unexpected(violation.error());
    if (*violation) return EndInUse(**carried, start, **violation);
    Expected<Trace> next = Continue(recorded_.target, start);
    if (!next) {
      // It could be used a moment ago, unless nobody asked.
      if (options_.settings.promise == Promise::kOpens) {
        AddBound(UnusableBound(), all_);
      } else {
        AddUnknown("nondeterministic: " + Describe(next.error()), all_);
      }
      return false;
    }
    const ChainLabels labels_before = labels_;
    AddCrash((*carried)->pick);
    Expected<Result> result = ExploreTrace(*next);
    if (!result) return std::unexpected(result.error());
    if (std::ranges::any_of(result->findings, [this](const Finding& f) { return IsNew(f); })) {
      const Expected<void> tried = TryWeakerCrash(**carried, labels_before);
      if (!tried) return std::unexpected(tried.error());
    }
    trace_ = std::move(*next);
    last_findings_ = result->findings;
    MergeCycle(*result, EntryOf(**carried), labels_, all_);
    return true;
  }

  bool IsNew(const Finding& finding) const {
    return std::ranges::find(all_.findings, finding.signature, &Finding::signature) ==
           all_.findings.end();
  }

  // A finding names the weakest fault that reaches it. So where something is found in a cycle, that
  // is explored after a crash that loses nothing, too: what is found there as well does not need
  // the crash that was picked. Counts as no coverage.
  Expected<void> TryWeakerCrash(const Carried& carried, ChainLabels labels) {
    Carried weaker{.pick = LoseNothing(trace_, options_.settings, carried.pick)};
    if (weaker.pick.lost == carried.pick.lost) return {};
    const Expected<std::optional<uint32_t>> recovered = Recover(weaker.pick);
    if (!recovered) return std::unexpected(recovered.error());
    if (!*recovered) return {};
    weaker.recovered = **recovered;
    // A store that cannot be used on says nothing more.
    const Expected<Trace> next = Continue(recorded_.target, Start(weaker));
    if (!next) return {};
    const Expected<Result> result = ExploreTrace(*next);
    if (!result) return std::unexpected(result.error());
    all_.interrupted = all_.interrupted || result->interrupted;
    StateInspector inspector(trace_, *target_.type);
    labels.Add(inspector, weaker.pick.state, *options_.settings.model);
    for (Finding finding : result->findings) {
      finding.cycle = cycle_;
      labels.Apply(finding);
      MergeFinding(std::move(finding), all_);
    }
    return {};
  }

  std::string UnusableBound() const {
    return fmt::format("cycles: the store could not be used on in cycle {}", cycle_);
  }

  CycleCoverage EntryOf(const Carried& carried) const {
    CycleCoverage entry;
    entry.cycle = cycle_;
    entry.crash_point = carried.pick.state.position;
    entry.lost_atoms = carried.pick.lost.size();
    entry.recovered_transaction = carried.recovered;
    entry.transactions = recorded_.options.transactions;
    return entry;
  }

  // From here on, findings need this crash, too.
  void AddCrash(const CrashPick& pick) {
    StateInspector inspector(trace_, *target_.type);
    labels_.Add(inspector, pick.state, *options_.settings.model);
  }

  Trace Start(const Carried& carried) const {
    return StartFrom(trace_, carried.pick, carried.recovered,
                     NextStretch(recorded_, cycle_, carried.recovered));
  }

  // The store fails while it is used: that is what the run has found, and its end.
  Expected<bool> EndInUse(Carried carried, Trace start, Violation violation) {
    // Where the same happens after a crash that loses nothing, that says more.
    Carried weaker{.pick = LoseNothing(trace_, options_.settings, carried.pick)};
    Expected<std::optional<uint32_t>> recovered = Recover(weaker.pick);
    if (!recovered) return std::unexpected(recovered.error());
    if (*recovered) {
      weaker.recovered = **recovered;
      Trace weaker_start = Start(weaker);
      Expected<std::optional<Violation>> again = JudgeUse(weaker_start, weaker.recovered);
      if (!again) return std::unexpected(again.error());
      if (*again && (*again)->violation == violation.violation) {
        carried = std::move(weaker);
        start = std::move(weaker_start);
        violation = std::move(**again);
      }
    }
    AddCrash(carried.pick);
    all_.coverage.cycles.push_back(EntryOf(carried));
    all_.coverage.cycles.back().mode = "bounded";
    AddBound(UnusableBound(), all_);
    Finding finding = InUse(violation, carried.pick);
    const Case saved{.id = finding.id,
                     .signature = finding.signature,
                     .settings = options_.settings,
                     .trace = std::move(start),
                     .window = {carried.recovered, carried.recovered},
                     .lost = {},
                     .violation = std::move(violation),
                     .in_use = true,
                     .models = finding.models,
                     .level = finding.fault_level,
                     .target_version = VersionOfTarget(options_.settings)};
    if (const Expected<void> written = WriteCase(saved, finding); !written) {
      return std::unexpected(written.error());
    }
    MergeFinding(std::move(finding), all_);
    return false;
  }

  // Returns: a crash state of the cycle in hand on which recovery held, nothing if none was met.
  Expected<std::optional<Carried>> PickHeld() {
    Random random(Mix64(options_.settings.seed) + cycle_, "crash to go on from");
    for (int i = 0; i < kMostPicks; ++i) {
      Carried carried{.pick = PickCrash(trace_, options_.settings, random)};
      const Expected<std::optional<uint32_t>> recovered = Recover(carried.pick);
      if (!recovered) return std::unexpected(recovered.error());
      if (!*recovered) continue;
      carried.recovered = **recovered;
      return carried;
    }
    return std::nullopt;
  }

  // Returns: the transaction whose contents recovery shows, nothing where it does not hold.
  Expected<std::optional<uint32_t>> Recover(const CrashPick& pick) {
    Expected<RecoveryPool> pool = RecoveryPool::Create(trace_, 1);
    if (!pool) return std::unexpected(pool.error());
    ReplayTask task{.position = pick.state.position,
                    .window = pick.window,
                    .lost = pick.lost,
                    .settings = options_.settings};
    task.settings.tear = pick.state.tear;
    // To go on, the contents have to be known, also where only opening is promised.
    task.settings.promise = std::max(task.settings.promise, Promise::kIntact);
    std::optional<uint32_t> recovered;
    const Expected<std::optional<Violation>> violation = pool->Replay(task, &recovered);
    if (!violation) return std::unexpected(violation.error());
    if (!*violation) return recovered;
    if (const Expected<void> added = AddUnseen(pick, **violation); !added) {
      return std::unexpected(added.error());
    }
    return std::nullopt;
  }

  // A random state may show what a search that was bounded did not come to.
  Expected<void> AddUnseen(const CrashPick& pick, const Violation& violation) {
    const bool is_known = std::ranges::any_of(last_findings_, [&](const Finding& finding) {
      return finding.violation == violation.violation;
    });
    if (is_known || BrokenPromise(violation.violation) > options_.settings.promise) return {};
    FindingCollector collector(trace_, *target_.type);
    PointResult seen;
    seen.position = pick.state.position;
    seen.window = pick.window;
    seen.violations = {{.violation = violation, .chosen = pick.state.chosen}};
    collector.Add(seen, options_.settings);
    for (Finding& finding : collector.Findings()) {
      const FindingDraft& draft = collector.drafts().at(finding.signature);
      const Case saved{.id = finding.id,
                       .signature = finding.signature,
                       .settings = draft.settings,
                       .trace = CutTrace(trace_, draft.state.position, draft.window.attempted),
                       .window = draft.window,
                       .lost = draft.complete.lost,
                       .violation = draft.violation,
                       .models = finding.models,
                       .level = finding.fault_level,
                       .target_version = VersionOfTarget(draft.settings)};
      if (const Expected<void> written = WriteCase(saved, finding); !written) return written;
      last_findings_.push_back(finding);
      finding.cycle = cycle_ - 1;
      labels_.Apply(finding);
      MergeFinding(std::move(finding), all_);
    }
    return {};
  }

  // Returns: what goes wrong when the store is used on without any further fault.
  Expected<std::optional<Violation>> JudgeUse(const Trace& start, uint32_t recovered) {
    Expected<RecoveryPool> pool = RecoveryPool::Create(start, 1);
    if (!pool) return std::unexpected(pool.error());
    return pool->Replay({.position = start.ops.size(),
                         .window = {recovered, recovered},
                         .lost = {},
                         .settings = options_.settings,
                         .in_use = true});
  }

  // The crash that the finding tells of is the one that the store was used after.
  Finding InUse(const Violation& violation, const CrashPick& pick) const {
    const StateInspector inspector(trace_, *target_.type);
    Finding finding;
    finding.signature = fmt::format("{}: in use", Name(violation.violation));
    const uint64_t hash = XXH3_64bits(finding.signature.data(), finding.signature.size());
    finding.id = fmt::format("{}-{:08x}", Name(violation.violation), hash >> 32);
    finding.violation = violation.violation;
    finding.fault_level = FaultLevel::kProcessKill;
    finding.crash_point = pick.state.position;
    finding.transactions_attempted = pick.window.attempted;
    finding.transactions_acknowledged = pick.window.acknowledged;
    finding.lost = inspector.Lines(pick.lost, pick.state.tear);
    finding.message = violation.message;
    finding.count = 1;
    finding.cycle = cycle_;
    finding.in_use = true;
    for (const Model& model : Models()) finding.models.push_back(model.name);
    labels_.Apply(finding);
    return finding;
  }

  // Writes the case of a finding, unless one of its signature is there.
  Expected<void> WriteCase(const Case& saved, Finding& finding) {
    if (!IsNew(finding)) return {};
    const std::filesystem::path directory(options_.out_directory);
    std::error_code error;
    std::filesystem::create_directories(directory / "findings", error);
    if (error) {
      return Fail(ErrorCode::kIo, fmt::format("cannot create {}: {}",
                                              (directory / "findings").string(), error.message()));
    }
    finding.case_path = "findings/" + finding.id + ".case";
    return SaveCase((directory / finding.case_path).string(), saved);
  }

  const RecordSettings& recorded_;
  const Target& target_;
  Trace trace_;  // of the cycle in hand
  const ExploreOptions& options_;
  const OnProgress& on_progress_;
  std::chrono::steady_clock::time_point started_;
  ChainLabels labels_;
  ExploreProgress before_;
  Result all_;
  std::vector<Finding> last_findings_;  // of the cycle in hand
  uint32_t cycle_ = 1;
};

}  // namespace

Expected<Result> ExploreCycles(const RecordSettings& recorded, const Trace& trace,
                               const ExploreOptions& options, const OnProgress& on_progress) {
  if (options.cycles == 1) return Explore(trace, options, on_progress);
  const Expected<Target> target = ParseTarget(options.settings.target);
  if (!target) return std::unexpected(target.error());
  return Chain(recorded, *target, trace, options, on_progress).Run();
}

}  // namespace plugpull
