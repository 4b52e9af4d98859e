#include "harness/cli/reproduce_command.h"

#include <fmt/format.h>

#include <filesystem>

#include "faults/persistence/model_text.h"
#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/output.h"
#include "harness/cli/program_options.h"
#include "harness/cli/progress_display.h"
#include "harness/cli/say.h"
#include "harness/fault_search.h"
#include "harness/reproduce.h"
#include "harness/symptom.h"

namespace plugpull {
namespace {

constexpr const char* kFileName = "reproduction.json";

constexpr const char* kFooter =
    "The symptom is a text or an ECMAScript regular expression, searched for in every line of "
    "what\n"
    "the engine and its check say, as in\n"
    "  plugpull reproduce cow_tree --symptom 'multiple references'\n"
    "Faults are searched from the weakest to the strongest, those of a correct disk first, each "
    "on\n"
    "several workloads, from a small store to a deep tree, unless you choose one. The first fault\n"
    "that yields the symptom ends the search. Its case is kept for plugpull replay, and beside "
    "it,\n"
    "in DIR/image, the files as the fault left them, for the engine's own tools and plugpull\n"
    "autopsy.\n"
    "\n"
    "Exit codes: 0 reproduced, 1 not reproduced, 2 usage error, 3 environment error, 6 stopped by\n"
    "a signal.";

int ExitCodeOf(const Reproduction& reproduction) {
  if (reproduction.weakest() != nullptr) return kExitHeld;
  return reproduction.result.interrupted ? kExitInterrupted : kExitFound;
}

// One workload, when any part of one was chosen.
Expected<std::vector<ReproduceWorkload>> WorkloadsOf(const Options& options) {
  Expected<RecordSettings> record = ToRecordSettings(options);
  if (!record) return std::unexpected(record.error());
  const bool is_chosen = IsGiven(options, "--workload") || IsGiven(options, "--keys") ||
                         IsGiven(options, "--transactions");
  if (is_chosen) return std::vector{ReproduceWorkload{.record = *std::move(record)}};
  return WorkloadsToTry(record->target, record->options.seed);
}

Expected<ReproduceOptions> ToReproduceOptions(const ReproduceLine& line) {
  Options options = line.options;
  const Expected<Symptom> symptom = Symptom::Parse(line.symptom);
  if (!symptom) return std::unexpected(symptom.error());
  if (options.model == "all") {
    return Fail(ErrorCode::kInvalidArgument,
                "--model all is not for reproduce, which searches under one model; name it");
  }
  if (options.cycles > 1) {
    return Fail(ErrorCode::kInvalidArgument,
                "reproduce looks at one cycle; see plugpull run --cycles for more");
  }
  ReproduceOptions reproduce;
  Expected<std::vector<ReproduceWorkload>> workloads = WorkloadsOf(options);
  if (!workloads) return std::unexpected(workloads.error());
  reproduce.workloads = *std::move(workloads);
  options.faults.clear();
  Expected<ExploreOptions> explore = ToExploreOptions(options);
  if (!explore) return std::unexpected(explore.error());
  reproduce.explore = *std::move(explore);
  reproduce.explore.settings.symptom = line.symptom;
  reproduce.rungs = LegalRungs();
  const Expected<std::vector<GradeRung>> beyond = RungsBeyond(line.options.faults);
  if (!beyond) return std::unexpected(beyond.error());
  for (const GradeRung& rung : *beyond) {
    // Where a wrong page is a read that fails, there is nothing to search.
    const Model& model = *reproduce.explore.settings.model;
    if (!(model.data_checksums && PutsWrongBytes(rung.fault))) reproduce.rungs.push_back(rung);
  }
  return reproduce;
}

}  // namespace

void AddReproduceCommand(CLI::App& app, ReproduceLine& line) {
  Options& options = line.options;
  options.budget = "5m";
  CLI::App& command = *app.add_subcommand(
      "reproduce", "Find the weakest storage fault that yields a field report's symptom");
  command.add_option("target", options.target, "Engine and options, as in cow_tree:freelist=none")
      ->capture_default_str();
  command
      .add_option("--symptom", line.symptom,
                  "What the report says: a part of the engine's message, or a regular expression")
      ->required();
  AddWorkloadOptions(command, options);
  for (const char* name : {"--workload", "--transactions", "--keys"}) {
    CLI::Option* option = command.get_option(name);
    option->description(option->get_description() + " (default: several are tried)");
    option->default_str("");
  }
  AddExploreOptions(command, options);
  command.get_option("--faults")
      ->description(
          "Faults beyond the disk's contract to search, separated by commas, after those of a "
          "correct disk (default: each, as plugpull list faults has it)");
  command.get_option("--budget")
      ->description("Stop after this time: 90s, 30m, 2h")
      ->capture_default_str();
  command.add_option("--out", options.out, "Directory for the report, the case and the files")
      ->capture_default_str();
  command.add_option("--json", options.reports["json"],
                     "FILE: write the answer as one JSON object (plugpull.result/1 with "
                     "reproduction); - is standard output");
  command.add_flag("--quiet", options.quiet, "Print the last line only");
  AddConfigOption(command, options);
  command.footer(kFooter);
}

int ReproduceCommand(const ReproduceLine& line) {
  const Options& options = line.options;
  const Expected<ReproduceOptions> hunt = ToReproduceOptions(line);
  if (!hunt) return Complain(hunt.error());
  if (const Expected<void> prepared = PrepareOutput(options); !prepared) {
    return Complain(prepared.error());
  }
  const ExploreSettings& settings = hunt->explore.settings;
  if (!options.quiet) {
    Say("{}: symptom '{}', seed {}, model {}, tear {}, {} faults, {} workloads, {} jobs\n",
        settings.target, Printable(settings.symptom), settings.seed, ModelText(*settings.model),
        Name(settings.tear), hunt->rungs.size(), hunt->workloads.size(), hunt->explore.jobs);
  }
  ProgressDisplay display(settings.target, options.quiet);
  const Expected<Reproduction> found = Reproduce(*hunt, [&](const ReproduceProgress& progress) {
    display.SetTitle(fmt::format("{} at {} ({} of {}), {}", settings.target, progress.fault,
                                 progress.searches_done + 1, progress.searches, progress.workload));
    return display.Show(progress.explore);
  });
  display.Finish();
  if (!found) return Complain(found.error());
  const std::string report = (std::filesystem::path(options.out) / kFileName).string();
  const Expected<void> written = WriteReports(
      options, kFileName, {{"json", RenderReproductionJson(*found)}}, [&](ConsoleStyle) {
        const std::string text =
            options.quiet ? "" : RenderReproductionConsole(*found, options.out);
        return text + RenderReproductionLastLine(*found, report) + "\n";
      });
  if (!written) return Complain(written.error());
  return ExitCodeOf(*found);
}

}  // namespace plugpull
