#include "harness/cli/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <thread>

#include "engine/target.h"
#include "faults/base/nearest.h"
#include "faults/inject/fault_call.h"
#include "faults/persistence/model_text.h"
#include "harness/fault_search.h"
#include "harness/role_patterns.h"
#include "reports/report_format.h"
#include "workloads/workload.h"

namespace plugpull {
namespace {

// Larger key spaces and longer runs are a typing mistake until somebody shows otherwise.
constexpr uint32_t kMostTransactions = 1'000'000;
constexpr uint32_t kMostKeys = 1'000'000;
constexpr uint32_t kMostReaders = 1000;
constexpr uint32_t kMostPerClass = 1'000'000;
constexpr uint32_t kMostCycles = 1000;
constexpr uint32_t kMostJobs = 1024;

std::unexpected<Error> NoSuch(std::string_view what, const std::string& word,
                              const std::vector<std::string>& candidates) {
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("there is no {} '{}'{} (one of {})", what, word,
                          NearestHint(word, candidates), fmt::join(candidates, " ")));
}

// `--faults LIST` names the faults that may happen. The strongest of the legal ones sets model and
// tear; each entry beyond the contract is explored on its own.
Expected<void> ApplyFaults(const std::string& list, ExploreOptions& options) {
  if (list.empty()) return {};
  std::optional<FaultLevel> strongest;
  for (const std::string& entry : SplitFaultList(list)) {
    const Expected<FaultCalls> calls = ParseFaults(entry, FaultForm::kSpecification);
    if (!calls) return std::unexpected(calls.error());
    if (IsBeyondContract(*calls)) {
      options.faults.push_back(FaultText(*calls, FaultForm::kSpecification));
      continue;
    }
    for (const FaultCall& call : *calls) {
      strongest = std::max(strongest.value_or(call.level), call.level);
    }
  }
  options.legal = strongest.has_value();
  if (!options.legal) return {};
  ExploreSettings& settings = options.settings;
  if (strongest == FaultLevel::kProcessKill) settings.model = FindModel("process-kill");
  if (strongest == FaultLevel::kPowerCutOrdered) settings.model = FindModel("ordered");
  if (strongest != FaultLevel::kTornWrite) settings.tear = Tear::kNone;
  return {};
}

}  // namespace

void TakesNumber(CLI::Option* option, uint64_t smallest, uint64_t largest) {
  // CLI11 alone turns -1 into the largest number without a word.
  const auto check = [smallest, largest](const std::string& text) {
    uint64_t number = 0;
    const char* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, number);
    const bool fits =
        error == std::errc() && end == last && number >= smallest && number <= largest;
    if (fits) return std::string();
    return fmt::format("takes a whole number from {} to {}, not '{}'", smallest, largest, text);
  };
  option->check(CLI::Validator(check, "", "whole number"));
  option->type_name("NUMBER");
}

void AddWorkloadOptions(CLI::App& command, Options& options) {
  command.add_option("--workload", options.workload, "What the target is asked to do")
      ->capture_default_str();
  TakesNumber(command.add_option("--seed", options.seed,
                                 fmt::format("Seed of the workload (default {})", kDefaultSeed)),
              0, UINT64_MAX);
  TakesNumber(command.add_option("--transactions", options.transactions, "Length of the workload")
                  ->capture_default_str(),
              0, kMostTransactions);
  TakesNumber(
      command.add_option("--keys", options.keys, "Size of the key space")->capture_default_str(), 1,
      kMostKeys);
  AddRolesOption(command, options);
}

void AddRolesOption(CLI::App& command, Options& options) {
  command.add_option("--roles", options.roles,
                     "What files are for, in signatures of findings: ROLE=PATTERN,..., as in "
                     "log=*.wal,table=*.db (default: an engine says it of its files; of a program "
                     "their names, with N for numbers)");
}

void AddCompanyOptions(CLI::App& command, Options& options) {
  TakesNumber(
      command
          .add_option("--readers", options.readers,
                      "Readers that stay open while the workload runs, of seeded lifetimes; each "
                      "is read again after every transaction and must not have changed")
          ->capture_default_str(),
      0, kMostReaders);
  TakesNumber(command
                  .add_option("--rollbacks", options.rollbacks,
                              "Transactions that are rolled back between the others, in all")
                  ->capture_default_str(),
              0, kMostTransactions);
}

Expected<void> RefuseCompany(const Options& options, std::string_view why) {
  if (options.readers == 0 && options.rollbacks == 0) return {};
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("--readers and --rollbacks {}; leave them out", why));
}

void AddSearchOptions(CLI::App& command, Options& options) {
  std::vector<std::string> models;
  for (const Model& model : Models()) models.push_back(model.name);
  command
      .add_option("--model", options.model,
                  fmt::format("Persistence model, what a crash may leave: one of {}, or a TOML "
                              "file, each with values of its own, as in "
                              "ext4-ordered,profile=contract,drag=to-covered (plugpull list models "
                              "shows all); or all, to compare them",
                              fmt::join(models, ", ")))
      ->capture_default_str();
  command
      .add_option("--tear", options.tear,
                  "How a write may be cut: none, 4096, 512 (a prefix or a suffix of its sectors "
                  "in each page), or 512,any (every subset)")
      ->capture_default_str();
  command
      .add_option("--promise", options.promise,
                  "What the target claims: opens, intact, atomic, prefix or durable")
      ->capture_default_str();
  command.add_flag("--read-set", options.read_set,
                   "See what a program reads, through a FUSE mount, so that its crash states are "
                   "explored and not sampled (root)");
  command
      .add_option("--recovery-timeout", options.recovery_timeout,
                  "Longest time for one recovery; then it hangs")
      ->capture_default_str();
  command.add_option("--budget", options.budget, "Stop after this time: 90s, 30m, 2h");
  TakesNumber(command
                  .add_option("--recoveries", options.recoveries,
                              "Most recoveries at one crash point (0: no bound)")
                  ->capture_default_str(),
              0, UINT64_MAX);
  TakesNumber(command
                  .add_option("--depth", options.depth,
                              "Crashes in a row: each further one hits the recovery from the one "
                              "before (1: none does)")
                  ->capture_default_str(),
              1, kMostDepth);
  TakesNumber(
      command.add_option("--jobs", options.jobs, "Recovery children (default: one for each core)"),
      1, kMostJobs);
}

void AddExploreOptions(CLI::App& command, Options& options) {
  AddSearchOptions(command, options);
  command.add_option("--faults", options.faults,
                     "Faults that may happen, separated by commas (default: all legal ones). Those "
                     "beyond the disk's contract take arguments, as in stale-page(age=1..20), each "
                     "is explored on its own, and + joins several: power-cut+stale-page (plugpull "
                     "list faults shows all)");
  TakesNumber(
      command
          .add_option("--per-class", options.per_class,
                      "Violations of one class at one crash point before the search leaves it")
          ->capture_default_str(),
      1, kMostPerClass);
  TakesNumber(command
                  .add_option("--cycles", options.cycles,
                              "Crash, go on, crash again: how often the workload is run on what a "
                              "crash left, 1 for none of that")
                  ->capture_default_str(),
              1, kMostCycles);
  command.add_flag("--recoverability", options.recoverability,
                   "Say of every violation that the search reports what can be done about the "
                   "image, and count that (default: only of the reproduction of each finding)");
}

void AddOutputOptions(CLI::App& command, Options& options) {
  command.add_option("--out", options.out, "Directory for the report and the cases")
      ->capture_default_str();
  for (const ReportFormat& format : ReportFormats()) {
    command.add_option("--" + std::string(format.name), options.reports[std::string(format.name)],
                       fmt::format("FILE: {}; - is standard output", format.help));
  }
  command.add_flag("--quiet", options.quiet, "Print the last line only");
}

void AddConfigOption(CLI::App& command, Options& options) {
  command.add_option("--config", options.config,
                     "TOML file; each key is the long option of that name, the command line wins");
}

Expected<RecordSettings> ToRecordSettings(const Options& options) {
  if (const Expected<Target> target = ParseTarget(options.target); !target) {
    return std::unexpected(target.error());
  }
  if (FindWorkload(options.workload) == nullptr) {
    std::vector<std::string> names;
    for (const Workload& workload : Workloads()) names.emplace_back(workload.name);
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("there is no workload '{}'{} (one of {}; a command of yours needs "
                    "--check or --dir)",
                    options.workload, NearestHint(options.workload, names), fmt::join(names, " ")));
  }
  if (const Expected<RolePatterns> roles = RolePatterns::Parse(options.roles); !roles) {
    return std::unexpected(roles.error());
  }
  return RecordSettings{.target = options.target,
                        .workload = options.workload,
                        .options = {.seed = options.seed.value_or(kDefaultSeed),
                                    .transactions = options.transactions,
                                    .keys = options.keys},
                        .company = {.readers = options.readers, .rollbacks = options.rollbacks},
                        .roles = options.roles};
}

Expected<ExploreOptions> ToExploreOptions(const Options& options) {
  ExploreOptions result;
  ExploreSettings& settings = result.settings;
  settings.target = options.target;
  settings.seed = options.seed.value_or(kDefaultSeed);
  settings.keys = options.keys;
  settings.readers = options.readers;
  settings.per_class = options.per_class;
  settings.recoveries_per_point = options.recoveries;
  settings.depth = options.depth;
  settings.read_set = options.read_set;
  // What a program writes while it recovers is not looked at.
  const Expected<Target> target = ParseTarget(options.target);
  if (target && target->is_program()) settings.depth = 1;
  result.all_models = options.model == "all";
  if (!result.all_models) {
    const Expected<const Model*> model = ParseModel(options.model);
    if (!model) return std::unexpected(model.error());
    settings.model = *model;
  }
  const auto tear = ParseTear(options.tear);
  if (!tear || IsSubSector(*tear))
    return NoSuch("tear", options.tear, {"none", "4096", "512", "512,any"});
  settings.tear = *tear;
  const auto promise = ParsePromise(options.promise);
  if (!promise) {
    return NoSuch("promise", options.promise, {"opens", "intact", "atomic", "prefix", "durable"});
  }
  settings.promise = *promise;
  if (const Expected<void> applied = ApplyFaults(options.faults, result); !applied) {
    return std::unexpected(applied.error());
  }
  if (result.all_models && !result.faults.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "--model all compares what a correct disk may leave; name one model for --faults "
                "beyond its contract");
  }
  const auto wrong = std::ranges::find_if(result.faults, PutsWrongBytes);
  if (settings.model->data_checksums && wrong != result.faults.end()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("model {} has checksums of its data: there, {} is a read that fails, "
                            "not wrong bytes; choose another --model",
                            ModelText(*settings.model), *wrong));
  }
  if (result.all_models && settings.model != &Models().front()) {
    return Fail(ErrorCode::kInvalidArgument,
                "--model all compares what power cuts leave: add power-cut or torn-write to "
                "--faults");
  }
  const Expected<std::chrono::milliseconds> timeout = ParseDuration(options.recovery_timeout);
  if (!timeout) return std::unexpected(timeout.error());
  settings.recovery_timeout_ms = static_cast<uint64_t>(timeout->count());
  if (!options.budget.empty()) {
    const Expected<std::chrono::milliseconds> budget = ParseDuration(options.budget);
    if (!budget) return std::unexpected(budget.error());
    result.budget = *budget;
  }
  result.jobs =
      options.jobs != 0 ? options.jobs : std::max(1U, std::thread::hardware_concurrency());
  result.out_directory = options.out;
  result.cycles = options.cycles;
  result.tally_recoverability = options.recoverability;
  return result;
}

Expected<std::chrono::milliseconds> ParseDuration(const std::string& text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  uint64_t milliseconds = 0;
  if (unit == "ms") milliseconds = 1;
  if (unit == "s") milliseconds = 1000;
  if (unit == "m") milliseconds = 60'000;
  if (unit == "h") milliseconds = 3'600'000;
  const bool fits = error == std::errc() && milliseconds != 0 && number > 0 && number < 1'000'000;
  if (!fits) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is no time; write 500ms, 90s, 30m or 2h", text));
  }
  return std::chrono::milliseconds(number * milliseconds);
}

}  // namespace plugpull
