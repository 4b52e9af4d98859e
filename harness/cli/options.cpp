#include "harness/cli/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <thread>

#include "engine/target.h"
#include "harness/cli/toml_config.h"
#include "reports/report_format.h"
#include "workloads/workload.h"

namespace plugpull {
namespace {

// Larger key spaces and longer runs are a typing mistake until somebody shows otherwise.
constexpr uint32_t kMostTransactions = 1'000'000;
constexpr uint32_t kMostKeys = 1'000'000;
constexpr uint32_t kMostJobs = 1024;

std::unexpected<Error> NoSuch(std::string_view what, const std::string& word,
                              const std::vector<std::string>& candidates) {
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("there is no {} '{}'{} (plugpull list shows all)", what, word,
                          NearestHint(word, candidates)));
}

// `--faults LIST` names the faults that may happen; the strongest of them sets model and tear.
Expected<void> ApplyFaults(const std::string& list, ExploreSettings& settings) {
  if (list.empty()) return {};
  std::vector<std::string> names;
  for (const FaultInfo& fault : Faults()) names.emplace_back(fault.name);
  FaultLevel strongest = FaultLevel::kProcessKill;
  for (const std::string& word : CLI::detail::split(list, ',')) {
    const auto fault = std::ranges::find(Faults(), word, &FaultInfo::name);
    if (fault == Faults().end()) return NoSuch("fault", word, names);
    strongest = std::max(strongest, fault->level);
  }
  if (strongest == FaultLevel::kProcessKill) settings.model = FindModel("process-kill");
  if (strongest == FaultLevel::kPowerCutOrdered) settings.model = FindModel("ordered");
  if (strongest != FaultLevel::kTornWrite) settings.tear = Tear::kNone;
  return {};
}

}  // namespace

void AddWorkloadOptions(CLI::App& command, Options& options) {
  command.add_option("--workload", options.workload, "What the target is asked to do")
      ->capture_default_str();
  command.add_option("--seed", options.seed,
                     fmt::format("Seed of the workload (default {})", kDefaultSeed));
  command.add_option("--transactions", options.transactions, "Length of the workload")
      ->check(CLI::Range(uint32_t{0}, kMostTransactions))
      ->capture_default_str();
  command.add_option("--keys", options.keys, "Size of the key space")
      ->check(CLI::Range(uint32_t{1}, kMostKeys))
      ->capture_default_str();
}

void AddExploreOptions(CLI::App& command, Options& options) {
  command.add_option("--model", options.model, "Persistence model: what a crash may leave")
      ->capture_default_str();
  command.add_option("--tear", options.tear,
                     "How a write may be cut: none, 4096, 512 (a prefix or a suffix of its sectors "
                     "in each page), or 512,any (every subset)")
      ->capture_default_str();
  command.add_option("--faults", options.faults,
                     "Faults that may happen, separated by commas (default: all legal ones)");
  command.add_option("--promise", options.promise,
                     "What the target claims: opens, intact, atomic, prefix or durable")
      ->capture_default_str();
  command.add_option("--per-class", options.per_class,
                     "Violations of one class at one crash point before the search leaves it")
      ->check(CLI::Range(1U, 1'000'000U))
      ->capture_default_str();
  command.add_option("--recovery-timeout", options.recovery_timeout,
                     "Longest time for one recovery; then it hangs")
      ->capture_default_str();
  command.add_option("--budget", options.budget, "Stop after this time: 90s, 30m, 2h");
  command.add_option("--recoveries", options.recoveries,
                     "Most recoveries at one crash point (0: no bound)")
      ->capture_default_str();
  command.add_option("--jobs", options.jobs, "Recovery children (default: one for each core)")
      ->check(CLI::Range(1U, kMostJobs));
}

void AddOutputOptions(CLI::App& command, Options& options) {
  command.add_option("--out", options.out, "Directory for the report and the cases")
      ->capture_default_str();
  for (const ReportFormat& format : ReportFormats()) {
    command.add_option("--" + std::string(format.name),
                       options.reports[std::string(format.name)],
                       fmt::format("FILE: {}; - is standard output", format.help));
  }
  command.add_flag("--quiet", options.quiet, "Print the last line only");
}

void AddConfigOption(CLI::App& command) {
  command.set_config("--config", "", "TOML file; each key is the long option of that name");
  command.config_formatter(std::make_shared<TomlConfig>());
  command.allow_config_extras(CLI::config_extras_mode::error);
}

Expected<RecordSettings> ToRecordSettings(const Options& options) {
  if (const Expected<Target> target = ParseTarget(options.target); !target) {
    return std::unexpected(target.error());
  }
  if (FindWorkload(options.workload) == nullptr) {
    std::vector<std::string> names;
    for (const Workload& workload : Workloads()) names.emplace_back(workload.name);
    return NoSuch("workload", options.workload, names);
  }
  return RecordSettings{.target = options.target,
                        .workload = options.workload,
                        .options = {.seed = options.seed.value_or(kDefaultSeed),
                                    .transactions = options.transactions,
                                    .keys = options.keys}};
}

Expected<ExploreOptions> ToExploreOptions(const Options& options) {
  ExploreOptions result;
  ExploreSettings& settings = result.settings;
  settings.target = options.target;
  settings.seed = options.seed.value_or(kDefaultSeed);
  settings.keys = options.keys;
  settings.per_class = options.per_class;
  settings.recoveries_per_point = options.recoveries;
  settings.model = FindModel(options.model);
  if (settings.model == nullptr) {
    std::vector<std::string> names;
    for (const Model& model : Models()) names.emplace_back(model.name);
    return NoSuch("model", options.model, names);
  }
  const auto tear = ParseTear(options.tear);
  if (!tear) return NoSuch("tear", options.tear, {"none", "4096", "512", "512,any"});
  settings.tear = *tear;
  const auto promise = ParsePromise(options.promise);
  if (!promise) {
    return NoSuch("promise", options.promise, {"opens", "intact", "atomic", "prefix", "durable"});
  }
  settings.promise = *promise;
  if (const Expected<void> applied = ApplyFaults(options.faults, settings); !applied) {
    return std::unexpected(applied.error());
  }
  const Expected<std::chrono::milliseconds> timeout = ParseDuration(options.recovery_timeout);
  if (!timeout) return std::unexpected(timeout.error());
  settings.recovery_timeout_ms = static_cast<uint64_t>(timeout->count());
  if (!options.budget.empty()) {
    const Expected<std::chrono::milliseconds> budget = ParseDuration(options.budget);
    if (!budget) return std::unexpected(budget.error());
    result.budget = *budget;
  }
  result.jobs = options.jobs != 0 ? options.jobs : std::max(1U, std::thread::hardware_concurrency());
  result.out_directory = options.out;
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
