#include "harness/sync_trials.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "faults/base/assert.h"
#include "faults/persistence/model_text.h"
#include "harness/case_file.h"
#include "harness/old_cases.h"

namespace plugpull {
namespace {

// A run without a sync is broken in the same few ways at most of its crash points.
constexpr uint32_t kPerClass = 2;
constexpr uint32_t kPatience = 16;

// Where the cases of trials are that nobody will ask for.
constexpr const char* kScratch = "trials";

// What a search ends with where something is violated, and says nothing about other models.
constexpr std::string_view kPerClassBound = "per-class";

// Returns: what kept the search from looking at everything, in words; empty: nothing.
std::string BoundOf(const Result& result) {
  std::string text;
  if (result.coverage.mode == "sampled") text = "sampled";
  for (const std::string& bound : result.coverage.bounds) {
    if (bound == kPerClassBound) continue;
    text += (text.empty() ? "" : "; ") + bound;
  }
  return text;
}

std::vector<SyncVerdict> VerdictsOf(const Result& result, const ExploreSettings& settings,
                                    bool all_models) {
  std::vector<std::pair<std::string, Verdict>> verdicts = result.models;
  if (!all_models) verdicts = {{ModelText(*settings.model), result.verdict}};
  const std::string bound = BoundOf(result);
  const std::string unknown =
      result.coverage.unknown.empty() ? bound : result.coverage.unknown.front();
  std::vector<SyncVerdict> models;
  for (auto& [name, verdict] : verdicts) {
    // A search that was cut off half way has not seen anything hold.
    const bool is_cut = result.interrupted || bound.find("budget") != std::string::npos;
    if (verdict == Verdict::kHeld && is_cut) verdict = Verdict::kUnknown;
    models.push_back({.model = std::move(name),
                      .verdict = verdict,
                      .bound = verdict == Verdict::kHeld      ? bound
                               : verdict == Verdict::kUnknown ? unknown
                                                              : ""});
  }
  return models;
}

}  // namespace

const SyncVerdict& VerdictOf(const SyncTrial& trial, const std::string& model) {
  const auto found = std::ranges::find(trial.models, model, &SyncVerdict::model);
  Assert(found != trial.models.end(), "every trial is about the models asked for");
  return *found;
}

SyncTrials::SyncTrials(const Trace& trace, const ExploreOptions& options,
                       const OnSyncProgress& on_progress)
    : trace_(trace),
      options_(options),
      on_progress_(on_progress),
      started_(std::chrono::steady_clock::now()) {}

Expected<SyncTrial> SyncTrials::Try(const std::string& question,
                                    const std::vector<uint32_t>& removed,
                                    const std::vector<SyncProposal>& added,
                                    const std::string& directory, const Model* only) {
  ExploreOptions explore = options_;
  if (only != nullptr) {
    explore.settings.model = only;
    explore.all_models = false;
  }
  explore.settings.per_class = std::min(explore.settings.per_class, kPerClass);
  explore.settings.patience = std::min(explore.settings.patience, kPatience);
  if (explore.budget) {
    explore.budget = *explore.budget - std::chrono::duration_cast<std::chrono::milliseconds>(
                                           std::chrono::steady_clock::now() - started_);
    if (explore.budget->count() <= 0) out_of_budget_ = true;
  }
  SyncTrial trial;
  if (stopped()) {
    const std::string why = interrupted_ ? "stopped by a signal" : "out of budget";
    const bool is_all = explore.all_models;
    for (const Model& model : Models()) {
      if (is_all) trial.models.push_back({model.name, Verdict::kUnknown, why});
    }
    if (!is_all) trial.models = {{ModelText(*explore.settings.model), Verdict::kUnknown, why}};
    return trial;
  }
  std::vector<AddedSync> all_added;
  for (const SyncProposal& proposal : added) {
    all_added.insert(all_added.end(), proposal.added.begin(), proposal.added.end());
  }
  const EditedTrace edited = EditSyncs(trace_, removed, std::move(all_added));
  explore.first_position = std::max(explore.first_position, edited.PositionOf(first_position_));
  const std::string below = directory.empty() ? kScratch : directory;
  if (below != ".") explore.out_directory += "/" + below;
  if (const Expected<void> clean = RemoveOldCases(explore.out_directory); !clean) {
    return std::unexpected(clean.error());
  }
  SyncProgress progress{.question = question, .explore = {}};
  Expected<Result> result = Explore(edited.trace, explore, [&](const ExploreProgress& now) {
    progress.explore = now;
    return on_progress_(progress);
  });
  if (!result) return std::unexpected(result.error());
  ++explorations_;
  recoveries_ += result->coverage.recoveries;
  interrupted_ = interrupted_ || result->interrupted;
  const auto& bounds = result->coverage.bounds;
  out_of_budget_ = out_of_budget_ || std::ranges::find(bounds, "budget") != bounds.end();
  trial.models = VerdictsOf(*result, explore.settings, explore.all_models);
  if (const Expected<void> read = ReadStates(*result, edited, below, trial); !read) {
    return std::unexpected(read.error());
  }
  if (!directory.empty()) return trial;
  if (const Expected<void> clean = RemoveOldCases(explore.out_directory); !clean) {
    return std::unexpected(clean.error());
  }
  std::error_code ignored;  // not empty: somebody else's
  std::filesystem::remove(explore.out_directory + "/findings", ignored);
  std::filesystem::remove(explore.out_directory, ignored);
  return trial;
}

Expected<void> SyncTrials::ReadStates(const Result& result, const EditedTrace& edited,
                                      const std::string& directory, SyncTrial& trial) {
  for (const Finding& finding : result.findings) {
    const std::string path =
        directory == "." ? finding.case_path : directory + "/" + finding.case_path;
    trial.damage.push_back({.id = finding.id,
                            .violation = finding.violation,
                            .fault_level = finding.fault_level,
                            .models = finding.models,
                            .message = finding.message,
                            .signature = finding.signature,
                            .lost = finding.lost,
                            .case_path = directory == kScratch ? "" : path});
    const Expected<Case> saved = LoadCase(options_.out_directory + "/" + path);
    if (!saved) return std::unexpected(saved.error());
    if (saved->while_recording || !saved->running_plan.empty()) continue;
    BrokenState state{.position = edited.OriginalPosition(saved->trace.ops.size()),
                      .tear = saved->settings.tear,
                      .model = saved->settings.model,
                      .lost = saved->lost,
                      .in_recovery = !saved->further.empty()};
    for (AtomId& atom : state.lost) atom.op = edited.original[atom.op];
    trial.states.push_back(std::move(state));
    trial.damage_of_states.push_back(trial.damage.size() - 1);
  }
  return {};
}

Expected<SyncTrial> SyncTrials::TryAdded(const std::vector<SyncProposal>& added) {
  std::vector<size_t> key;
  for (const SyncProposal& proposal : added) {
    key.push_back(SIZE_MAX);
    key.push_back(static_cast<size_t>(proposal.kind));
    for (const AddedSync& sync : proposal.added) {
      key.push_back(sync.before);
      key.push_back(sync.op.inode);
    }
  }
  if (const auto known = known_.find(key); known != known_.end()) return known->second;
  Expected<SyncTrial> trial = Try("with syncs added", {}, added, "");
  if (trial && !stopped()) known_[key] = *trial;
  return trial;
}

void SyncTrials::Report(SyncReport& report) const {
  report.explorations = explorations_;
  report.recoveries = recoveries_;
  report.interrupted = interrupted_;
  report.out_of_budget = out_of_budget_;
  report.elapsed_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
}

}  // namespace plugpull
