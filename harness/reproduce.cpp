#include "harness/reproduce.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "faults/persistence/model_text.h"
#include "harness/case_file.h"
#include "harness/grade_totals.h"
#include "harness/image_judge.h"
#include "harness/kept_image.h"
#include "harness/program_notes.h"
#include "harness/version.h"

namespace plugpull {
namespace {

// A recovery of a large store takes long, and the first ones at a point differ most.
constexpr uint64_t kRecoveriesOfLargeStores = 100;

class SymptomHunt {
 public:
  SymptomHunt(const ReproduceOptions& options, const OnReproduceProgress& on_progress)
      : options_(options), on_progress_(on_progress), started_(Clock::now()) {}

  Expected<Reproduction> Run() {
    found_.symptom = options_.explore.settings.symptom;
    for (const GradeRung& rung : options_.rungs) {
      for (size_t workload = 0; workload < options_.workloads.size(); ++workload) {
        if (!IsWanted(rung) || interrupted_) break;
        if (const Expected<void> done = Search(rung, workload); !done) {
          return std::unexpected(done.error());
        }
      }
    }
    return Summarise();
  }

 private:
  using Clock = std::chrono::steady_clock;

  // The first fault that yields the symptom ends the search. Where syncs lied, much was lost at
  // once: then one lost write is looked for as well, which is easier to think about.
  bool IsWanted(const GradeRung& rung) const {
    if (found_.explanations.empty()) return true;
    return found_.explanations.size() == 1 && rung.level == FaultLevel::kStalePage &&
           found_.weakest()->finding.fault_level == FaultLevel::kLyingFlush;
  }

  // The recordings are kept: each is searched once for every fault.
  Expected<const Trace*> TraceOf(size_t workload) {
    const auto known = traces_.find(workload);
    if (known != traces_.end()) return &known->second;
    Expected<Trace> trace = Record(options_.workloads[workload].record);
    if (!trace) return std::unexpected(trace.error());
    if (const Expected<void> faithful = CheckFaithful(*trace); !faithful) {
      return std::unexpected(faithful.error());
    }
    return &traces_.emplace(workload, *std::move(trace)).first->second;
  }

  // Returns: the time for the next search; nothing: there is no bound. What a correct disk may do
  // gets all that is left, for a search that ends early says little; but where reads are not seen,
  // all searches end early.
  std::optional<std::chrono::milliseconds> Share(const GradeRung& rung) const {
    if (!options_.explore.budget) return std::nullopt;
    const size_t all = options_.rungs.size() * options_.workloads.size();
    const bool is_whole = InfoOf(rung.level).legal && !NeedsImages(options_.explore.settings);
    const size_t left = is_whole ? 1 : all - found_.searches.size() + 1;
    const auto time = *options_.explore.budget - (Clock::now() - started_);
    // Signed: where nothing is left, the time is negative.
    return std::chrono::duration_cast<std::chrono::milliseconds>(time / static_cast<int64_t>(left));
  }

  Expected<void> Search(const GradeRung& rung, size_t workload) {
    const RecordSettings& record = options_.workloads[workload].record;
    SymptomSearch& search = found_.searches.emplace_back();
    search.level = rung.level;
    search.fault = rung.fault;
    search.workload = WorkloadText(record);
    ExploreOptions explore = AtRung(options_.explore, rung);
    explore.out_directory = options_.explore.out_directory;
    explore.settings.seed = record.options.seed;
    explore.settings.keys = record.options.keys;
    explore.settings.per_class = 1;
    explore.settings.patience = 1;
    // Where nobody sees what is read, what is usual bounds a search.
    uint64_t& most = explore.settings.recoveries_per_point;
    if (NeedsImages(explore.settings)) most = options_.explore.settings.recoveries_per_point;
    if (!InfoOf(rung.level).legal && most == 0) {
      most = options_.workloads[workload].recoveries_per_point;
    }
    explore.budget = Share(rung);
    if (explore.budget && explore.budget->count() <= 0) {
      search.unknown = "out of budget";
      return {};
    }
    const Expected<const Trace*> trace = TraceOf(workload);
    if (!trace) return std::unexpected(trace.error());
    const uint32_t crashes_from = options_.workloads[workload].crashes_from;
    if (crashes_from > 1) explore.first_position = BeginOf(**trace, crashes_from);
    ReproduceProgress progress{.fault = rung.fault,
                               .workload = search.workload,
                               .searches_done = found_.searches.size() - 1,
                               .searches = options_.rungs.size() * options_.workloads.size(),
                               .explore = {}};
    Expected<Result> result = Explore(**trace, explore, [&](const ExploreProgress& now) {
      progress.explore = now;
      return on_progress_(progress);
    });
    if (!result) return std::unexpected(result.error());
    interrupted_ = result->interrupted;
    totals_.Add(*result);
    search.coverage = result->coverage;
    search.without_symptom = result->without_symptom;
    for (const FaultTally& tally : result->faults_fired) {
      found_.result.faults_fired.push_back(tally);
      search.coverage.recoveries = std::max(search.coverage.recoveries, tally.recoveries);
    }
    // That a fault has no place to happen on this workload is an answer.
    const bool never_fired = std::ranges::any_of(
        result->faults_fired, [](const FaultTally& tally) { return !tally.advice.empty(); });
    if (result->verdict == Verdict::kUnknown && !never_fired && !result->coverage.unknown.empty()) {
      search.unknown = result->coverage.unknown.front();
    }
    if (interrupted_) search.unknown = "stopped by a signal";
    if (result->findings.empty()) return {};
    search.shows_symptom = true;
    search.unknown.clear();
    return Keep(*result, record);
  }

  // Takes the finding of the weakest fault, and of these the one that loses least.
  Expected<void> Keep(const Result& result, const RecordSettings& record) {
    const auto rank = [](const Finding& finding) {
      return std::tuple(finding.fault_level, finding.lost.size());
    };
    Explanation explanation{.finding = *std::ranges::min_element(result.findings, {}, rank),
                            .workload = WorkloadText(record),
                            .pages = {},
                            .image = {}};
    const std::string& directory = options_.explore.out_directory;
    const Expected<Case> saved = LoadCase(directory + "/" + explanation.finding.case_path);
    if (!saved) return std::unexpected(saved.error());
    Expected<std::vector<std::string>> pages = TamperedPages(*saved);
    if (!pages) return std::unexpected(pages.error());
    explanation.pages = *std::move(pages);
    Expected<std::string> image = KeepImage(directory, *saved);
    if (!image) return std::unexpected(image.error());
    explanation.image = *std::move(image);
    found_.result.findings.push_back(explanation.finding);
    found_.explanations.push_back(std::move(explanation));
    return {};
  }

  Expected<Reproduction> Summarise() {
    Result& result = found_.result;
    const ExploreSettings& settings = options_.explore.settings;
    totals_.Fill(result);
    result.command = "reproduce";
    result.version = kVersion;
    result.commit = kCommit;
    result.target = settings.target;
    result.seed = settings.seed;
    result.model = ModelText(*settings.model);
    result.tear = Name(settings.tear);
    result.promise = settings.promise;
    result.interrupted = interrupted_;
    for (const GradeRung& rung : options_.rungs) result.faults.push_back(rung.fault);
    const bool is_known = std::ranges::all_of(
        found_.searches, [](const SymptomSearch& search) { return search.unknown.empty(); });
    result.verdict = is_known ? Verdict::kHeld : Verdict::kUnknown;
    if (found_.weakest() != nullptr) result.verdict = Verdict::kViolated;
    result.elapsed_s = std::chrono::duration<double>(Clock::now() - started_).count();
    return std::move(found_);
  }

  const ReproduceOptions& options_;
  const OnReproduceProgress& on_progress_;
  Clock::time_point started_;
  Reproduction found_;
  GradeTotals totals_;
  std::map<size_t, Trace> traces_;  // by workload
  bool interrupted_ = false;
};

}  // namespace

std::vector<ReproduceWorkload> WorkloadsToTry(const std::string& target, uint64_t seed) {
  std::vector<ReproduceWorkload> tried;
  const std::string engine = target.substr(0, target.find(':'));
  for (const Workload& workload : Workloads()) {
    if (workload.engine != engine) continue;
    tried.push_back({.record = {target,
                                std::string(workload.name),
                                {.seed = seed, .transactions = workload.report_transactions}},
                     .crashes_from = workload.report_begins});
  }
  tried.push_back({.record = {target, "mixed", {.seed = seed, .transactions = 200, .keys = 40}}});
  for (const uint32_t keys : {2000U, 20'000U}) {
    tried.push_back({.record = {target, "roles", {.seed = seed, .transactions = 40, .keys = keys}},
                     .recoveries_per_point = kRecoveriesOfLargeStores});
  }
  return tried;
}

std::string WorkloadText(const RecordSettings& settings) {
  return fmt::format("{}, {} keys, {} transactions", settings.workload, settings.options.keys,
                     settings.options.transactions);
}

Expected<Reproduction> Reproduce(const ReproduceOptions& options,
                                 const OnReproduceProgress& on_progress) {
  return SymptomHunt(options, on_progress).Run();
}

}  // namespace plugpull
