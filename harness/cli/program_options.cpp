#include "harness/cli/program_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/target.h"
#include "faults/doors/call_failure_text.h"
#include "harness/command_line.h"
#include "harness/native_command.h"
#include "harness/recorded_directory.h"
#include "harness/role_patterns.h"

namespace plugpull {
namespace {

std::unexpected<Error> Refuse(std::string text) {
  return Fail(ErrorCode::kInvalidArgument, std::move(text));
}

Expected<FailurePlan> ToFailures(const Options& options) {
  if (options.fail.empty()) return FailurePlan{};
  return ParseCallFailure(options.fail);
}

// What a command is and is not.
Expected<void> CheckCommand(const Options& options) {
  if (IsGiven(options, "--target") || IsGiven(options, "target")) {
    return Refuse(
        fmt::format("target '{}' and a command of yours: run one of them; a target has "
                    "its own workload and judges itself",
                    options.target));
  }
  if (!options.program.empty() && IsGiven(options, "--workload")) {
    return Refuse("--workload and a command after -- are the same thing; give one of them");
  }
  const bool has_workload = !options.program.empty() || IsGiven(options, "--workload");
  if (!has_workload || ToArguments(options).empty()) {
    return Refuse("there is no program to record: add --workload CMD, or the command after --");
  }
  if (!options.ready.empty() && options.client.empty()) {
    return Refuse(
        "--ready asks whether a server is ready for a client: add --client CMD, which "
        "drives it and prints what is acknowledged");
  }
  if (options.keep && options.dir.empty()) {
    return Refuse("--keep keeps what is in a directory of yours: name it with --dir");
  }
  for (const char* name : {"--transactions", "--keys"}) {
    if (!IsGiven(options, name)) continue;
    return Refuse(
        fmt::format("{} is about the workloads of plugpull; your command says itself "
                    "what it does",
                    name));
  }
  return {};
}

}  // namespace

void AddProgramOptions(CLI::App& command, Options& options) {
  command.add_option("--dir", options.dir,
                     "DIRECTORY that a command of yours works in, which is recorded; empty or "
                     "absent (default: one in memory, removed afterwards)");
  command.add_flag("--keep", options.keep,
                   "--dir may hold files: they are the state before the run");
  command.add_option("--init", options.init, "COMMAND that prepares the directory, unrecorded");
  command.add_option("--ready", options.ready,
                     "The workload is a server: COMMAND that succeeds once it is ready");
  command.add_option("--client", options.client,
                     "COMMAND that then drives the server; each line it prints is an "
                     "acknowledgement. After it, the server is ended with SIGTERM");
  command.add_option("--user", options.user, "Run all of these as this user (needs root)");
  command.add_option("--fail", options.fail,
                     "A call of the program fails, as in fdatasync:3=EIO (the third), or a plan "
                     "as in fail(point=call/write,path=*.log,call=3,errno=ENOSPC)");
  command.add_flag("--real-sync", options.real_sync,
                   "Syncs reach the disk as well; else they are written down only");
  command.add_flag("--pin", options.pin,
                   "Keep program and recorder on one CPU: faster for a single thread");
  command
      .add_option("--timeout", options.timeout, "Longest time for the whole recording of a program")
      ->capture_default_str();
}

void AddCheckOption(CLI::App& command, Options& options) {
  command.add_option("--check", options.check,
                     "COMMAND that says whether what a crash left is consistent: it runs there, "
                     "reads the lines acknowledged before the crash from standard input, and "
                     "exits with 0 (consistent) or 1 (its first line of output says why not)");
}

bool IsAboutCommand(const Options& options) {
  const std::array<const std::string*, 6> texts = {&options.dir,    &options.init,  &options.ready,
                                                   &options.client, &options.check, &options.user};
  return !options.program.empty() || options.keep ||
         std::ranges::any_of(texts, [](const std::string* text) { return !text->empty(); });
}

bool IsGiven(const Options& options, const std::string& name) {
  if (options.command == nullptr) return false;
  const CLI::Option* option = options.command->get_option_no_throw(name);
  return option != nullptr && option->count() > 0;
}

std::vector<std::string> ToArguments(const Options& options) {
  return options.program.empty() ? ArgumentsOf(options.workload) : options.program;
}

Expected<ProgramSettings> ToProgramSettings(const Options& options) {
  if (const Expected<void> checked = CheckCommand(options); !checked) {
    return std::unexpected(checked.error());
  }
  if (const Expected<RolePatterns> roles = RolePatterns::Parse(options.roles); !roles) {
    return std::unexpected(roles.error());
  }
  const Expected<FailurePlan> failures = ToFailures(options);
  if (!failures) return std::unexpected(failures.error());
  const Expected<std::chrono::milliseconds> timeout = ParseDuration(options.timeout);
  if (!timeout) return std::unexpected(timeout.error());
  if (!options.user.empty()) {
    if (const Expected<UserIds> ids = FindUser(options.user); !ids) {
      return std::unexpected(ids.error());
    }
  }
  return ProgramSettings{.directory = options.dir,
                         .keep = options.keep,
                         .init = options.init,
                         .arguments = ToArguments(options),
                         .ready = options.ready,
                         .client = options.client,
                         .user = options.user,
                         .failures = *failures,
                         .real_sync = options.real_sync,
                         .pin_to_one_cpu = options.pin,
                         .seed = options.seed.value_or(kDefaultSeed),
                         .roles = options.roles,
                         .timeout = *timeout};
}

Expected<DriverSettings> ToDriverSettings(const Options& options) {
  const Expected<Target> target = ParseTarget(options.target);
  if (!target) return std::unexpected(target.error());
  for (const char* name : {"--fail", "--real-sync", "--pin", "--timeout"}) {
    if (target->is_program() || !IsGiven(options, name)) continue;
    return Refuse(fmt::format(
        "{} is about programs, and {} is linked{}", name, options.target,
        std::string_view(name) == "--fail" ? ": see --errors, which makes its calls fail" : ""));
  }
  const Expected<FailurePlan> failures = ToFailures(options);
  if (!failures) return std::unexpected(failures.error());
  const Expected<std::chrono::milliseconds> timeout = ParseDuration(options.timeout);
  if (!timeout) return std::unexpected(timeout.error());
  return DriverSettings{.failures = *failures,
                        .real_sync = options.real_sync,
                        .pin_to_one_cpu = options.pin,
                        .timeout = *timeout};
}

Expected<void> CheckSearchOptions(const Options& options, bool has_check) {
  if (has_check && IsGiven(options, "--promise")) {
    return Refuse(
        "--promise is about targets: what a check demands is for the check to say, from "
        "the lines it gets");
  }
  if (!options.errors.empty()) {
    return Refuse(
        "--errors makes calls of linked engines fail; for a program see --fail, as in "
        "--fail fdatasync:3=EIO");
  }
  for (const char* name : {"--cycles", "--depth"}) {
    const uint32_t value = std::string_view(name) == "--cycles" ? options.cycles : options.depth;
    if (!IsGiven(options, name) || value == 1) continue;
    return Refuse(
        fmt::format("{} {} goes on after a crash, which needs an engine that is linked; "
                    "leave it out",
                    name, value));
  }
  return {};
}

}  // namespace plugpull
