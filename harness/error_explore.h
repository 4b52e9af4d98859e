// What a crash leaves of an error run: the quick look that every plan gets, in the process that ran
// it. Where it finds something, the run is explored again in full (error_campaign.h).
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "harness/error_run.h"
#include "harness/explore_settings.h"

namespace plugpull {

// How far the quick look goes. Part of the result: it bounds what was seen.
inline constexpr size_t kPointsPerPlan = 6;
inline constexpr uint64_t kRecoveriesPerPlanPoint = 16;

// Stands for all crash points of a run.
inline constexpr size_t kAnyPosition = SIZE_MAX;

// A class of violation and the first crash point of a run that showed it.
struct CrashViolation {
  ViolationClass violation = ViolationClass::kLostCommit;
  size_t position = 0;
};

// What one plan led to.
struct PlanResult {
  ErrorOutcome outcome = ErrorOutcome::kNeverFired;
  std::optional<Violation> violation;       // while running
  std::vector<CrashViolation> after_crash;  // each class once, sorted
  std::vector<uint64_t> fired;              // for each rule
  std::vector<CallSeen> calls;              // of the run without failures
  // Of the run as far as a crash can tell. What follows is a function of it, so plans that lead to
  // the same run are explored once.
  uint64_t run_hash = 0;
  bool is_plain = false;  // nothing on disk differs from the run without failures: not explored
  uint64_t crash_points = 0;
  uint64_t recoveries = 0;
  std::string states = "0";  // covered, decimal
  bool states_exact = true;
  bool exhausted = true;  // all crash points, and all states of each
  std::vector<std::string> unknown;
};

nlohmann::json ToJson(const PlanResult& result);
Expected<PlanResult> PlanResultFromJson(const nlohmann::json& json);

// Returns: `settings` for exploring an error run: with a model that does after a failed sync what
// was done in the run.
ExploreSettings SettingsFor(const Trace& trace, ExploreSettings settings);

// Runs plans and looks at what crashes leave. Keeps what it knows of runs it has seen.
class PlanExplorer {
 public:
  PlanExplorer(RecordSettings record, ExploreSettings settings);
  ~PlanExplorer();

  // Returns: the result; `run` is the run itself. Errors: as RunWithFailures.
  Expected<PlanResult> Explore(const FailurePlan& plan, bool run_only, ErrorRun& run);

 private:
  struct Known;

  void LookAfterCrashes(const Trace& trace, PlanResult& result);

  RecordSettings record_;
  ExploreSettings settings_;
  std::unique_ptr<Known> known_;
};

}  // namespace plugpull
