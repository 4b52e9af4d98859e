#include "harness/grade.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <tuple>
#include <utility>

#include "faults/base/assert.h"
#include "faults/inject/fault_call.h"
#include "faults/persistence/model_text.h"
#include "harness/fault_search.h"
#include "harness/grade_totals.h"
#include "harness/old_cases.h"
#include "harness/version.h"

namespace plugpull {
namespace {

// A broken promise shows early and often, and what is left of the weaker ones is found out by a
// search of their own.
constexpr uint32_t kPatience = 16;

// Enough for every engine in the house to be searched to the end where its protocol is right.
constexpr uint64_t kLegalRecoveriesPerPoint = 200'000;

std::optional<Promise> Below(Promise promise) {
  if (promise == Promise::kOpens) return std::nullopt;
  return static_cast<Promise>(static_cast<uint8_t>(promise) - 1);
}

// Returns: where the cases of a fault beyond the contract go. Two faults may lead to findings of
// one name.
std::string DirectoryOf(const GradeRung& rung) {
  std::string directory = rung.fault;
  for (char& c : directory) {
    if (std::string_view("/*?%").find(c) != std::string_view::npos) c = '_';
  }
  return directory;
}

class Climb {
 public:
  Climb(const GradeOptions& options, const GradeExplorer& explorer,
        const OnGradeProgress& on_progress)
      : options_(options), explorer_(explorer), on_progress_(on_progress), started_(Clock::now()) {}

  Expected<Grade> Run() {
    for (const GradeRung& rung : options_.rungs) {
      if (InfoOf(rung.level).legal) continue;
      const Expected<void> removed =
          RemoveOldCases(options_.explore.out_directory + "/" + DirectoryOf(rung));
      if (!removed) return std::unexpected(removed.error());
    }
    for (const GradeRung& rung : options_.rungs) {
      grade_.levels.push_back({.level = rung.level, .fault = rung.fault});
      if (const Expected<void> done = SearchRung(rung); !done) {
        return std::unexpected(done.error());
      }
    }
    InheritFromBelow();
    Summarise();
    return std::move(grade_);
  }

 private:
  using Clock = std::chrono::steady_clock;

  GradeLevel& level() { return grade_.levels.back(); }

  // Returns: the weakest level of a correct disk that breaks the promise, or null.
  const GradeLevel* LegallyBroken(Promise promise) const {
    const GradeLevel* weakest = WeakestBreaking(grade_, promise);
    return weakest != nullptr && weakest->legal() ? weakest : nullptr;
  }

  // Returns: the strongest promise up to `promise` that is not broken here or by a correct disk.
  std::optional<Promise> StrongestLeft(std::optional<Promise> promise) {
    while (promise && (LegallyBroken(*promise) != nullptr ||
                       level().at(*promise).state == GradeState::kBroken)) {
      promise = Below(*promise);
    }
    return promise;
  }

  Expected<void> SearchRung(const GradeRung& rung) {
    const size_t rungs_left = options_.rungs.size() - (grade_.levels.size() - 1);
    const std::optional<Clock::time_point> end = EndOfShare(rungs_left);
    std::optional<Promise> promise = StrongestLeft(kLastPromise);
    while (promise) {
      if (interrupted_) return Leave(*promise, "stopped by a signal");
      ExploreOptions explore = AtRung(options_.explore, rung);
      explore.settings.promise = *promise;
      explore.settings.patience = std::min(explore.settings.patience, kPatience);
      if (end) {
        explore.budget = std::chrono::duration_cast<std::chrono::milliseconds>(*end - Clock::now());
        if (explore.budget->count() <= 0) return Leave(*promise, "out of budget");
      }
      Expected<Result> result = Search(explore, rung);
      if (!result) return std::unexpected(result.error());
      TakeTally(*result);
      totals_.Add(*result);
      interrupted_ = interrupted_ || result->interrupted;
      for (Finding& finding : result->findings) {
        if (!level().legal()) finding.case_path = DirectoryOf(rung) + "/" + finding.case_path;
      }
      Break(result->findings);
      const std::optional<Promise> left = StrongestLeft(promise);
      if (result->verdict == Verdict::kViolated) {
        Assert(left != promise, "a violation breaks the promise that was searched for");
        promise = left;
        continue;
      }
      if (!left) return {};
      if (result->verdict == Verdict::kUnknown) {
        const std::vector<std::string>& why = result->coverage.unknown;
        return Leave(*left, why.empty() ? "no reason given" : why.front());
      }
      if (interrupted_) return Leave(*left, "stopped by a signal");
      Hold(*left, result->coverage);
      return {};
    }
    return {};
  }

  Expected<Result> Search(const ExploreOptions& explore, const GradeRung& rung) {
    GradeProgress progress{.fault = rung.fault,
                           .promise = explore.settings.promise,
                           .levels_done = grade_.levels.size() - 1,
                           .levels = options_.rungs.size(),
                           .explore = {}};
    return explorer_(explore, [&](const ExploreProgress& now) {
      progress.explore = now;
      return on_progress_(progress);
    });
  }

  // What was tried of the fault. A part of the places where it could happen is a sample.
  void TakeTally(Result& result) {
    for (FaultTally& tally : result.faults_fired) {
      const bool is_sample = tally.instances < tally.of;
      if (is_sample && result.coverage.mode == "bounded") result.coverage.mode = "sampled";
      if (level().tally) continue;  // a search for a weaker promise tries the same
      level().tally = tally;
      grade_.result.faults_fired.push_back(tally);
    }
  }

  // Returns: when the search of this rung has to end.
  std::optional<Clock::time_point> EndOfShare(size_t rungs_left) const {
    if (!options_.explore.budget) return std::nullopt;
    const auto now = Clock::now();
    const auto left = started_ + *options_.explore.budget - now;
    return now + left / static_cast<int64_t>(rungs_left);
  }

  // Nothing can be said of `promise` and what is weaker, at this level.
  Expected<void> Leave(Promise promise, const std::string& why) {
    for (std::optional<Promise> each = promise; each; each = Below(*each)) {
      level().at(*each) = {.state = GradeState::kUnknown, .unknown = why};
    }
    return {};
  }

  void Hold(Promise promise, const Coverage& coverage) {
    for (std::optional<Promise> each = promise; each; each = Below(*each)) {
      level().at(*each) = {
          .state = GradeState::kNoneFound, .mode = coverage.mode, .bounds = coverage.bounds};
    }
  }

  // Notes what the findings break, each promise by the weakest fault, then by the finding of which
  // it is the first promise broken, or nearly so, then by one that bites on most file systems.
  void Break(const std::vector<Finding>& findings) {
    for (const Promise promise : kPromises) {
      const Finding* best = nullptr;
      const auto rank = [](const Finding& finding) {
        return std::tuple(finding.fault_level, -static_cast<int>(BrokenPromise(finding.violation)),
                          -static_cast<int>(finding.models.size()));
      };
      for (const Finding& finding : findings) {
        if (BrokenPromise(finding.violation) > promise) continue;
        if (best == nullptr || rank(finding) < rank(*best)) best = &finding;
      }
      if (best != nullptr) Break(promise, *best);
    }
  }

  // A search may find what a weaker level, of which the search was cut short, could have shown.
  void Break(Promise promise, const Finding& finding) {
    GradeLevel* broken = &level();
    if (InfoOf(finding.fault_level).legal) {
      const auto weaker = std::ranges::find(grade_.levels, finding.fault_level, &GradeLevel::level);
      if (weaker != grade_.levels.end()) broken = &*weaker;
    }
    const GradeLevel* known = LegallyBroken(promise);
    if (known != nullptr && known <= broken) return;
    if (broken->at(promise).state == GradeState::kBroken) return;
    broken->at(promise) = {.state = GradeState::kBroken, .finding = finding};
  }

  // What a correct disk may do at one level, it may do at all levels that follow.
  void InheritFromBelow() {
    for (const Promise promise : kPromises) {
      const GradeLevel* broken = LegallyBroken(promise);
      if (broken == nullptr) continue;
      for (GradeLevel& each : grade_.levels) {
        if (&each <= broken) continue;
        each.at(promise) = {.state = GradeState::kBrokenBelow, .broken_by = broken->level};
      }
    }
  }

  void Summarise() {
    Result& result = grade_.result;
    const ExploreSettings& settings = options_.explore.settings;
    totals_.Fill(result);
    result.command = "grade";
    result.version = kVersion;
    result.commit = kCommit;
    result.target = settings.target;
    result.seed = settings.seed;
    result.model = ModelText(*settings.model);
    result.tear = Name(settings.tear);
    result.promise = settings.promise;
    result.interrupted = interrupted_;
    for (const GradeLevel& each : grade_.levels) result.faults.push_back(each.fault);
    result.verdict = VerdictOf(settings.promise);
    for (const GradeGroup& group : GroupsOf(grade_)) {
      if (group.finding != nullptr) result.findings.push_back(*group.finding);
    }
    result.elapsed_s = std::chrono::duration<double>(Clock::now() - started_).count();
  }

  Verdict VerdictOf(Promise promise) const {
    if (LegallyBroken(promise) != nullptr) return Verdict::kViolated;
    const bool is_known = std::ranges::all_of(grade_.levels, [promise](const GradeLevel& each) {
      return !each.legal() || each.at(promise).state == GradeState::kNoneFound;
    });
    return is_known ? Verdict::kHeld : Verdict::kUnknown;
  }

  const GradeOptions& options_;
  const GradeExplorer& explorer_;
  const OnGradeProgress& on_progress_;
  Clock::time_point started_;
  Grade grade_;
  GradeTotals totals_;
  bool interrupted_ = false;
};

}  // namespace

std::vector<GradeRung> LegalRungs() {
  std::vector<GradeRung> rungs;
  for (const FaultInfo& fault : Faults()) {
    if (fault.legal) rungs.push_back({fault.level, std::string(fault.name)});
  }
  return rungs;
}

Expected<std::vector<GradeRung>> RungsBeyond(const std::string& list) {
  constexpr FaultForm kForm = FaultForm::kSpecification;
  std::vector<GradeRung> rungs;
  const std::vector<std::string> entries =
      list.empty() ? std::vector<std::string>() : SplitFaultList(list);
  for (const std::string& entry : entries) {
    const Expected<FaultCalls> calls = ParseFaults(entry, kForm);
    if (!calls) return std::unexpected(calls.error());
    if (!IsBeyondContract(*calls)) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("'{}' is what a correct disk may do, which is always climbed; name "
                              "faults beyond its contract (plugpull list faults)",
                              entry));
    }
    FaultLevel level = FaultLevel::kLyingFlush;
    for (const FaultCall& call : *calls) level = std::max(level, call.level);
    rungs.push_back({level, FaultText(*calls, kForm)});
  }
  if (rungs.empty()) {
    for (const FaultInfo& fault : Faults()) {
      if (!fault.legal) rungs.push_back({fault.level, std::string(fault.name)});
    }
  }
  std::ranges::stable_sort(rungs, {}, &GradeRung::level);
  return rungs;
}

ExploreOptions AtRung(const ExploreOptions& base, const GradeRung& rung) {
  ExploreOptions explore = base;
  ExploreSettings& settings = explore.settings;
  if (InfoOf(rung.level).legal && settings.recoveries_per_point == 0) {
    settings.recoveries_per_point = kLegalRecoveriesPerPoint;
  }
  switch (rung.level) {
    case FaultLevel::kProcessKill:
      settings.model = FindModel("process-kill");
      settings.tear = Tear::kNone;
      break;
    case FaultLevel::kPowerCutOrdered:
      settings.model = FindModel("ordered");
      settings.tear = Tear::kNone;
      break;
    case FaultLevel::kPowerCut:
      settings.tear = Tear::kNone;
      break;
    case FaultLevel::kTornWrite:
      break;
    case FaultLevel::kLyingFlush:
    case FaultLevel::kStalePage:
    case FaultLevel::kMisdirectedWrite:
    case FaultLevel::kZeroedPage:
    case FaultLevel::kSubSectorTear:
    case FaultLevel::kBitRot:
      explore.legal = false;
      explore.faults = {rung.fault};
      explore.out_directory += "/" + DirectoryOf(rung);
      break;
  }
  return explore;
}

Expected<Grade> ClimbLadder(const GradeOptions& options, const GradeExplorer& explorer,
                            const OnGradeProgress& on_progress) {
  return Climb(options, explorer, on_progress).Run();
}

}  // namespace plugpull
