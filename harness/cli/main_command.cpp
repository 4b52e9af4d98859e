// The command line itself: which commands there are, and what is wrong with a line that fits none.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "engine/target.h"
#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
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
  const std::string help = used.empty() ? "plugpull --help"
                                        : fmt::format("plugpull {} --help", used.front()->get_name());
  fmt::print(stderr, "plugpull: {} ({} shows what is)\n", message, help);
  return kExitUsage;
}

constexpr const char* kFooter =
    "Exit codes: 0 nothing found (replay: reproduced), 1 findings, 2 usage error, 3 environment\n"
    "error, 4 not reproduced or nondeterministic, 6 stopped by a signal with partial results.";

}  // namespace

int Main(int argc, char** argv) {
  CLI::App app(
      "Finds out what a storage engine really keeps when the power goes: records a run once, works "
      "out every state that a crash could leave on disk, reopens the engine on each, and compares "
      "what comes back with what was promised.",
      "plugpull");
  app.set_version_flag("--version", fmt::format("plugpull {} ({})", kVersion, kCommit));
  app.require_subcommand(1);
  app.footer(kFooter);

  Options options;
  std::string path;
  std::string list = "targets";
  uint32_t times = 1;

  CLI::App& run = *app.add_subcommand("run", "Record a run of a target, explore its crashes, judge");
  run.add_option("target", options.target, "Engine and options, as in sqlite:journal=wal,sync=full")
      ->capture_default_str();
  AddWorkloadOptions(run, options);
  AddExploreOptions(run, options);
  AddOutputOptions(run, options);
  AddConfigOption(run);

  CLI::App& record = *app.add_subcommand("record", "Record a run of a target into a trace file");
  record.add_option("--target", options.target, "Engine and options")->capture_default_str();
  record.add_option("-o,--output", path, "The trace file")->required();
  AddWorkloadOptions(record, options);

  CLI::App& explore = *app.add_subcommand("explore", "Explore the crashes of a recorded trace");
  explore.add_option("trace", path, "The trace file")->required();
  AddExploreOptions(explore, options);
  AddOutputOptions(explore, options);
  AddConfigOption(explore);

  CLI::App& replay = *app.add_subcommand("replay", "Reproduce one finding exactly");
  replay.add_option("case", path, "The case file")->required();
  replay.add_option("--times", times, "How often")
      ->check(CLI::Range(1U, 1'000'000U))
      ->capture_default_str();
  replay.add_flag("--quiet", options.quiet, "Print the last line only");

  CLI::App& listing = *app.add_subcommand("list", "List what there is to choose from");
  listing.add_option("what", list, "targets, workloads, models, faults, promises or classes")
      ->check(CLI::IsMember({"targets", "workloads", "models", "faults", "promises", "classes"}))
      ->capture_default_str();

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    return ComplainOfUsage(app, error, argc, argv);
  }
  if (run.parsed()) return RunCommand(options);
  if (record.parsed()) return RecordCommand(options, path);
  if (explore.parsed()) return ExploreCommand(options, path);
  if (replay.parsed()) return ReplayCommand(options, path, times);
  return ListCommand(list);
}

}  // namespace plugpull
