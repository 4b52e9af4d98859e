#include "harness/cli/explore_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "faults/persistence/model_text.h"
#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/output.h"
#include "harness/cli/say.h"
#include "harness/cycles.h"
#include "harness/image_judge.h"
#include "harness/minimise_findings.h"
#include "reports/console.h"

namespace plugpull {
namespace {

// A program takes a hundred times as long to recover as an engine that is linked.
constexpr uint64_t kStateTestsOfPrograms = 40;
constexpr uint64_t kMostWorkloads = 4;
constexpr uint64_t kMostWorkloadsOfPrograms = 2;

// Returns: what --minimize or --no-minimize says.
bool Minimises(const Options& options) {
  const CLI::Option* option =
      options.command == nullptr ? nullptr : options.command->get_option_no_throw("--minimize");
  return option == nullptr || option->empty() || option->as<bool>();
}

int ExitCodeOf(const Result& result) {
  if (result.interrupted) return kExitInterrupted;
  if (result.verdict == Verdict::kViolated) return kExitFound;
  const bool never_fired = std::ranges::any_of(
      result.faults_fired, [](const FaultTally& tally) { return !tally.advice.empty(); });
  if (never_fired) return kExitUsage;
  if (result.verdict == Verdict::kUnknown) return kExitNotReproduced;
  return kExitHeld;
}

}  // namespace

void SayHow(const Options& options, const ExploreOptions& explore, const std::string& name) {
  if (options.quiet) return;
  const ExploreSettings& settings = explore.settings;
  const std::string judged =
      settings.check.empty()
          ? fmt::format("promise {}, depth {}", Name(settings.promise), settings.depth)
          : fmt::format("check {}", Printable(settings.check));
  Say("{}: seed {}, model {}, tear {}, {}, {} jobs\n", Printable(name), settings.seed,
      explore.all_models ? "all" : ModelText(*settings.model), Name(settings.tear), judged,
      explore.jobs);
}

int ExploreAndReport(const ExploreJob& job, const Options& options, ProgressDisplay& display) {
  const auto started = std::chrono::steady_clock::now();
  const OnProgress on_progress = [&display](const ExploreProgress& progress) {
    return display.Show(progress);
  };
  const bool is_slow = NeedsImages(job.explore.settings);
  const bool has_cycles = job.recorded && job.explore.cycles > 1;
  Expected<Result> result =
      has_cycles
          ? ExploreCycles(*job.recorded, job.trace, job.explore, on_progress)
          : ExploreMinimised(job.trace, job.explore,
                             is_slow ? kStateTestsOfPrograms : kStateTestsPerFinding, on_progress);
  if (result && job.recorded && Minimises(options)) {
    MinimiseOptions minimise;
    minimise.most_workloads = is_slow ? kMostWorkloadsOfPrograms : kMostWorkloads;
    minimise.goes_on = [&] {
      const bool is_late =
          job.explore.budget && std::chrono::steady_clock::now() - started > *job.explore.budget;
      return !is_late && !ProgressDisplay::StopRequested();
    };
    const Expected<void> done = MinimiseCases(options.out, minimise, *result);
    if (!done) return Complain(done.error());
  }
  display.Finish();
  if (!result) return Complain(result.error());
  result->command = job.command;
  result->target = job.name;
  const auto door = job.trace.facts.find("door");
  if (door != job.trace.facts.end()) result->door = door->second;
  if (const Expected<void> written = WriteOutput(options, *result); !written) {
    return Complain(written.error());
  }
  for (const FaultTally& tally : result->faults_fired) {
    if (tally.advice.empty()) continue;
    Say("plugpull: the fault never fired: {}; {}\n", Printable(tally.fault),
        Printable(tally.advice));
  }
  return ExitCodeOf(*result);
}

}  // namespace plugpull
