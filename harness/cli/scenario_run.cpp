#include "harness/cli/scenario_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "engine/drivers/driver.h"
#include "harness/cycles.h"
#include "harness/error_campaign.h"
#include "reports/console.h"

namespace plugpull {
namespace {

std::string LevelText(FaultLevel level) {
  return fmt::format("{} (level {})", InfoOf(level).name, InfoOf(level).number);
}

// Returns: the finding that the case is about, or the first, or null.
const Finding* FindingOf(const Result& result, const ScenarioCase& expected) {
  const auto is_it = [&](const Finding& finding) {
    return Name(finding.violation) == expected.expected &&
           (expected.level.empty() || InfoOf(finding.fault_level).name == expected.level);
  };
  const auto found = std::ranges::find_if(result.findings, is_it);
  if (found != result.findings.end()) return &*found;
  return result.findings.empty() ? nullptr : &result.findings.front();
}

std::string Got(const Result& result, const Finding* finding) {
  if (finding != nullptr) {
    std::string text = fmt::format("{} at {}: {}", Name(finding->violation),
                                   LevelText(finding->fault_level), finding->message);
    if (!finding->recoverability.empty()) text += fmt::format("; {}", finding->recoverability);
    return text;
  }
  if (result.without_symptom > 0) {
    return fmt::format("{} violations, none with the symptom", result.without_symptom);
  }
  if (result.verdict == Verdict::kUnknown) {
    return fmt::format("unknown: {}", fmt::join(result.coverage.unknown, "; "));
  }
  return fmt::format("held, {} in {} recoveries", result.coverage.mode, result.coverage.recoveries);
}

bool IsAsExpected(const Result& result, const Finding* finding, const ScenarioCase& expected) {
  if (expected.expected == "held") {
    return finding == nullptr && result.verdict == Verdict::kHeld && result.without_symptom == 0;
  }
  if (finding == nullptr || Name(finding->violation) != expected.expected) return false;
  const bool level_fits =
      expected.level.empty() || InfoOf(finding->fault_level).name == expected.level;
  // What would mend it is told only where the engine has tools for that.
  const bool mends = expected.recoverability.empty() || finding->recoverability.empty() ||
                     finding->recoverability.starts_with(expected.recoverability);
  return level_fits && mends;
}

Expected<Result> Run(const ScenarioCase& scenario_case, ExploreOptions explore,
                     const OnProgress& on_progress) {
  const Options& options = scenario_case.options;
  const Expected<RecordSettings> record = ToRecordSettings(options);
  if (!record) return std::unexpected(record.error());
  if (!options.errors.empty()) {
    return RunErrorCampaign(*record, options.errors, explore, on_progress);
  }
  const Expected<Trace> trace = Record(*record);
  if (!trace) return std::unexpected(trace.error());
  if (scenario_case.crashes_from != 0) {
    explore.first_position = BeginOf(*trace, scenario_case.crashes_from);
  }
  return explore.cycles > 1 ? ExploreCycles(*record, *trace, explore, on_progress)
                            : Explore(*trace, explore, on_progress);
}

}  // namespace

std::string ExpectedText(const ScenarioCase& scenario_case) {
  std::string text = scenario_case.expected;
  if (!scenario_case.level.empty()) text += " at " + scenario_case.level;
  if (!scenario_case.symptom.empty()) text += fmt::format(", '{}'", scenario_case.symptom);
  if (!scenario_case.recoverability.empty()) text += ", " + scenario_case.recoverability;
  return text;
}

Expected<CaseOutcome> RunScenarioCase(const ScenarioCase& scenario_case, uint32_t jobs,
                                      const std::string& out_directory,
                                      const OnProgress& on_progress) {
  const Expected<Target> target = ParseTarget(scenario_case.options.target);
  if (!target) return std::unexpected(target.error());
  if (target->is_program()) {
    if (const Expected<DriverProgram> program = target->Program(); !program) {
      return CaseOutcome{.skipped = true, .got = Describe(program.error())};
    }
  }
  Options options = scenario_case.options;
  options.jobs = jobs;
  options.out = out_directory;
  Expected<ExploreOptions> explore = ToExploreOptions(options);
  if (!explore) return std::unexpected(explore.error());
  explore->settings.symptom = scenario_case.symptom;
  const Expected<Result> result = Run(scenario_case, *explore, on_progress);
  if (!result) return std::unexpected(result.error());
  const Finding* finding = FindingOf(*result, scenario_case);
  return CaseOutcome{.as_expected = IsAsExpected(*result, finding, scenario_case),
                     .interrupted = result->interrupted,
                     .got = Got(*result, finding),
                     .case_path = finding == nullptr ? "" : finding->case_path};
}

}  // namespace plugpull
