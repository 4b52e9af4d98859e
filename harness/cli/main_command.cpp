// The command line itself: which commands there are, and what is wrong with a line that fits none.
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <span>
#include <string_view>

#include "faults/base/nearest.h"
#include "harness/cli/autopsy_command.h"
#include "harness/cli/commands.h"
#include "harness/cli/compare_command.h"
#include "harness/cli/errors_command.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/explain_command.h"
#include "harness/cli/grade_command.h"
#include "harness/cli/litmus_command.h"
#include "harness/cli/minimize_command.h"
#include "harness/cli/program_options.h"
#include "harness/cli/replay_command.h"
#include "harness/cli/reproduce_command.h"
#include "harness/cli/say.h"
#include "harness/cli/scenario_command.h"
#include "harness/cli/selftest_command.h"
#include "harness/cli/surgery_command.h"
#include "harness/cli/syncs_command.h"
#include "harness/cli/toml_config.h"
#include "harness/version.h"

namespace plugpull {
namespace {

// Returns: the long options and commands that `app` and the command in use understand.
std::vector<std::string> KnownWords(const CLI::App& app) {
  std::vector<std::string> words;
  const auto add_options = [&words](const CLI::App& command) {
    for (const CLI::Option* option : command.get_options()) {
      for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
    }
  };
  for (const CLI::App* command : app.get_subcommands({})) words.push_back(command->get_name());
  add_options(app);
  for (const CLI::App* command : app.get_subcommands()) add_options(*command);
  return words;
}

// Says what is wrong in one line, with the nearest valid word where something was not understood.
int ComplainOfUsage(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  std::string message = error.what();
  const std::vector<std::string> words = KnownWords(app);
  const bool not_understood = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr ||
                              dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
  for (int i = 1; i < argc && not_understood; ++i) {
    const std::string word = std::string(argv[i]).substr(0, std::string(argv[i]).find('='));
    const bool could_be_a_word = word.starts_with("--") || i == 1;
    if (!could_be_a_word || std::ranges::find(words, word) != words.end()) continue;
    message = fmt::format("'{}' is not understood{}", word, NearestHint(word, words));
    break;
  }
  std::replace(message.begin(), message.end(), '\n', ' ');
  const auto used = app.get_subcommands();
  const std::string help = used.empty()
                               ? "plugpull --help"
                               : fmt::format("plugpull {} --help", used.front()->get_name());
  Say("plugpull: {} ({} shows what is)\n", message, help);
  return kExitUsage;
}

constexpr const char* kRunFooter =
    "For a program of yours: plugpull run --workload CMD --check CMD, or --check CMD -- CMD...\n"
    "Both run in the recorded directory, $PLUGPULL_DIR; yours is $OLDPWD. Each line that CMD "
    "prints\n"
    "is an acknowledgement, so flush it. A command of plain words is started as it is, any other\n"
    "by /bin/sh -c; one written as ./load.sh is found from your directory.";

constexpr const char* kRecordFooter =
    "A program of yours: plugpull record -o T --dir D -- CMD..., or --workload CMD. It runs in "
    "the\n"
    "recorded directory, $PLUGPULL_DIR; yours is $OLDPWD. Each line that it prints is an\n"
    "acknowledgement, so flush it. Then: plugpull explore T --check CMD.";

constexpr const char* kFooter =
    "Exit codes: 0 nothing found (replay: reproduced), 1 findings, 2 usage error, 3 environment\n"
    "error, 4 not reproduced or nondeterministic, 5 selftest failed, 6 stopped by a signal with\n"
    "partial results.";

// What the command line said.
struct CommandLine {
  Options options;
  CompareLine compare;
  GradeLine grade;
  ReproduceLine reproduce;
  ScenarioLine scenario;
  MinimizeLine minimize;
  std::string path;
  std::string list = "targets";
  ReplayLine replay;
  LitmusOptions litmus;
  SelftestLine selftest;
  AutopsyLine autopsy;
  SurgeryLine surgery;
  Options syncs;
  ExplainLine explain;
};

void AddCommands(CLI::App& app, CommandLine& line) {
  Options& options = line.options;
  CLI::App& run =
      *app.add_subcommand("run", "Record a run of a target, explore its crashes, judge");
  run.add_option("target", options.target, "Engine and options, as in sqlite:journal=wal,sync=full")
      ->capture_default_str();
  AddWorkloadOptions(run, options);
  AddCompanyOptions(run, options);
  AddExploreOptions(run, options);
  AddErrorOptions(run, options);
  AddProgramOptions(run, options);
  AddCheckOption(run, options);
  AddOutputOptions(run, options);
  run.footer(kRunFooter);

  CLI::App& record = *app.add_subcommand("record", "Record a run of a target into a trace file");
  record.add_option("--target", options.target, "Engine and options")->capture_default_str();
  record.add_option("-o,--output", line.path, "The trace file");
  AddWorkloadOptions(record, options);
  AddCompanyOptions(record, options);
  AddProgramOptions(record, options);
  record.footer(kRecordFooter);

  CLI::App& explore = *app.add_subcommand("explore", "Explore the crashes of a recorded trace");
  explore.add_option("trace", line.path, "The trace file")->required();
  explore.add_option("--target", options.target,
                     "Another engine that opens what was recorded (default: the one recorded)");
  AddCheckOption(explore, options);
  AddExploreOptions(explore, options);
  AddRolesOption(explore, options);
  AddOutputOptions(explore, options);

  for (CLI::App* command : {&run, &explore}) AddMinimizeOption(*command);
  for (CLI::App* command : {&run, &record, &explore}) AddConfigOption(*command, options);
  AddReplayCommand(app, line.replay);

  AddExplainCommand(app, line.explain);
  AddMinimizeCommand(app, line.minimize);
  AddGradeCommand(app, line.grade);
  AddReproduceCommand(app, line.reproduce);
  AddScenarioCommand(app, line.scenario);
  AddLitmusCommand(app, line.litmus);
  AddSelftestCommand(app, line.selftest);
  AddAutopsyCommand(app, line.autopsy);
  AddSurgeryCommand(app, line.surgery);
  AddSyncsCommand(app, line.syncs);
  CLI::App& compare = *app.add_subcommand(
      "compare", "Compare fsync strategies under persistence models: safety and cost");
  AddCompareOptions(compare, line.compare);

  const std::vector<std::string> kinds = {"targets",  "workloads", "models",
                                          "faults",   "failures",  "strategies",
                                          "promises", "classes",   "scenarios"};
  const auto check = [kinds](const std::string& word) {
    if (std::ranges::find(kinds, word) != kinds.end()) return std::string();
    return fmt::format("there is no list '{}'{} (one of {})", word, NearestHint(word, kinds),
                       fmt::join(kinds, " "));
  };
  CLI::App& listing = *app.add_subcommand("list", "List what there is to choose from");
  listing
      .add_option("what", line.list,
                  "targets, workloads, models, faults, failures, strategies, promises, classes or "
                  "scenarios")
      ->check(CLI::Validator(check, "", "list"))
      ->capture_default_str();
}

// Only some commands run one of the user's.
void CheckProgramWords(const CLI::App& app, const CommandLine& line, bool has_dashes) {
  const std::string name = app.get_subcommands().front()->get_name();
  if (!has_dashes) return;
  if (name != "run" && name != "record" && name != "syncs") {
    throw CLI::ParseError(fmt::format("{} takes no command after --", name), kExitUsage);
  }
  if (line.options.program.empty()) {
    throw CLI::ParseError("there is no command after --", kExitUsage);
  }
}

int RunChosen(CLI::App& app, CommandLine& line) {
  CLI::App& command = *app.get_subcommands().front();
  const std::string name = command.get_name();
  const Options& options = name == "compare"     ? line.compare.options
                           : name == "grade"     ? line.grade.options
                           : name == "replay"    ? line.replay.options
                           : name == "reproduce" ? line.reproduce.options
                           : name == "scenario"  ? line.scenario.options
                           : name == "selftest"  ? line.selftest.options
                           : name == "syncs"     ? line.syncs
                                                 : line.options;
  if (!options.config.empty()) {
    if (const Expected<void> set = ApplyTomlConfig(command, options.config); !set) {
      return Complain(set.error());
    }
  }
  line.options.command = &command;
  line.reproduce.options.command = &command;
  line.syncs.command = &command;
  line.syncs.program = line.options.program;
  if (name == "run") return RunCommand(line.options);
  if (name == "record") return RecordCommand(line.options, line.path);
  if (name == "explore") return ExploreCommand(line.options, line.path);
  if (name == "explain") return ExplainCommand(line.explain);
  if (name == "grade") return GradeCommand(line.grade);
  if (name == "reproduce") return ReproduceCommand(line.reproduce);
  if (name == "scenario") return ScenarioCommand(line.scenario);
  if (name == "compare") return CompareCommand(line.compare);
  if (name == "replay") return ReplayCommand(line.replay);
  if (name == "minimize") return MinimizeCommand(line.minimize);
  if (name == "litmus") return LitmusCommand(line.litmus);
  if (name == "selftest") return SelftestCommand(line.selftest);
  if (name == "autopsy") return AutopsyCommand(line.autopsy);
  if (name == "surgery") return SurgeryCommand(line.surgery);
  if (name == "syncs") return SyncsCommand(line.syncs);
  return ListCommand(line.list);
}

// A pipe that a reader closed and a file at its size limit are write errors, which are reported
// like any other. Descriptors 0 to 2 are taken where the caller closed them: a trace that got one
// of them would be written to by everything that is printed. Reading is all that they are good for,
// so that a report for a closed standard output is not taken for written.
void PrepareProcess() {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
  while (true) {
    const int descriptor = ::open("/dev/null", O_RDONLY);
    if (descriptor > STDERR_FILENO) ::close(descriptor);
    if (descriptor < 0 || descriptor > STDERR_FILENO) return;
  }
}

}  // namespace

int Main(int argc, char** argv) {
  PrepareProcess();
  CLI::App app(
      "Finds out what a storage engine really keeps when the power goes: records a run once, works "
      "out every state that a crash could leave on disk, reopens the engine on each, and compares "
      "what comes back with what was promised.",
      "plugpull");
  app.set_version_flag("--version", fmt::format("plugpull {} ({})", kVersion, kCommit));
  app.require_subcommand(1);
  app.footer(kFooter);
  CommandLine line;
  AddCommands(app, line);
  // What follows -- is a command of the user's, whatever it looks like.
  const auto words = std::span(argv, static_cast<size_t>(argc));
  const auto dashes = std::ranges::find(words, std::string_view("--"));
  const auto count = static_cast<int>(dashes - words.begin());
  if (dashes != words.end()) line.options.program.assign(dashes + 1, words.end());
  int status = kExitHeld;
  try {
    app.parse(count, argv);
    CheckProgramWords(app, line, dashes != words.end());
    status = RunChosen(app, line);
  } catch (const CLI::Success& success) {
    status = app.exit(success);
    std::cout.flush();
  } catch (const CLI::ParseError& error) {
    return ComplainOfUsage(app, error, argc, argv);
  }
  // What nobody could read was not done.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0 || !std::cout) {
    if (status != kExitEnvironment) {
      Say("plugpull: cannot write to standard output; is its disk full or its reader gone?\n");
    }
    return kExitEnvironment;
  }
  return status;
}

}  // namespace plugpull
