#include "harness/cli/grade_command.h"

#include <fmt/format.h>

#include <filesystem>

#include "faults/persistence/model_text.h"
#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/output.h"
#include "harness/cli/progress_display.h"
#include "harness/cli/say.h"
#include "harness/fault_search.h"
#include "harness/grade.h"

namespace plugpull {
namespace {

constexpr const char* kFileName = "grade.json";

constexpr const char* kFooter =
    "The levels of a correct disk are climbed first: process-kill, power-cut-ordered, power-cut,\n"
    "torn-write. Each includes those before it: what one breaks is broken at the next. Faults\n"
    "beyond the disk's contract are then tried one at a time.\n"
    "\n"
    "In a CI job: the exit code is about the promise asked for and a correct disk alone. It is 1\n"
    "when one of those levels breaks the promise, 4 when some of it is not known, else 0, "
    "whatever\n"
    "a disk that lies may do. So state what the engine documents, as in\n"
    "  plugpull grade sqlite:journal=wal,sync=normal --promise prefix --legal\n"
    "and keep --json or --markdown FILE as the record: a later release that breaks a promise at a\n"
    "weaker level than before shows in its field `grade`.";

// Says what was asked for by name and never happened. Returns: true when there was something.
bool ComplainOfFaults(const Options& options, const Result& result) {
  bool complained = false;
  for (const FaultTally& tally : result.faults_fired) {
    if (options.faults.empty() || tally.advice.empty()) continue;
    Say("plugpull: the fault never fired: {}; {}\n", Printable(tally.fault),
        Printable(tally.advice));
    complained = true;
  }
  return complained;
}

int ExitCodeOf(const Result& result, bool complained) {
  if (result.interrupted) return kExitInterrupted;
  if (complained && result.verdict != Verdict::kViolated) return kExitUsage;
  switch (result.verdict) {
    case Verdict::kHeld:
      return kExitHeld;
    case Verdict::kViolated:
      return kExitFound;
    case Verdict::kUnknown:
      return kExitNotReproduced;
  }
  return kExitNotReproduced;
}

Expected<GradeOptions> ToGradeOptions(const GradeLine& line) {
  Options options = line.options;
  if (options.model == "all") {
    return Fail(ErrorCode::kInvalidArgument,
                "--model all is not for grade, which climbs under one model; name it, or see "
                "plugpull compare");
  }
  if (line.legal && !options.faults.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "--legal leaves out what --faults asks for; give one of them");
  }
  if (options.cycles > 1) {
    return Fail(ErrorCode::kInvalidArgument,
                "grade looks at one cycle; see plugpull run --cycles for more");
  }
  options.faults.clear();
  GradeOptions grade;
  Expected<ExploreOptions> explore = ToExploreOptions(options);
  if (!explore) return std::unexpected(explore.error());
  grade.explore = *std::move(explore);
  grade.rungs = LegalRungs();
  if (!line.legal) {
    const Expected<std::vector<GradeRung>> beyond = RungsBeyond(line.options.faults);
    if (!beyond) return std::unexpected(beyond.error());
    // Where a wrong page is a read that fails, there is nothing to climb.
    for (const GradeRung& rung : *beyond) {
      const bool fails = grade.explore.settings.model->data_checksums && PutsWrongBytes(rung.fault);
      if (!fails) grade.rungs.push_back(rung);
    }
  }
  return grade;
}

}  // namespace

void AddGradeCommand(CLI::App& app, GradeLine& line) {
  Options& options = line.options;
  CLI::App& command = *app.add_subcommand(
      "grade", "Grade a target: for each promise the weakest fault that breaks it");
  command
      .add_option("target", options.target,
                  "Engine and options, as in sqlite:journal=wal,sync=full")
      ->capture_default_str();
  AddWorkloadOptions(command, options);
  AddExploreOptions(command, options);
  command.get_option("--faults")
      ->description(
          "Faults beyond the disk's contract to try, separated by commas (default: each, "
          "as plugpull list faults has it)");
  command.add_flag("--legal", line.legal, "Climb only what a correct disk may do");
  command.get_option("--promise")
      ->description(
          "What has to hold on a correct disk, for the exit code: opens, intact, atomic, "
          "prefix or durable");
  command.get_option("--tear")->description(
      "How level 3 may cut a write: none, 4096, 512 or 512,any");
  command.get_option("--recoveries")
      ->description("Most recoveries at one crash point of one search (0: what is usual here)");
  command.get_option("--budget")
      ->description("Stop after this time, shared out among the levels: 90s, 30m, 2h");
  command.add_option("--out", options.out, "Directory for the report and the cases")
      ->capture_default_str();
  command.add_option("--json", options.reports["json"],
                     "FILE: write the grade as one JSON object (plugpull.result/1 with grade and "
                     "grade_grid); - is standard output");
  command.add_option("--markdown", options.reports["markdown"],
                     "FILE: write the grade as Markdown; - is standard output");
  command.add_flag("--quiet", options.quiet, "Print the last line only");
  AddConfigOption(command, options);
  command.footer(kFooter);
}

int GradeCommand(const GradeLine& line) {
  const Options& options = line.options;
  const Expected<RecordSettings> record = ToRecordSettings(options);
  if (!record) return Complain(record.error());
  const Expected<GradeOptions> grading = ToGradeOptions(line);
  if (!grading) return Complain(grading.error());
  if (const Expected<void> prepared = PrepareOutput(options); !prepared) {
    return Complain(prepared.error());
  }
  const ExploreSettings& settings = grading->explore.settings;
  if (!options.quiet) {
    Say("{}: seed {}, model {}, tear {}, promise {}, {} levels, {} jobs\n", settings.target,
        settings.seed, ModelText(*settings.model), Name(settings.tear), Name(settings.promise),
        grading->rungs.size(), grading->explore.jobs);
  }
  ProgressDisplay display(settings.target, options.quiet);
  const Expected<Trace> trace = Record(*record);
  if (!trace) return Complain(trace.error());
  const Expected<Grade> grade = ClimbLadder(
      *grading,
      [&trace](const ExploreOptions& explore, const OnProgress& on_progress) {
        return Explore(*trace, explore, on_progress);
      },
      [&](const GradeProgress& progress) {
        display.SetTitle(fmt::format("{} at {} ({} of {}), {}", settings.target, progress.fault,
                                     progress.levels_done + 1, progress.levels,
                                     Name(progress.promise)));
        return display.Show(progress.explore);
      });
  display.Finish();
  if (!grade) return Complain(grade.error());
  const std::string report = (std::filesystem::path(options.out) / kFileName).string();
  const Expected<void> written =
      WriteReports(options, kFileName,
                   {{"json", RenderGradeJson(*grade)}, {"markdown", RenderGradeMarkdown(*grade)}},
                   [&](ConsoleStyle style) {
                     const std::string text =
                         options.quiet ? "" : RenderGradeConsole(*grade, options.out, style);
                     return text + RenderGradeLastLine(*grade, report, style) + "\n";
                   });
  if (!written) return Complain(written.error());
  return ExitCodeOf(grade->result, ComplainOfFaults(options, grade->result));
}

}  // namespace plugpull
