#include "harness/cli/explore_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "faults/persistence/model_text.h"
#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/output.h"
#include "harness/cli/say.h"
#include "harness/cycles.h"
#include "reports/console.h"

namespace plugpull {
namespace {

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
  const OnProgress on_progress = [&display](const ExploreProgress& progress) {
    return display.Show(progress);
  };
  Expected<Result> result = job.recorded
                                ? ExploreCycles(*job.recorded, job.trace, job.explore, on_progress)
                                : Explore(job.trace, job.explore, on_progress);
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
