#include "harness/cli/selftest_command.h"

#include <algorithm>
#include <thread>

#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/output.h"
#include "harness/cli/progress_display.h"
#include "harness/cli/say.h"
#include "harness/selftest/selftest.h"

namespace plugpull {
namespace {

constexpr const char* kFileName = "selftest.json";
constexpr uint32_t kMostJobs = 1024;

constexpr const char* kFooter =
    "Each row is a bug that was put into an engine on purpose, or something good. The columns: "
    "the\n"
    "first schedule that showed it, the recoveries until then, the weakest fault level that "
    "reaches\n"
    "it, and the classes that fired. Outcomes: killed; equivalent: does no harm on a correct disk, "
    "and\n"
    "was left alone there (see the note, and what a disk beyond its contract makes of it); held: "
    "good,\n"
    "and left alone. MISSED, FALSE ALARM and BROKEN make the exit code 5.";

}  // namespace

void AddSelftestCommand(CLI::App& app, SelftestLine& line) {
  CLI::App& command = *app.add_subcommand(
      "selftest", "Run the planted bugs and the litmus tests: what is missed, what is accused");
  Options& options = line.options;
  options.out = "plugpull-selftest";
  command.add_option("--engine", line.engine, "Only the bugs of this engine, as in cow_tree");
  TakesNumber(
      command.add_option("--jobs", options.jobs, "Rows at a time (default: one for each core)"), 1,
      kMostJobs);
  command
      .add_option("--out", options.out,
                  "Directory for the report and, in one of its name, the cases of each row")
      ->capture_default_str();
  command.add_option("--json", options.reports["json"],
                     "FILE: write the table as one JSON object (plugpull.selftest/1); - is "
                     "standard output");
  command.add_option("--markdown", options.reports["markdown"],
                     "FILE: write the table as Markdown; - is standard output");
  command.add_flag("--quiet", options.quiet, "Print the last line only");
  AddConfigOption(command, options);
  command.footer(kFooter);
}

int SelftestCommand(const SelftestLine& line) {
  const Options& options = line.options;
  const Expected<std::vector<PlantedBug>> bugs = PlantedBugs(line.engine);
  if (!bugs) return Complain(bugs.error());
  if (const Expected<void> prepared = PrepareOutput(options); !prepared) {
    return Complain(prepared.error());
  }
  ProgressDisplay display("selftest", options.quiet);
  const SelftestReport report = RunSelftest(
      *bugs,
      {.jobs = options.jobs != 0 ? options.jobs : std::max(1U, std::thread::hardware_concurrency()),
       .out_directory = options.out,
       .on_progress = [&display](size_t rows_done, size_t rows) {
         ExploreProgress progress;
         progress.points_done = rows_done;
         progress.points = rows;
         return display.Show(progress);
       }});
  display.Finish();
  const Expected<void> written = WriteReports(
      options, kFileName,
      {{"json", RenderSelftestJson(report)}, {"markdown", RenderSelftestMarkdown(report)}},
      [&](ConsoleStyle /*style*/) {
        return options.quiet ? SelftestLastLine(report) + "\n" : RenderSelftestConsole(report);
      });
  if (!written) return Complain(written.error());
  if (report.interrupted) return kExitInterrupted;
  return report.passed() ? kExitHeld : kExitSelftestFailed;
}

}  // namespace plugpull
