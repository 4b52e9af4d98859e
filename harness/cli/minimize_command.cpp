#include "harness/cli/minimize_command.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>

#include "harness/case_file.h"
#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/options.h"
#include "harness/cli/progress_display.h"
#include "harness/cli/say.h"
#include "harness/minimise.h"
#include "reports/console.h"

namespace plugpull {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFooter =
    "Fewer transactions, fewer changes, shorter keys and values, an earlier crash, fewer lost\n"
    "atoms, a weaker fault: what is tried counts only if a finding of the same signature shows.\n"
    "The result is 1-minimal, none of it can be left out alone, or the report says what ended the\n"
    "search. The case itself is never changed.\n"
    "\n"
    "Exit codes: 0 done, 2 usage error, 3 environment error, 4 the case does not reproduce, 6\n"
    "stopped by a signal; the smallest case so far is written.";

std::string OutputOf(const MinimizeLine& line) {
  if (!line.output.empty()) return line.output;
  fs::path path(line.case_path);
  return path.replace_extension(".min.case").string();
}

Expected<void> CheckOutput(const std::string& input, const std::string& output) {
  std::error_code error;
  const bool is_same = input == output || fs::equivalent(input, output, error);
  if (!is_same) return {};
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("{} is the case itself; name another file with --output", output));
}

std::string Counted(uint64_t count, std::string_view word) {
  return fmt::format("{} {}{}", Grouped(count), word, count == 1 ? "" : "s");
}

void PrintRow(std::string_view name, uint64_t before, uint64_t after) {
  Print("  {:<14} {} -> {}\n", name, Grouped(before), Grouped(after));
}

void PrintReport(const Minimisation& done) {
  const Case& small = done.small;
  const CaseSize& before = small.minimised->before;
  Print("{}  {}\n", Name(small.violation.violation), Printable(small.violation.message));
  Print("  signature      {}\n", Printable(small.signature));
  PrintRow("transactions", before.transactions, done.after.transactions);
  PrintRow("changes", before.changes, done.after.changes);
  PrintRow("key and value", before.pair_bytes, done.after.pair_bytes);
  PrintRow("lost atoms", before.lost_atoms, done.after.lost_atoms);
  PrintRow("lost calls", before.lost_operations, done.after.lost_operations);
  Print("  {:<14} after operation {}; transaction {} acknowledged, {} attempted\n", "crash",
        small.trace.ops.size(), small.window.acknowledged, small.window.attempted);
  Print("  {:<14} {}\n", "needs", Name(small.level));
  if (!small.fault.empty()) Print("  {:<14} {}\n", "fault", Printable(small.fault));
  if (!small.models.empty()) {
    Print("  {:<14} {}{}\n", "strongest", small.models.back(),
          small.models.size() == 1
              ? ", the only model that admits it"
              : fmt::format(" admits it, of {}", Counted(small.models.size(), "model")));
  }
  if (!done.transactions_kept_because.empty()) {
    Print("  {:<14} kept: {}\n", "transactions", Printable(done.transactions_kept_because));
  }
}

std::string Ending(const Minimisation& done) {
  if (done.small.minimised->is_minimal) return "1-minimal";
  if (!done.transactions_kept_because.empty()) return "the transactions were kept";
  return fmt::format("not 1-minimal: ended by {}", done.small.minimised->bound);
}

}  // namespace

void AddMinimizeCommand(CLI::App& app, MinimizeLine& line) {
  CLI::App& command = *app.add_subcommand("minimize", "Make a case as small as it can be");
  command.add_option("case", line.case_path, "The case file")->required();
  command.add_option("-o,--output", line.output,
                     "The minimised case (default: beside the case, as NAME.min.case)");
  command.add_option("--budget", line.budget, "Stop after this time: 90s, 30m, 2h")
      ->capture_default_str();
  command.add_flag("--quiet", line.quiet, "Print the last line only");
  command.footer(kFooter);
}

void AddMinimizeOption(CLI::App& command) {
  const std::string description =
      "Make the case of each finding small, within bounds, as plugpull minimize does (default: "
      "where the workload can be recorded anew)";
  command.add_flag("--minimize,!--no-minimize", description);
}

int MinimizeCommand(const MinimizeLine& line) {
  const Expected<std::chrono::milliseconds> budget = ParseDuration(line.budget);
  if (!budget) return Complain(budget.error());
  const Expected<Case> loaded = LoadCase(line.case_path);
  if (!loaded) return Complain(loaded.error());
  const std::string output = OutputOf(line);
  if (const Expected<void> other = CheckOutput(line.case_path, output); !other) {
    return Complain(other.error());
  }
  const ProgressDisplay display(line.case_path, /*quiet=*/true);
  const auto end = std::chrono::steady_clock::now() + *budget;
  bool is_late = false;
  MinimiseOptions options;
  options.goes_on = [&] {
    is_late = is_late || std::chrono::steady_clock::now() > end;
    return !is_late && !ProgressDisplay::StopRequested();
  };
  Expected<std::optional<Minimisation>> done = MinimiseCase(*loaded, options);
  if (!done) return Complain(done.error());
  if (!*done) {
    Say("plugpull: {} does not reproduce, so there is nothing to minimise\n", line.case_path);
    return kExitNotReproduced;
  }
  if (is_late) (*done)->small.minimised->bound = fmt::format("the budget of {}", line.budget);
  if (const Expected<void> saved = SaveCase(output, (*done)->small); !saved) {
    return Complain(saved.error());
  }
  if (!line.quiet) PrintReport(**done);
  const CaseSize& before = (*done)->small.minimised->before;
  Print("{}: {} -> {} transactions, {} -> {} lost atoms, {}; case in {}\n", line.case_path,
        before.transactions, (*done)->after.transactions, before.lost_atoms,
        (*done)->after.lost_atoms, Ending(**done), output);
  return ProgressDisplay::StopRequested() ? kExitInterrupted : kExitHeld;
}

}  // namespace plugpull
