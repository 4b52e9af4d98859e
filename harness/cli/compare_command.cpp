#include "harness/cli/compare_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "faults/persistence/model_text.h"
#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/output.h"
#include "harness/cli/progress_display.h"
#include "harness/cli/say.h"
#include "harness/compare.h"
#include "reports/comparison_text.h"
#include "reports/console.h"

namespace plugpull {
namespace {

// Enough for every step of every protocol, also those that come only now and then.
constexpr uint32_t kTransactions = 12;

constexpr const char* kFileName = "comparison.json";

// Returns: the texts of single models in a list of them.
std::vector<std::string> SplitModels(const std::string& list) {
  std::vector<std::string> models;
  for (const std::string& part : CLI::detail::split(list, ';')) {
    bool is_first = true;
    for (const std::string& word : CLI::detail::split(part, ',')) {
      const bool is_parameter = !is_first && word.find('=') != std::string::npos;
      if (is_parameter) {
        models.back() += "," + word;
      } else {
        models.push_back(word);
      }
      is_first = false;
    }
  }
  return models;
}

// Returns: "1 model", "2 models".
std::string Count(size_t number, std::string_view one, std::string_view more) {
  return fmt::format("{} {}", number, number == 1 ? one : more);
}

std::string LastLine(const Comparison& comparison, const std::string& report) {
  std::string state;
  if (comparison.interrupted) state = " (stopped by a signal)";
  if (comparison.out_of_budget) state = " (stopped by its budget)";
  const StrategyGroup group = HasGroup(comparison, StrategyGroup::kProtocols)
                                  ? StrategyGroup::kProtocols
                                  : StrategyGroup::kEngines;
  return fmt::format(
      "compare: {}, {}, {} transactions, {} recoveries in {:.1f} s{}; cheapest "
      "that keeps {} under {}: {}; report in {}\n",
      Count(comparison.rows.size(), "strategy", "strategies"),
      Count(comparison.models.size(), "model", "models"), comparison.transactions,
      Grouped(comparison.recoveries), comparison.elapsed_s, state, Name(comparison.promise),
      Printable(comparison.models.front()), ChoiceText(ChoiceOf(comparison, 0, group)), report);
}

Expected<CompareOptions> ToCompareOptions(const CompareLine& line) {
  CompareOptions compare;
  Expected<std::vector<const Strategy*>> strategies = ChooseStrategies(line.strategies);
  if (!strategies) return std::unexpected(strategies.error());
  compare.strategies = *std::move(strategies);
  Expected<std::vector<const Model*>> models = ParseModels(line.models);
  if (!models) return std::unexpected(models.error());
  compare.models = *std::move(models);
  Expected<ExploreOptions> explore = ToExploreOptions(line.options);
  if (!explore) return std::unexpected(explore.error());
  compare.explore = *std::move(explore);
  Expected<RecordSettings> record = ToRecordSettings(line.options);
  if (!record) return std::unexpected(record.error());
  compare.record = *std::move(record);
  return compare;
}

}  // namespace

void AddCompareOptions(CLI::App& command, CompareLine& line) {
  Options& options = line.options;
  options.transactions = kTransactions;
  command
      .add_option(
          "--strategies", line.strategies,
          "Names separated by commas, as in append-fsync,sqlite* (plugpull list strategies)")
      ->capture_default_str();
  command
      .add_option("--models,--model", line.models,
                  "Persistence models separated by commas, or by ; where they contain some; may be "
                  "given several times; all, the default: those that have a name")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("TEXT");
  AddWorkloadOptions(command, options);
  command
      .add_option("--promise", options.promise,
                  "What has to be kept: opens, intact, atomic, prefix or durable")
      ->capture_default_str();
  command.add_option("--tear", options.tear, "How a write may be cut: none, 4096, 512 or 512,any")
      ->capture_default_str();
  command
      .add_option("--recovery-timeout", options.recovery_timeout,
                  "Longest time for one recovery; then it hangs")
      ->capture_default_str();
  command.add_option("--budget", options.budget, "Stop after this time: 90s, 30m, 2h");
  TakesNumber(command
                  .add_option("--recoveries", options.recoveries,
                              "Most recoveries at one crash point (0: what is usual here)")
                  ->capture_default_str(),
              0, UINT64_MAX);
  TakesNumber(
      command.add_option("--jobs", options.jobs, "Recovery children (default: one for each core)"),
      1, 1024);
  command.add_option("--out", options.out, "Directory for the report and the cases")
      ->capture_default_str();
  command.add_option("--json", options.reports["json"],
                     "FILE: write the comparison as one JSON object (plugpull.compare/1); - is "
                     "standard output");
  command.add_option("--markdown", options.reports["markdown"],
                     "FILE: write the comparison as Markdown; - is standard output");
  command.add_flag("--quiet", options.quiet, "Print the last line only");
  AddConfigOption(command, options);
}

Expected<std::vector<const Model*>> ParseModels(const std::vector<std::string>& texts) {
  std::vector<const Model*> models;
  const auto add = [&models](const Model* model) {
    if (std::ranges::find(models, model) == models.end()) models.push_back(model);
  };
  for (const std::string& list : texts) {
    for (const std::string& text : SplitModels(list)) {
      if (text == "all") {
        for (const Model& model : Models()) add(&model);
        continue;
      }
      const Expected<const Model*> model = ParseModel(text);
      if (!model) return std::unexpected(model.error());
      add(*model);
    }
  }
  if (!models.empty()) return models;
  for (const Model& model : Models()) models.push_back(&model);
  return models;
}

int CompareCommand(const CompareLine& line) {
  const Expected<CompareOptions> options = ToCompareOptions(line);
  if (!options) return Complain(options.error());
  if (const Expected<void> prepared = PrepareOutput(line.options); !prepared) {
    return Complain(prepared.error());
  }
  if (!line.options.quiet) {
    Say("compare: {}, {}, seed {}, tear {}, promise {}, {} jobs\n",
        Count(options->strategies.size(), "strategy", "strategies"),
        Count(options->models.size(), "model", "models"), options->record.options.seed,
        Name(options->explore.settings.tear), Name(options->explore.settings.promise),
        options->explore.jobs);
  }
  ProgressDisplay display("compare", line.options.quiet);
  const Expected<Comparison> comparison = Compare(*options, [&](const CompareProgress& progress) {
    display.SetTitle(fmt::format("{} under {} ({} of {})", progress.strategy, progress.model,
                                 progress.rows_done + 1, options->strategies.size()));
    return display.Show(progress.explore);
  });
  display.Finish();
  if (!comparison) return Complain(comparison.error());
  const std::string report = (std::filesystem::path(line.options.out) / kFileName).string();
  const Expected<void> written =
      WriteReports(line.options, kFileName,
                   {{"json", RenderComparisonJson(*comparison)},
                    {"markdown", RenderComparisonMarkdown(*comparison)}},
                   [&](ConsoleStyle /*style*/) {
                     const std::string text =
                         line.options.quiet ? "" : RenderComparisonConsole(*comparison) + "\n";
                     return text + LastLine(*comparison, report);
                   });
  if (!written) return Complain(written.error());
  return comparison->interrupted ? kExitInterrupted : kExitHeld;
}

}  // namespace plugpull
