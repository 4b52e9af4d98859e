#include "harness/cli/syncs_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "engine/target.h"
#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/explore_report.h"
#include "harness/cli/output.h"
#include "harness/cli/program_command.h"
#include "harness/cli/program_options.h"
#include "harness/cli/progress_display.h"
#include "harness/cli/say.h"
#include "harness/syncs.h"
#include "reports/sync_report_text.h"

namespace plugpull {
namespace {

// Enough for every step of every protocol, also those that come only now and then.
constexpr uint32_t kTransactions = 12;

constexpr const char* kFileName = "syncs.json";

constexpr const char* kFooter =
    "For a program of yours: plugpull syncs --workload CMD --check CMD, or --check CMD -- CMD...,\n"
    "with what plugpull run knows about programs.\n"
    "\n"
    "A place that syncs is taken out of the run, wherever it ran, and the crashes of what is left\n"
    "are explored: load-bearing says what breaks and under which models, redundant that nothing\n"
    "does and every crash state was looked at. A sync that is missing is proposed as a line of "
    "code\n"
    "between two calls; with all of them the run was explored again. Exit code: 0 nothing is\n"
    "missing, 1 something is, or no sync would help, 4 it is not known.";

bool IsProgramTarget(const Options& options) {
  const Expected<Target> target = ParseTarget(options.target);
  return target && target->is_program();
}

// What is recorded and how it is searched, or the exit code of what went wrong.
std::expected<RecordedRun, int> RecordForSyncs(const Options& options,
                                               std::optional<ProgressDisplay>& display) {
  if (IsAboutCommand(options)) return RecordUserProgram(options, display);
  const Expected<RecordSettings> record = ToRecordSettings(options);
  if (!record) return std::unexpected(Complain(record.error()));
  const Expected<DriverSettings> fits = ToDriverSettings(options);
  if (!fits) return std::unexpected(Complain(fits.error()));
  if (IsProgramTarget(options)) return RecordDriverTarget(options, display);
  const Expected<ExploreOptions> explore = ToExploreOptions(options);
  if (!explore) return std::unexpected(Complain(explore.error()));
  if (const Expected<void> prepared = PrepareOutput(options); !prepared) {
    return std::unexpected(Complain(prepared.error()));
  }
  SayHow(options, *explore, options.target);
  display.emplace(options.target, options.quiet);
  Expected<Trace> trace = Record(*record);
  if (!trace) return std::unexpected(Complain(trace.error()));
  return RecordedRun{.name = options.target, .trace = *std::move(trace), .explore = *explore};
}

int ExitCodeOf(const SyncReport& report) {
  if (report.interrupted) return kExitInterrupted;
  const auto is_violated = [](const SyncVerdict& each) {
    return each.verdict == Verdict::kViolated;
  };
  if (std::ranges::any_of(report.models, is_violated)) return kExitFound;
  const bool is_held = std::ranges::all_of(
      report.models, [](const SyncVerdict& each) { return each.verdict == Verdict::kHeld; });
  return is_held ? kExitHeld : kExitNotReproduced;
}

}  // namespace

void AddSyncsCommand(CLI::App& app, Options& options) {
  options.transactions = kTransactions;
  options.model = "all";
  options.depth = 1;  // the syncs of a recovery are none of the run's
  CLI::App& command = *app.add_subcommand(
      "syncs", "Say of every sync of a target what breaks without it, and which ones it lacks");
  command
      .add_option("target", options.target,
                  "Engine and options, as in sqlite:journal=wal,sync=full")
      ->capture_default_str();
  AddWorkloadOptions(command, options);
  AddSearchOptions(command, options);
  AddProgramOptions(command, options);
  AddCheckOption(command, options);
  command.add_option("--out", options.out, "Directory for the report and the cases")
      ->capture_default_str();
  command.add_option("--json", options.reports["json"],
                     "FILE: write the report as one JSON object (plugpull.syncs/1); - is standard "
                     "output");
  command.add_option("--markdown", options.reports["markdown"],
                     "FILE: write the report as Markdown; - is standard output");
  command.add_flag("--quiet", options.quiet, "Print the last line only");
  AddConfigOption(command, options);
  command.footer(kFooter);
}

int SyncsCommand(const Options& options) {
  std::optional<ProgressDisplay> display;
  const std::expected<RecordedRun, int> run = RecordForSyncs(options, display);
  if (!run) return run.error();
  Expected<SyncReport> report =
      FindSyncs(run->trace, run->explore, [&](const SyncProgress& progress) {
        display->SetTitle(fmt::format("{} {}", run->name, progress.question));
        return display->Show(progress.explore);
      });
  display->Finish();
  if (!report) return Complain(report.error());
  report->target = run->name;
  const std::string path = (std::filesystem::path(options.out) / kFileName).string();
  const Expected<void> written = WriteReports(
      options, kFileName,
      {{"json", RenderSyncsJson(*report)}, {"markdown", RenderSyncsMarkdown(*report)}},
      [&](ConsoleStyle /*style*/) {
        const std::string text = options.quiet ? "" : RenderSyncsConsole(*report, options.out);
        return fmt::format("{}{}; report in {}\n", text, SyncsLastLine(*report), path);
      });
  if (!written) return Complain(written.error());
  return ExitCodeOf(*report);
}

}  // namespace plugpull
