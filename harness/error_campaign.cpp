#include "harness/error_campaign.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <tuple>

#include "faults/persistence/model_text.h"
#include "faults/persistence/state_count.h"
#include "harness/case_file.h"
#include "harness/error_plans.h"
#include "harness/error_pool.h"
#include "harness/findings.h"
#include "harness/user_program.h"
#include "harness/version.h"

namespace plugpull {
namespace {

// Of the search in full of one run, where the user does not say.
constexpr uint64_t kRecoveriesPerPoint = 500;

// More ways to fail than this are counted, but not explored in full.
constexpr size_t kMostRunsInFull = 24;

// How the calls of a rule fail, in the words of the table.
std::string FailureText(const FailureRule& rule) {
  if (rule.os_errno == 0) return "short";
  std::string text(ErrnoName(rule.os_errno));
  const bool drops = IsAbout(rule, FailurePoint::kSync) && rule.os_errno != EINTR;
  if (drops) text += fmt::format(" {}", Name(rule.aftermath));
  return text;
}

class ErrorCampaign {
 public:
  ErrorCampaign(const RecordSettings& record, const ExploreOptions& options,
                const OnProgress& on_progress)
      : record_(record),
        options_(options),
        on_progress_(on_progress),
        started_(std::chrono::steady_clock::now()) {}

  Expected<Result> Run(const std::string& errors) {
    Expected<ErrorPool> pool = ErrorPool::Create(record_, options_.settings, options_.jobs);
    if (!pool) return std::unexpected(pool.error());
    Trace plain;
    const Expected<PlanResult> without = pool->RunOne({}, plain);
    if (!without) return std::unexpected(without.error());
    if (const Expected<void> made = MakePlans(errors, without->calls); !made) {
      return std::unexpected(made.error());
    }
    if (!is_each_) return RunPlan(*pool, without->calls, plain);
    progress_.points = plans_.size();
    Expected<std::vector<std::optional<PlanResult>>> results =
        pool->Run(plans_, [this](size_t done) {
          progress_.points_done = done;
          return Tick();
        });
    if (!results) return std::unexpected(results.error());
    Summarise(*results, without->calls, plain);
    if (const Expected<void> found = Find(*pool, *results); !found) {
      return std::unexpected(found.error());
    }
    Finish();
    return std::move(result_);
  }

 private:
  // A plan of the user's is explored in full, whatever comes of it.
  Expected<Result> RunPlan(ErrorPool& pool, const std::vector<CallSeen>& calls,
                           const Trace& plain) {
    Trace trace;
    Expected<PlanResult> ran = pool.RunOne(plans_[0], trace);
    if (!ran) return std::unexpected(ran.error());
    Summarise({*ran}, calls, plain);
    if (ran->outcome != ErrorOutcome::kNeverFired) {
      const Expected<void> found =
          ExploreInFull(pool, plans_[0], *ran, ViolationClass::kLostCommit, 1);
      if (!found) return std::unexpected(found.error());
      result_.errors->runs = 1;
      result_.errors->rows[0].violations = result_.findings.empty() ? 0 : 1;
    }
    Finish();
    return std::move(result_);
  }

  double Elapsed() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  }

  bool Tick() {
    progress_.elapsed_s = Elapsed();
    if (!on_progress_(progress_)) result_.interrupted = true;
    const bool out_of_budget =
        options_.budget && std::chrono::steady_clock::now() - started_ > *options_.budget;
    if (out_of_budget) bounds_.insert("budget");
    return !result_.interrupted && !out_of_budget;
  }

  Expected<void> MakePlans(const std::string& errors, const std::vector<CallSeen>& calls) {
    if (errors == "each") {
      plans_ = PlansForEach(calls);
      // What another file system does after a failed sync says nothing about this one.
      std::erase_if(plans_, [this](const FailurePlan& plan) {
        return !Fits(plan, *options_.settings.model);
      });
      is_each_ = true;
      return {};
    }
    Expected<FailurePlan> plan = ParseFailurePlan(errors);
    if (!plan) return std::unexpected(plan.error());
    plans_ = {std::move(*plan)};
    return {};
  }

  ErrorRow& RowOf(const FailurePlan& plan, ErrorReport& report) {
    const bool is_one = plan.rules.size() == 1;
    const std::string point = is_one ? plan.rules[0].point : "several";
    const std::string failure = is_one ? FailureText(plan.rules[0]) : "several";
    const auto key = std::pair(point, failure);
    const auto known = rows_.find(key);
    if (known != rows_.end()) return report.rows[known->second];
    rows_.emplace(key, report.rows.size());
    report.rows.push_back({.point = point, .failure = failure});
    return report.rows.back();
  }

  void Count(const FailurePlan& plan, const PlanResult& plan_result, ErrorReport& report) {
    ErrorRow& row = RowOf(plan, report);
    ++row.plans;
    row.fired += plan_result.outcome != ErrorOutcome::kNeverFired;
    row.absorbed += plan_result.outcome == ErrorOutcome::kAbsorbed;
    row.failed += plan_result.outcome == ErrorOutcome::kFailed;
    row.refused += plan_result.outcome == ErrorOutcome::kRefused;
    row.violations += plan_result.violation.has_value() || !plan_result.after_crash.empty();
    report.plain += plan_result.is_plain;
  }

  void Summarise(const std::vector<std::optional<PlanResult>>& results,
                 const std::vector<CallSeen>& calls, const Trace& plain) {
    ErrorReport report;
    report.plans = plans_.size();
    report.calls = calls.size();
    std::array<uint64_t, kFailurePoints> calls_of{};
    for (const CallSeen& call : calls) ++calls_of[static_cast<size_t>(call.point)];
    std::set<std::pair<std::string, uint64_t>> calls_failed;
    std::set<uint64_t> seen;
    StateCount states = 0;
    Coverage& coverage = result_.coverage;
    for (size_t i = 0; i < plans_.size(); ++i) {
      if (!results[i]) continue;
      const PlanResult& each = *results[i];
      Count(plans_[i], each, report);
      for (size_t rule = 0; rule < plans_[i].rules.size(); ++rule) {
        const FailureRule& fired = plans_[i].rules[rule];
        if (each.fired[rule] == 0) {
          unknown_.insert(fmt::format("never fired: {}", Text(fired)));
        } else if (is_each_ && fired.os_errno != 0) {
          calls_failed.emplace(fired.point, fired.call);
        }
      }
      if (each.crash_points == 0 || !seen.insert(each.run_hash).second) continue;
      ++report.runs;
      coverage.crash_points += each.crash_points;
      coverage.recoveries += each.recoveries;
      coverage.states_exact = coverage.states_exact && each.states_exact;
      states += StateCount(each.states);
      if (!each.exhausted) bounds_.insert("some crash points of each error run");
      if (!coverage.first && !each.after_crash.empty()) {
        coverage.first = {.crash_point = each.after_crash.front().position,
                          .recoveries = coverage.recoveries};  // to the end of its run
      }
      unknown_.insert(each.unknown.begin(), each.unknown.end());
    }
    for (ErrorRow& row : report.rows) {
      for (size_t i = 0; i < kFailurePoints; ++i) {
        if (InfoOf(static_cast<FailurePoint>(i)).name == row.point) row.calls = calls_of[i];
      }
    }
    report.calls_failed = calls_failed.size();
    coverage.distinct_images = coverage.recoveries;
    coverage.states = states.str();
    if (states > 0) {
      coverage.states_log10 =
          static_cast<double>(coverage.states.size() - 1) +
          std::log10(std::stod(coverage.states.substr(0, 15)) /
                     std::pow(10.0, std::min<double>(
                                        14.0, static_cast<double>(coverage.states.size() - 1))));
    }
    result_.errors = std::move(report);
    result_.trace = FactsOf(plain);
  }

  // Explores in full the first run of each kind and class.
  Expected<void> Find(ErrorPool& pool, const std::vector<std::optional<PlanResult>>& results) {
    std::map<std::pair<std::string, ViolationClass>, std::vector<size_t>> plans_by_kind;
    std::vector<std::pair<std::string, ViolationClass>> order;
    for (size_t i = 0; i < plans_.size(); ++i) {
      if (!results[i]) continue;
      std::vector<ViolationClass> classes;
      for (const CrashViolation& each : results[i]->after_crash) classes.push_back(each.violation);
      if (results[i]->violation) classes.push_back(results[i]->violation->violation);
      for (const ViolationClass each : classes) {
        const auto key = std::pair(KindOf(plans_[i]), each);
        std::vector<size_t>& plans = plans_by_kind[key];
        if (plans.empty()) order.push_back(key);
        plans.push_back(i);
      }
    }
    size_t in_full = 0;
    for (const auto& key : order) {
      if (!Tick()) break;
      const std::vector<size_t>& plans = plans_by_kind[key];
      if (Finding* known = Known(key)) {
        known->count = std::max<uint64_t>(known->count, plans.size());
        continue;
      }
      if (in_full++ == kMostRunsInFull) {
        bounds_.insert(fmt::format("{} ways to fail in full", kMostRunsInFull));
        break;
      }
      const size_t plan = plans.front();
      const Expected<void> found =
          ExploreInFull(pool, plans_[plan], *results[plan], key.second, plans.size());
      if (!found) return found;
      if (Known(key) == nullptr) {
        unknown_.insert(fmt::format("{} under {} was not seen a second time", Name(key.second),
                                    Text(plans_[plan])));
      }
    }
    return {};
  }

  Finding* Known(const std::pair<std::string, ViolationClass>& key) {
    for (size_t i = 0; i < result_.findings.size(); ++i) {
      if (result_.findings[i].violation == key.second && kinds_[i] == key.first) {
        return &result_.findings[i];
      }
    }
    return nullptr;
  }

  // Explores the crash point of a run that showed the class, as far as `run` does without errors.
  Expected<void> ExploreInFull(ErrorPool& pool, const FailurePlan& plan, const PlanResult& quick,
                               ViolationClass wanted, uint64_t count) {
    Trace trace;
    const Expected<PlanResult> again = pool.RunOne(plan, trace);
    if (!again) return std::unexpected(again.error());
    if (quick.violation) return AddRunning(plan, trace, *quick.violation, count);
    ExploreOptions options = options_;
    options.settings = SettingsFor(trace, options.settings);
    options.first_position = FirstFailure(trace).value_or(0);
    for (const CrashViolation& each : quick.after_crash) {
      if (each.violation != wanted || each.position == kAnyPosition) continue;
      options.first_position = options.last_position = each.position;
    }
    uint64_t& most = options.settings.recoveries_per_point;
    if (most == 0) most = kRecoveriesPerPoint;  // --recoveries says otherwise
    if (is_each_) most = std::min(most, kRecoveriesPerPoint);
    const ExploreProgress before = progress_;
    Expected<Result> explored = plugpull::Explore(trace, options, [&](const ExploreProgress& now) {
      progress_.recoveries = before.recoveries + now.recoveries;
      return Tick();
    });
    if (!explored) return std::unexpected(explored.error());
    result_.coverage.recoveries += explored->coverage.recoveries;
    result_.coverage.reruns += explored->coverage.reruns;
    result_.coverage.uses += explored->coverage.uses;
    if (!is_each_) {
      result_.coverage = explored->coverage;
      bounds_.insert(explored->coverage.bounds.begin(), explored->coverage.bounds.end());
      unknown_.insert(explored->coverage.unknown.begin(), explored->coverage.unknown.end());
    }
    const bool is_lie = std::ranges::any_of(
        trace.ops, [](const Op& op) { return IsFailedSync(op) && op.result_errno == 0; });
    for (Finding& finding : explored->findings) {
      finding.errors = Text(plan);
      if (is_lie) {
        finding.fault_level = FaultLevel::kLyingFlush;
        finding.fault = finding.errors;
      }
      finding.count = std::max(finding.count, count);
      Add(std::move(finding), KindOf(plan));
    }
    return {};
  }

  void Add(Finding finding, std::string kind) {
    const auto same = std::ranges::find(result_.findings, finding.id, &Finding::id);
    if (same != result_.findings.end()) {
      // Both have one place for their case, and the later one is there.
      finding.count += same->count;
      *same = std::move(finding);
      return;
    }
    result_.findings.push_back(std::move(finding));
    kinds_.push_back(std::move(kind));
  }

  // A violation that needs no crash. Its case is replayed by running the plan again.
  Expected<void> AddRunning(const FailurePlan& plan, const Trace& trace, const Violation& violation,
                            uint64_t count) {
    Finding finding;
    FindingDraft draft;
    draft.violation = violation;
    draft.signature =
        fmt::format("{}: while running after {}", Name(violation.violation), KindOf(plan));
    finding.id = FindingId(draft);
    finding.signature = draft.signature;
    finding.violation = violation.violation;
    finding.fault_level = FaultLevel::kProcessKill;
    const std::optional<FailedSync> seen = FailedSyncOf(trace);
    for (const Model& model : Models()) {
      const bool fits = !seen || model.failed_sync == *seen || &model == &Models().front();
      if (fits) finding.models.push_back(model.name);
    }
    finding.crash_point = trace.ops.size();
    finding.transactions_attempted = static_cast<uint32_t>(trace.transactions.size());
    for (const Op& op : trace.ops) {
      if (op.kind == OpKind::kAcknowledge) finding.transactions_acknowledged = op.transaction;
    }
    finding.message = violation.message;
    finding.errors = Text(plan);
    finding.count = count;
    finding.case_path = "findings/" + finding.id + ".case";
    Case saved{.id = finding.id,
               .signature = finding.signature,
               .settings = SettingsFor(trace, options_.settings),
               .trace = trace,
               .window = {finding.transactions_acknowledged, finding.transactions_attempted},
               .lost = {},
               .violation = violation,
               .models = finding.models,
               .level = finding.fault_level,
               .target_version = VersionOfTarget(options_.settings)};
    saved.running_plan = finding.errors;
    saved.running_transactions = record_.options.transactions;
    const std::filesystem::path path =
        std::filesystem::path(options_.out_directory) / finding.case_path;
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    if (const Expected<void> written = SaveCase(path.string(), saved); !written) return written;
    Add(std::move(finding), KindOf(plan));
    return {};
  }

  void Finish() {
    const ExploreSettings& settings = options_.settings;
    result_.version = kVersion;
    result_.commit = kCommit;
    result_.target = settings.target;
    result_.seed = settings.seed;
    result_.model = ModelText(*settings.model);
    result_.tear = Name(settings.tear);
    result_.faults = FaultsOf(settings);
    result_.promise = settings.promise;
    std::ranges::stable_sort(result_.findings, {}, [](const Finding& finding) {
      return std::tuple(BrokenPromise(finding.violation), finding.violation, finding.fault_level,
                        finding.lost.size());
    });
    if (result_.interrupted) bounds_.insert("signal");
    const bool is_cut_short = result_.interrupted || bounds_.contains("budget");
    if (is_each_ && is_cut_short) {
      bounds_.insert(fmt::format("{} of {} calls failed", result_.errors->calls_failed,
                                 result_.errors->calls));
    }
    Coverage& coverage = result_.coverage;
    coverage.bounds.assign(bounds_.begin(), bounds_.end());
    coverage.unknown.assign(unknown_.begin(), unknown_.end());
    coverage.mode = bounds_.empty() && unknown_.empty() ? "exhaustive" : "bounded";
    result_.verdict = !unknown_.empty() ? Verdict::kUnknown : Verdict::kHeld;
    if (!result_.findings.empty()) result_.verdict = Verdict::kViolated;
    result_.elapsed_s = Elapsed();
  }

  const RecordSettings& record_;
  const ExploreOptions& options_;
  const OnProgress& on_progress_;
  std::chrono::steady_clock::time_point started_;
  std::vector<FailurePlan> plans_;
  bool is_each_ = false;
  std::map<std::pair<std::string, std::string>, size_t> rows_;  // (point, failure) -> row
  std::vector<std::string> kinds_;                              // of the findings
  std::set<std::string> bounds_;
  std::set<std::string> unknown_;
  ExploreProgress progress_;
  Result result_;
};

}  // namespace

Expected<Result> RunErrorCampaign(const RecordSettings& record, const std::string& errors,
                                  const ExploreOptions& options, const OnProgress& on_progress) {
  return ErrorCampaign(record, options, on_progress).Run(errors);
}

}  // namespace plugpull
