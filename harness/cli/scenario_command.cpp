#include "harness/cli/scenario_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "engine/target.h"
#include "faults/base/nearest.h"
#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/output.h"
#include "harness/cli/progress_display.h"
#include "harness/cli/say.h"
#include "harness/cli/scenario.h"
#include "harness/cli/scenario_run.h"
#include "reports/console.h"

namespace plugpull {
namespace {

constexpr const char* kFooter =
    "A scenario is a field report as data: a target, a workload, a fault, and what has to come\n"
    "out. plugpull list scenarios shows them. The same scenario comes out the same every time.\n"
    "\n"
    "Exit codes: 0 everything as expected, 1 something else came out, 2 usage error, 3 "
    "environment\n"
    "error, 6 stopped by a signal.";

struct Tally {
  size_t run = 0;
  size_t as_expected = 0;
  size_t skipped = 0;
  bool interrupted = false;
};

// Returns: the scenarios asked for, in the order of the list.
Expected<std::vector<Scenario>> Chosen(const ScenarioLine& line) {
  Expected<std::vector<Scenario>> known = Scenarios();
  if (!known) return known;
  if (line.all && !line.ids.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "--all runs every scenario; leave out the names");
  }
  if (line.all) return known;
  if (line.ids.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "name a scenario, as in B3, or give --all (plugpull list scenarios)");
  }
  std::vector<std::string> names;
  for (const Scenario& scenario : *known) names.push_back(scenario.id);
  for (const std::string& id : line.ids) {
    if (std::ranges::find(names, id) != names.end()) continue;
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("there is no scenario '{}'{}", id, NearestHint(id, names)));
  }
  std::erase_if(*known, [&](const Scenario& scenario) {
    return std::ranges::find(line.ids, scenario.id) == line.ids.end();
  });
  return known;
}

// No engine asked for: all that are part of plugpull.
bool IsOf(const ScenarioCase& scenario_case, const std::string& engine) {
  const std::string& name = scenario_case.options.target;
  if (!engine.empty()) return name.substr(0, name.find(':')) == engine;
  const Expected<Target> target = ParseTarget(name);
  return !target || !target->is_program();
}

// Errors: kInvalidArgument: there is nothing to run.
Expected<void> CheckHasCases(const std::vector<Scenario>& chosen, const std::string& engine) {
  for (const Scenario& scenario : chosen) {
    for (const ScenarioCase& each : scenario.cases) {
      if (IsOf(each, engine)) return {};
    }
  }
  return Fail(ErrorCode::kInvalidArgument,
              engine.empty()
                  ? "these scenarios are of programs; name one with --target"
                  : fmt::format("none of these scenarios has a case for the engine '{}'", engine));
}

void Tell(const ScenarioCase& scenario_case, const CaseOutcome& outcome, const std::string& out) {
  const std::string_view word = outcome.skipped       ? "skipped"
                                : outcome.interrupted ? "stopped"
                                : outcome.as_expected ? "ok"
                                                      : "DIFFERS";
  Print("  {:<8} {}\n", word, scenario_case.name);
  Print("           expected  {}\n", Printable(ExpectedText(scenario_case)));
  Print("           got       {}\n", Printable(outcome.got));
  if (!outcome.case_path.empty()) {
    Print("           plugpull replay {}/{}\n", out, outcome.case_path);
  }
  if (!scenario_case.why.empty() && !outcome.as_expected) {
    Print("           why       {}\n", Printable(scenario_case.why));
  }
}

Expected<void> RunScenario(const Scenario& scenario, const ScenarioLine& line, Tally& tally) {
  const Options& options = line.options;
  const uint32_t jobs =
      options.jobs != 0 ? options.jobs : std::max(1U, std::thread::hardware_concurrency());
  if (!options.quiet) Print("{}  {}: {}\n", scenario.id, scenario.report, scenario.title);
  size_t number = 0;
  for (const ScenarioCase& scenario_case : scenario.cases) {
    ++number;
    if (!IsOf(scenario_case, line.target)) continue;
    const std::string out = fmt::format("{}/{}-{}", options.out, scenario.id, number);
    ProgressDisplay display(scenario.id + " " + scenario_case.name, options.quiet);
    const Expected<CaseOutcome> outcome =
        RunScenarioCase(scenario_case, jobs, out,
                        [&display](const ExploreProgress& now) { return display.Show(now); });
    display.Finish();
    if (!outcome) {
      return Fail(outcome.error().code, fmt::format("{}, {}: {}", scenario.id, scenario_case.name,
                                                    outcome.error().context));
    }
    if (!options.quiet) Tell(scenario_case, *outcome, out);
    tally.skipped += outcome->skipped ? 1 : 0;
    tally.run += outcome->skipped ? 0 : 1;
    tally.as_expected += outcome->as_expected ? 1 : 0;
    tally.interrupted = outcome->interrupted;
    if (tally.interrupted) break;
  }
  return {};
}

}  // namespace

void AddScenarioCommand(CLI::App& app, ScenarioLine& line) {
  Options& options = line.options;
  CLI::App& command =
      *app.add_subcommand("scenario", "Run field reports that are kept as data, and compare");
  command.add_option("id", line.ids, "Which: B3, or several");
  command.add_flag("--all", line.all, "All of them");
  command.add_option("--target", line.target,
                     "Run the cases of this engine: cow_tree, revision_tree, or a program "
                     "(default: every engine that is part of plugpull)");
  TakesNumber(
      command.add_option("--jobs", options.jobs, "Recovery children (default: one for each core)"),
      1, 1024);
  command.add_option("--out", options.out, "Directory for the cases")->capture_default_str();
  command.add_flag("--quiet", options.quiet, "Print the last line only");
  AddConfigOption(command, options);
  command.footer(kFooter);
}

int ScenarioCommand(const ScenarioLine& line) {
  const Expected<std::vector<Scenario>> chosen = Chosen(line);
  if (!chosen) return Complain(chosen.error());
  if (const Expected<void> has_cases = CheckHasCases(*chosen, line.target); !has_cases) {
    return Complain(has_cases.error());
  }
  if (const Expected<void> prepared = PrepareOutput(line.options); !prepared) {
    return Complain(prepared.error());
  }
  Tally tally;
  for (const Scenario& scenario : *chosen) {
    if (const Expected<void> run = RunScenario(scenario, line, tally); !run) {
      return Complain(run.error());
    }
    if (tally.interrupted) break;
  }
  const std::string skipped = tally.skipped == 0 ? "" : fmt::format(", {} skipped", tally.skipped);
  Print("{} scenarios: {} of {} cases as expected{}\n", chosen->size(), tally.as_expected,
        tally.run, skipped);
  if (tally.interrupted) return kExitInterrupted;
  return tally.as_expected == tally.run ? kExitHeld : kExitFound;
}

int ListScenarios() {
  const Expected<std::vector<Scenario>> scenarios = Scenarios();
  if (!scenarios) return Complain(scenarios.error());
  for (const Scenario& scenario : *scenarios) {
    Print("{:<5} {:<28} {}\n", scenario.id, scenario.report, scenario.title);
    for (const ScenarioCase& each : scenario.cases) {
      Print("        {}: {}\n", each.name, Printable(ExpectedText(each)));
    }
  }
  return kExitHeld;
}

}  // namespace plugpull
