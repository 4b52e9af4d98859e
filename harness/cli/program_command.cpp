#include "harness/cli/program_command.h"

#include <fmt/format.h>

#include <functional>
#include <utility>

#include "faults/trace/trace_file.h"
#include "harness/check_input.h"
#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/explore_report.h"
#include "harness/cli/output.h"
#include "harness/cli/program_options.h"
#include "harness/cli/progress_display.h"
#include "harness/cli/say.h"
#include "harness/command_line.h"
#include "harness/program_notes.h"
#include "harness/recorded_directory.h"
#include "reports/console.h"

namespace plugpull {
namespace {

// Programs are recorded while somebody may want to stop.
using RecordIt = std::function<Expected<ProgramRecording>()>;

void SayWarnings(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) Say("plugpull: warning: {}\n", Printable(warning));
}

// Returns: what was recorded, or the exit code of what went wrong, which has been said.
std::expected<ProgramRecording, int> RecordAndWarn(const RecordIt& record) {
  Expected<ProgramRecording> recorded = record();
  if (!recorded) {
    const int code = Complain(recorded.error());
    return std::unexpected(ProgressDisplay::StopRequested() ? kExitInterrupted : code);
  }
  SayWarnings(recorded->warnings);
  return std::move(*recorded);
}

// A recording that differs from what the program left is of no use.
int ComplainOfDifference(const Trace& trace) {
  const Expected<void> faithful = CheckFaithful(trace);
  if (faithful) return kExitHeld;
  Complain(faithful.error());
  return kExitEnvironment;
}

// Tries the check before the search relies on it. Returns: the exit code if it is of no use.
int TryCheck(const Trace& trace, const ExploreOptions& explore) {
  const Expected<std::vector<std::string>> doubts = DoubtsOf(trace, explore.settings);
  if (!doubts) return Complain(doubts.error());
  SayWarnings(*doubts);
  return kExitHeld;
}

// The search that fits what cannot see reads, and has no use for a second crash.
Expected<ExploreOptions> ToProgramExploreOptions(const Options& options) {
  if (const Expected<void> fits = CheckSearchOptions(options, !options.check.empty()); !fits) {
    return std::unexpected(fits.error());
  }
  Expected<ExploreOptions> explore = ToExploreOptions(options);
  if (!explore) return explore;
  explore->settings.depth = 1;
  if (options.check.empty()) return explore;
  explore->settings.target.clear();
  explore->settings.check = options.check;
  return explore;
}

// A mistake that is found before anything runs.
Expected<void> CheckBeforeRun(const Options& options) {
  if (options.check.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "add --check CMD, which says whether what a crash left is consistent; to record "
                "alone, see plugpull record");
  }
  if (!options.dir.empty()) return CheckOutside(options.dir, options.out, "--out");
  return {};
}

}  // namespace

std::expected<RecordedRun, int> RecordUserProgram(const Options& options,
                                                  std::optional<ProgressDisplay>& display) {
  Expected<ProgramSettings> program = ToProgramSettings(options);
  if (!program) return std::unexpected(Complain(program.error()));
  program->should_stop = ProgressDisplay::StopRequested;
  if (const Expected<void> checked = CheckBeforeRun(options); !checked) {
    return std::unexpected(Complain(checked.error()));
  }
  const Expected<ExploreOptions> explore = ToProgramExploreOptions(options);
  if (!explore) return std::unexpected(Complain(explore.error()));
  if (const Expected<void> prepared = PrepareOutput(options); !prepared) {
    return std::unexpected(Complain(prepared.error()));
  }
  const std::string name = ShellText(program->arguments);
  SayHow(options, *explore, name);
  display.emplace(name, options.quiet);
  auto recorded = RecordAndWarn([&program] { return RecordProgram(*program); });
  if (!recorded) return std::unexpected(recorded.error());
  Trace& trace = recorded->recording.trace;
  if (const int wrong = ComplainOfDifference(trace); wrong != kExitHeld) {
    return std::unexpected(wrong);
  }
  if (const int useless = TryCheck(trace, *explore); useless != kExitHeld) {
    return std::unexpected(useless);
  }
  return RecordedRun{.name = name, .trace = std::move(trace), .explore = *explore};
}

std::expected<RecordedRun, int> RecordDriverTarget(const Options& options,
                                                   std::optional<ProgressDisplay>& display) {
  const Expected<RecordSettings> record = ToRecordSettings(options);
  if (!record) return std::unexpected(Complain(record.error()));
  Expected<DriverSettings> driver = ToDriverSettings(options);
  if (!driver) return std::unexpected(Complain(driver.error()));
  driver->should_stop = ProgressDisplay::StopRequested;
  const Expected<ExploreOptions> explore = ToProgramExploreOptions(options);
  if (!explore) return std::unexpected(Complain(explore.error()));
  if (const Expected<void> prepared = PrepareOutput(options); !prepared) {
    return std::unexpected(Complain(prepared.error()));
  }
  SayHow(options, *explore, options.target);
  display.emplace(options.target, options.quiet);
  auto recorded = RecordAndWarn([&] { return RecordDriver(*record, *driver); });
  if (!recorded) return std::unexpected(recorded.error());
  Trace& trace = recorded->recording.trace;
  if (const int wrong = ComplainOfDifference(trace); wrong != kExitHeld) {
    return std::unexpected(wrong);
  }
  return RecordedRun{.name = options.target, .trace = std::move(trace), .explore = *explore};
}

int RunProgramCommand(const Options& options) {
  std::optional<ProgressDisplay> display;
  const auto run = RecordUserProgram(options, display);
  if (!run) return run.error();
  return ExploreAndReport({"run", run->name, std::nullopt, run->trace, run->explore}, options,
                          *display);
}

int RunDriverCommand(const Options& options) {
  const Expected<RecordSettings> record = ToRecordSettings(options);
  if (!record) return Complain(record.error());
  std::optional<ProgressDisplay> display;
  const auto run = RecordDriverTarget(options, display);
  if (!run) return run.error();
  return ExploreAndReport({"run", run->name, *record, run->trace, run->explore}, options, *display);
}

int RecordProgramCommand(const Options& options, const std::string& output) {
  RecordIt record;
  std::string name = options.target;
  if (IsAboutCommand(options)) {
    Expected<ProgramSettings> program = ToProgramSettings(options);
    if (!program) return Complain(program.error());
    const Expected<void> outside =
        options.dir.empty() ? Expected<void>() : CheckOutside(options.dir, output, "--output");
    if (!outside) return Complain(outside.error());
    program->should_stop = ProgressDisplay::StopRequested;
    name = ShellText(program->arguments);
    record = [program] { return RecordProgram(*program); };
  } else {
    const Expected<RecordSettings> settings = ToRecordSettings(options);
    if (!settings) return Complain(settings.error());
    Expected<DriverSettings> driver = ToDriverSettings(options);
    if (!driver) return Complain(driver.error());
    driver->should_stop = ProgressDisplay::StopRequested;
    record = [settings, driver] { return RecordDriver(*settings, *driver); };
  }
  // From here on a signal asks for an early end, so that nothing is left behind.
  const ProgressDisplay display(name, /*quiet=*/true);
  const auto recorded = RecordAndWarn(record);
  if (!recorded) return recorded.error();
  const Trace& trace = recorded->recording.trace;
  if (const Expected<void> saved = SaveTrace(output, trace); !saved) {
    return Complain(saved.error());
  }
  Print(
      "{}: {} operations, {} bytes written, {} transactions; {} of {} calls were about the "
      "directory; trace in {}\n",
      Printable(name), trace.ops.size(), trace.payload.size(), trace.transactions.size(),
      recorded->recording.calls_performed, recorded->recording.calls_seen, output);
  return ComplainOfDifference(trace);
}

int ExploreProgramCommand(const Options& options, const std::string& trace_path,
                          const Trace& trace) {
  const auto program = trace.facts.find(kProgramFact);
  if (options.check.empty()) {
    return Complain({ErrorCode::kInvalidArgument,
                     fmt::format("{} was recorded from a command ({}), which only a check of "
                                 "yours can judge: add --check CMD",
                                 trace_path, Printable(program->second))});
  }
  if (IsGiven(options, "--target")) {
    return Complain({ErrorCode::kInvalidArgument,
                     "--target and --check both judge what a crash left; give one of them"});
  }
  const Expected<ExploreOptions> explore = ToProgramExploreOptions(options);
  if (!explore) return Complain(explore.error());
  if (const Expected<void> prepared = PrepareOutput(options); !prepared) {
    return Complain(prepared.error());
  }
  const auto target = trace.facts.find("target");
  const std::string name = program != trace.facts.end()  ? program->second
                           : target != trace.facts.end() ? target->second
                                                         : trace_path;
  SayHow(options, *explore, name);
  ProgressDisplay display(name, options.quiet);
  if (const int useless = TryCheck(trace, *explore); useless != kExitHeld) return useless;
  return ExploreAndReport({"explore", name, std::nullopt, trace, *explore}, options, display);
}

}  // namespace plugpull
