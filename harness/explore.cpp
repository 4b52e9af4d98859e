#include "harness/explore.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <set>
#include <string_view>
#include <vector>

#include "faults/persistence/model_text.h"
#include "faults/trace/snapshot_mark.h"
#include "harness/case_file.h"
#include "harness/command_line.h"
#include "harness/confirm.h"
#include "harness/crash_points.h"
#include "harness/fault_search.h"
#include "harness/findings.h"
#include "harness/image_judge.h"
#include "harness/minimise_findings.h"
#include "harness/point_coverage.h"
#include "harness/point_search.h"
#include "harness/reader_finding.h"
#include "harness/recoverability_survey.h"
#include "harness/user_program.h"
#include "harness/version.h"

namespace plugpull {
namespace {

// Where violations were seen, weaker faults are tried too. More points than this teach nothing new.
constexpr size_t kMostPointsForWeakerFaults = 48;
constexpr size_t kMostKillsPerPoint = 64;
constexpr uint64_t kRecoveriesForOtherFaults = 2000;
// How the bound of a search begins that made states one by one and had to choose.
constexpr std::string_view kStates = "states: ";

// Points that are explored before looking at how it goes.
constexpr size_t kBatch = 64;

double Log10(const StateCount& count) {
  const std::string digits = count.str();
  const double head = std::stod(digits.substr(0, 15));
  return std::log10(head) +
         static_cast<double>(digits.size() - std::min<size_t>(digits.size(), 15));
}

class Exploration {
 public:
  Exploration(const Trace& trace, const EngineType& type, const ExploreOptions& options,
              uint64_t state_tests, const OnProgress& on_progress)
      : trace_(trace),
        options_(options),
        state_tests_(state_tests),
        on_progress_(on_progress),
        collector_(trace, type),
        survey_(trace, type),
        started_(std::chrono::steady_clock::now()) {}

  Expected<Result> Run() {
    const Expected<std::unique_ptr<PointSearch>> made =
        MakeSearch(trace_, options_.settings, options_.jobs);
    if (!made) return std::unexpected(made.error());
    PointSearch& pool = **made;
    const auto goes_on = [this] { return !interrupted_ && !OutOfBudget(); };
    collector_.ConfirmWith(ConfirmOn(pool, goes_on));
    const ExploreSettings& settings = options_.settings;
    std::vector<PointTask> tasks;
    if (options_.legal) {
      for (const size_t position : CrashPoints(trace_, *settings.model, settings.promise)) {
        if (position < options_.first_position || position > options_.last_position) continue;
        tasks.push_back({position, settings});
      }
    }
    progress_.points = tasks.size();
    Expected<std::vector<PointResult>> results = RunInBatches(pool, std::move(tasks));
    if (!results) return std::unexpected(results.error());
    for (const PointResult& result : *results) collector_.Add(result, settings);
    if (const Expected<void> counted = Survey(pool, *results, settings); !counted) {
      return std::unexpected(counted.error());
    }
    if (!collector_.empty()) {
      if (const Expected<void> tried = TryWeakerFaults(pool, *results); !tried) {
        return std::unexpected(tried.error());
      }
    }
    if (options_.all_models && options_.legal) {
      if (const Expected<void> tried = TryOtherModels(pool, *results); !tried) {
        return std::unexpected(tried.error());
      }
    }
    for (const std::string& fault : options_.faults) {
      if (const Expected<void> tried = TryFault(pool, fault); !tried) {
        return std::unexpected(tried.error());
      }
    }
    if (NeedsImages(settings)) {
      const Expected<std::vector<std::string>> varying =
          FindingsThatVary(pool, collector_, goes_on);
      if (!varying) return std::unexpected(varying.error());
      for (const std::string& signature : *varying) collector_.Drop(signature);
      varying_ = varying->size();
    }
    if (state_tests_ > 0) {
      const Expected<void> done = collector_.MinimiseStates(pool, state_tests_, goes_on);
      if (!done) return std::unexpected(done.error());
    }
    collector_.Fold();
    Result result = Summarise(*results);
    result.findings = collector_.Findings();
    for (Finding& finding : result.findings) {
      Expected<std::string> found = survey_.Of(pool, collector_.drafts().at(finding.signature));
      if (!found) return std::unexpected(found.error());
      finding.recoverability = std::move(*found);
    }
    survey_.Report(result);
    if (const Expected<void> saved = SaveCases(result); !saved) {
      return std::unexpected(saved.error());
    }
    if (!result.findings.empty()) result.verdict = Verdict::kViolated;
    if (options_.all_models) {
      result.models.emplace_back(options_.settings.model->name, result.verdict);
      result.models.insert(result.models.end(), other_models_.begin(), other_models_.end());
    }
    result.elapsed_s = Elapsed();
    return result;
  }

 private:
  // Where states are made one by one, a search for more has the bound of the first.
  uint64_t RecoveriesForOtherFaults() const {
    const bool sees_reads = options_.settings.read_set || !NeedsImages(options_.settings);
    if (!sees_reads) return options_.settings.recoveries_per_point;
    return kRecoveriesForOtherFaults;
  }

  double Elapsed() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  }

  bool OutOfBudget() const {
    return options_.budget && std::chrono::steady_clock::now() - started_ > *options_.budget;
  }

  // Runs the tasks in batches of fixed size. Where most points of a batch ended because they are
  // broken in the same few ways again and again, the points after it get little patience: a broken
  // protocol ends fast. The rule looks at whole batches only, so that the number of jobs changes
  // nothing.
  Expected<std::vector<PointResult>> RunInBatches(PointSearch& pool, std::vector<PointTask> tasks) {
    std::vector<PointResult> results;
    bool broken = false;
    for (size_t begin = 0; begin < tasks.size(); begin += kBatch) {
      const size_t end = std::min(tasks.size(), begin + kBatch);
      std::vector<PointTask> batch(tasks.begin() + static_cast<ptrdiff_t>(begin),
                                   tasks.begin() + static_cast<ptrdiff_t>(end));
      if (broken) {
        for (PointTask& task : batch) {
          task.settings.per_class = 1;
          task.settings.patience = 1;
        }
      }
      Expected<std::vector<PointResult>> done = RunTasks(pool, batch);
      if (!done) return done;
      const auto full = std::ranges::count(*done, "per-class", &PointResult::bound);
      broken = broken || static_cast<size_t>(full) > kBatch / 2;
      std::ranges::move(*done, std::back_inserter(results));
      if (interrupted_ || out_of_budget_ || ShowsSymptom(results)) break;
    }
    return results;
  }

  // One place that shows what is searched for is enough.
  bool ShowsSymptom(const std::vector<PointResult>& results) {
    if (options_.settings.symptom.empty()) return false;
    const auto is_found = [](const PointResult& result) { return !result.violations.empty(); };
    if (std::ranges::none_of(results, is_found)) return false;
    further_bounds_.insert("symptom");
    return true;
  }

  // Returns: the results of the tasks that were begun, in the order of the tasks.
  Expected<std::vector<PointResult>> RunTasks(PointSearch& pool,
                                              const std::vector<PointTask>& tasks) {
    std::vector<std::optional<PointResult>> done(tasks.size());
    const uint64_t recoveries_before = recoveries_;
    const Expected<void> explored = pool.Explore(
        tasks,
        [&](size_t task, PointResult result) {
          ++progress_.points_done;
          for (const PointViolation& violation : result.violations) {
            ++progress_.violations[violation.violation.violation];
          }
          recoveries_ += result.recoveries;
          done[task] = std::move(result);
        },
        [&](uint64_t recoveries) {
          progress_.recoveries = std::max(recoveries, recoveries_before);
          progress_.elapsed_s = Elapsed();
          if (!on_progress_(progress_)) interrupted_ = true;
          out_of_budget_ = out_of_budget_ || OutOfBudget();
          return !interrupted_ && !out_of_budget_;
        });
    if (!explored) return std::unexpected(explored.error());
    std::vector<PointResult> results;
    for (std::optional<PointResult>& result : done) {
      if (result) results.push_back(std::move(*result));
    }
    return results;
  }

  // A finding names the weakest fault that reaches it. The search under the model asked for stops
  // at the first few violations of a point, which need not be the weakest: so the same points are
  // searched again with only weaker faults allowed. Their states are states of the model, too.
  Expected<void> TryWeakerFaults(PointSearch& pool, const std::vector<PointResult>& results) {
    std::vector<size_t> positions;
    for (const PointResult& result : results) {
      if (!result.violations.empty()) positions.push_back(result.position);
    }
    const size_t step = positions.size() / kMostPointsForWeakerFaults + 1;
    std::vector<PointTask> tasks;
    // A process can be killed anywhere, not only at the end of an epoch: try each operation since
    // the crash point before.
    const auto add_kills = [&] {
      ExploreSettings kill = options_.settings;
      kill.model = FindModel("process-kill");
      kill.tear = Tear::kNone;
      for (size_t i = 0; i < positions.size(); i += step) {
        const auto before =
            std::ranges::find_if(results.rbegin(), results.rend(),
                                 [&](const auto& r) { return r.position < positions[i]; });
        size_t first = before == results.rend() ? SnapshotEnd(trace_) : before->position + 1;
        if (positions[i] - first > kMostKillsPerPoint) first = positions[i] - kMostKillsPerPoint;
        first = std::max(first, options_.first_position);
        for (size_t at = first; at <= positions[i]; ++at) tasks.push_back({at, kill});
      }
    };
    const auto add = [&](const char* model, Tear tear) {
      ExploreSettings weaker = options_.settings;
      if (model != nullptr) weaker.model = FindModel(model);
      weaker.tear = tear;
      weaker.recoveries_per_point = RecoveriesForOtherFaults();
      for (size_t i = 0; i < positions.size(); i += step) tasks.push_back({positions[i], weaker});
    };
    const Shape shape = options_.settings.model->shape;
    if (shape != Shape::kEverything) add_kills();
    const bool prefixes_are_weaker = shape == Shape::kClosedSet || shape == Shape::kCommitAndLog;
    if (prefixes_are_weaker) add("ordered", Tear::kNone);
    if (shape != Shape::kEverything && options_.settings.tear != Tear::kNone) {
      add(nullptr, Tear::kNone);
    }
    progress_.points += tasks.size();
    Expected<std::vector<PointResult>> weaker = RunTasks(pool, tasks);
    if (!weaker) return std::unexpected(weaker.error());
    // Tasks may be missing when the run was stopped, so results are matched by what they ran with.
    if (weaker->size() != tasks.size()) return {};
    for (size_t i = 0; i < tasks.size(); ++i) collector_.Add((*weaker)[i], tasks[i].settings);
    return {};
  }

  // What a file system may leave, posix-minimal may leave as well, there or at its next crash
  // point: so only crash points up to those where that was violated can be violated on another one.
  // After a failed sync that is not so: what one file system takes back, another keeps.
  std::vector<size_t> PositionsToTry(const Model& model, const std::vector<PointResult>& results) {
    std::vector<size_t> positions;
    for (const size_t position : CrashPoints(trace_, model, options_.settings.promise)) {
      if (position < options_.first_position || position > options_.last_position) continue;
      const auto covers = std::ranges::find_if(
          results, [&](const PointResult& result) { return result.position >= position; });
      const bool is_violated = covers != results.end() && !covers->violations.empty();
      if (is_violated || HasFailedSync(trace_)) positions.push_back(position);
    }
    return positions;
  }

  // A model that is known to be violated is searched for what else there is, at some of the
  // positions; one that is not, at all of them.
  Expected<void> TryOtherModels(PointSearch& pool, const std::vector<PointResult>& results) {
    for (const PointResult& result : results) {
      const bool maybe_violated = result.violations.empty() && !result.exhausted;
      if (maybe_violated) further_bounds_.insert("other models where the first search ended");
    }
    const bool complete = !interrupted_ && !out_of_budget_;
    for (const Model& model : Models()) {
      if (&model == options_.settings.model) continue;
      ExploreSettings other = options_.settings;
      other.model = &model;
      other.recoveries_per_point = RecoveriesForOtherFaults();
      const std::vector<size_t> positions = PositionsToTry(model, results);
      const bool known = collector_.ModelsSeen().contains(model.name);
      const size_t step = known ? positions.size() / kMostPointsForWeakerFaults + 1 : 1;
      std::vector<PointTask> tasks;
      for (size_t i = 0; i < positions.size(); i += step) tasks.push_back({positions[i], other});
      if (interrupted_ || out_of_budget_) tasks.clear();
      progress_.points += tasks.size();
      const size_t wanted = tasks.size();
      Expected<std::vector<PointResult>> found = RunInBatches(pool, std::move(tasks));
      if (!found) return std::unexpected(found.error());
      bool sure = complete && !interrupted_ && !out_of_budget_ && found->size() == wanted;
      for (const PointResult& result : *found) {
        collector_.Add(result, other);
        sure = sure && result.unknown.empty();
        const bool is_cut = result.bound == "recoveries" || result.bound.starts_with(kStates);
        if (is_cut) further_bounds_.insert(result.bound);
      }
      Verdict verdict = sure ? Verdict::kHeld : Verdict::kUnknown;
      if (collector_.ModelsSeen().contains(model.name)) verdict = Verdict::kViolated;
      other_models_.emplace_back(model.name, verdict);
    }
    return {};
  }

  Expected<void> TryFault(PointSearch& pool, const std::string& text) {
    Expected<FaultPlan> plan = PlanFault(trace_, options_.settings, text);
    if (!plan) return std::unexpected(plan.error());
    further_bounds_.insert(plan->bounds.begin(), plan->bounds.end());
    FaultTally tally{.fault = plan->text, .level = plan->level, .of = plan->of};
    const size_t planned = plan->tasks.size();
    if (interrupted_ || out_of_budget_) plan->tasks.clear();
    progress_.points += plan->tasks.size() + plan->ordered.size();
    const std::optional<ExploreSettings> settings =
        plan->tasks.empty() ? std::nullopt : std::optional(plan->tasks.front().settings);
    Expected<std::vector<PointResult>> results = RunInBatches(pool, std::move(plan->tasks));
    if (!results) return std::unexpected(results.error());
    if (settings) {
      const Expected<void> counted = Survey(pool, *results, *settings);
      if (!counted) return counted;
    }
    for (PointResult& result : *results) {
      ++tally.instances;
      tally.fired += result.fired ? 1 : 0;
      tally.recoveries += result.recoveries;
      collector_.Add(result, *settings);
      damaged_.push_back(std::move(result));
    }
    if (!interrupted_ && !out_of_budget_ && !plan->ordered.empty()) {
      const ExploreSettings in_order = plan->ordered.front().settings;
      results = RunInBatches(pool, std::move(plan->ordered));
      if (!results) return std::unexpected(results.error());
      for (PointResult& result : *results) {
        tally.recoveries += result.recoveries;
        collector_.Add(result, in_order);
        damaged_.push_back(std::move(result));
      }
    }
    if (tally.fired == 0 && tally.instances == planned) tally.advice = plan->advice;
    faults_fired_.push_back(std::move(tally));
    return {};
  }

  Expected<void> Survey(PointSearch& pool, const std::vector<PointResult>& results,
                        const ExploreSettings& settings) {
    if (!options_.tally_recoverability) return {};
    for (const PointResult& result : results) {
      if (interrupted_ || OutOfBudget()) break;
      if (Expected<void> added = survey_.Add(pool, result, settings); !added) return added;
    }
    return {};
  }

  Result Summarise(const std::vector<PointResult>& results) {
    Result result;
    result.version = kVersion;
    result.commit = kCommit;
    result.target = options_.settings.target;
    if (const auto door = trace_.facts.find("door"); door != trace_.facts.end()) {
      result.door = door->second;
    }
    result.seed = options_.settings.seed;
    result.model = options_.all_models ? "all" : ModelText(*options_.settings.model);
    result.tear = Name(options_.settings.tear);
    if (options_.legal) result.faults = FaultsOf(options_.settings);
    for (const FaultTally& tally : faults_fired_) result.faults.push_back(tally.fault);
    result.faults_fired = faults_fired_;
    result.promise = options_.settings.promise;
    result.trace = FactsOf(trace_);
    result.interrupted = interrupted_;
    Coverage& coverage = result.coverage;
    StateCount states = 0;
    uint64_t probes = 0;
    std::set<std::string> bounds = further_bounds_;
    std::set<std::string> unknown;
    if (const size_t end = EndOfModelled(trace_); end < trace_.ops.size()) {
      unknown.insert("call not modelled: " + trace_.ops[end].name);
    }
    std::vector<PointResult> explored = results;
    std::ranges::copy_if(damaged_, std::back_inserter(explored), &PointResult::fired);
    std::set<size_t> positions;
    for (const PointResult& point : explored) {
      NoteFirst(point, coverage);
      if (point.fault.empty() || positions.insert(point.position).second) ++coverage.crash_points;
      coverage.recoveries += point.recoveries;
      AddDepths(point, coverage);
      const bool is_deep = std::ranges::all_of(point.deeper, &DepthResult::exhausted);
      if (point.exhausted && !is_deep) bounds.insert("depth");
      probes += point.probes;
      coverage.reruns += point.reruns;
      result.without_symptom += point.without_symptom;
      coverage.uses += point.uses;
      coverage.states_exact = coverage.states_exact && point.exact;
      states += StateCount(point.covered);
      if (!point.exhausted && !point.bound.empty()) bounds.insert(point.bound);
      unknown.insert(point.unknown.begin(), point.unknown.end());
    }
    coverage.distinct_images = coverage.recoveries - probes;
    if (out_of_budget_) bounds.insert("budget");
    if (interrupted_) bounds.insert("signal");
    bounds.erase("stopped");
    coverage.states = states.str();
    coverage.states_log10 = states == 0 ? 0 : Log10(states);
    coverage.bounds.assign(bounds.begin(), bounds.end());
    // A run that was stopped before its first recovery has seen nothing hold.
    for (const FaultTally& tally : faults_fired_) {
      if (!tally.advice.empty()) unknown.insert("the fault never fired: " + tally.fault);
    }
    if (varying_ > 0) {
      unknown.insert("nondeterministic: a violation was not there when its state was judged again");
    }
    if (coverage.recoveries == 0 && unknown.empty()) {
      unknown.insert("stopped before anything was explored");
    }
    coverage.unknown.assign(unknown.begin(), unknown.end());
    const bool is_sampled = std::ranges::any_of(
        bounds, [](const std::string& bound) { return bound.starts_with(kStates); });
    coverage.mode = bounds.empty() && unknown.empty() ? "exhaustive"
                    : is_sampled                      ? "sampled"
                                                      : "bounded";
    result.verdict = !unknown.empty() ? Verdict::kUnknown : Verdict::kHeld;
    return result;
  }

  Expected<void> SaveCases(Result& result) {
    if (result.findings.empty()) return {};
    const std::filesystem::path directory =
        std::filesystem::path(options_.out_directory) / "findings";
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) {
      return Fail(ErrorCode::kIo,
                  fmt::format("cannot create {}: {}", directory.string(), error.message()));
    }
    for (Finding& finding : result.findings) {
      if (options_.known_signatures.contains(finding.signature)) continue;
      const FindingDraft& draft = collector_.drafts().at(finding.signature);
      ExploreSettings settings = draft.settings;
      settings.check = CommandFromHere(settings.check);
      const Case saved{.id = finding.id,
                       .signature = finding.signature,
                       .settings = settings,
                       .trace = CutTrace(trace_, draft.state.position, draft.window.attempted),
                       .window = draft.window,
                       .lost = draft.complete.lost,
                       .fault = draft.fault,
                       .further = draft.further,
                       .violation = draft.violation,
                       .models = finding.models,
                       .level = finding.fault_level,
                       .target_version = VersionOfTarget(settings),
                       .minimised = draft.minimised};
      finding.case_path = "findings/" + finding.id + ".case";
      const std::filesystem::path path =
          std::filesystem::path(options_.out_directory) / finding.case_path;
      if (const Expected<void> written = SaveCase(path.string(), saved); !written) return written;
    }
    return {};
  }

  const Trace& trace_;
  const ExploreOptions& options_;
  const uint64_t state_tests_;  // for each finding, as of ExploreMinimised
  const OnProgress& on_progress_;
  FindingCollector collector_;
  RecoverabilitySurvey survey_;
  std::chrono::steady_clock::time_point started_;
  ExploreProgress progress_;
  uint64_t recoveries_ = 0;
  size_t varying_ = 0;  // findings that were dropped
  std::vector<std::pair<std::string, Verdict>> other_models_;
  std::set<std::string> further_bounds_;
  std::vector<FaultTally> faults_fired_;
  std::vector<PointResult> damaged_;  // by faults beyond the disk's contract
  bool interrupted_ = false;
  bool out_of_budget_ = false;
};

}  // namespace

Expected<Result> ExploreMinimised(const Trace& trace, const ExploreOptions& options,
                                  uint64_t state_tests, const OnProgress& on_progress) {
  const Expected<const EngineType*> type = TypeOfTarget(options.settings);
  if (!type) return std::unexpected(type.error());
  Expected<Result> result = Exploration(trace, **type, options, state_tests, on_progress).Run();
  if (!result) return result;
  const Expected<void> added = AddReaderFinding(trace, options, *result);
  if (!added) return std::unexpected(added.error());
  return result;
}

}  // namespace plugpull
