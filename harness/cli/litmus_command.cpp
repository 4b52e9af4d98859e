#include "harness/cli/litmus_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "faults/base/atomic_file.h"
#include "faults/litmus/litmus_runner.h"
#include "faults/persistence/model_parameters.h"
#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/say.h"
#include "reports/litmus_report.h"

namespace plugpull {
namespace {

constexpr const char* kLanguage =
    "A litmus file, by example (all of the language: faults/litmus/README.md):\n"
    "  name   mine                    title and outcome, source, note: free text\n"
    "  given                          made durable before: the operations below it\n"
    "    create foo\n"
    "    write foo 0 4K 'A'           PATH OFFSET LENGTH, filled with 'A'\n"
    "  do                             the power goes after the last one\n"
    "    append foo 4K 'B'\n"
    "  ask foo size = 8K and foo bytes 4K 4K any zero\n"
    "  expect PM A, J -               A allowed, - forbidden, k, h; optional\n";

}  // namespace

void AddLitmusCommand(CLI::App& app, LitmusOptions& options) {
  CLI::App& litmus = *app.add_subcommand(
      "litmus", "Compute which crash outcomes each persistence model allows, from small tests");
  litmus.add_option("path", options.paths,
                    "Litmus files, or folders of *.litmus files; without: those built in");
  litmus
      .add_option("--model", options.models,
                  "A column: a model, as other commands take it; repeatable; without: all")
      ->allow_extra_args(false);
  litmus.add_option("--json", options.json, "Write the table as JSON to FILE, - for stdout");
  litmus.add_flag("--explain", options.explain,
                  "Show for each allowed outcome what one such crash keeps and loses");
  litmus.footer(kLanguage);
}

int LitmusCommand(const LitmusOptions& options) {
  // As in `litmus --json mine.litmus`: the test would be gone, with the table in its place.
  if (options.json.ends_with(".litmus") ||
      std::ranges::find(options.paths, options.json) != options.paths.end()) {
    return Complain({ErrorCode::kInvalidArgument,
                     fmt::format("--json: '{}' is a litmus test; name a file for the table",
                                 Shown(options.json))});
  }
  Expected<std::vector<LitmusColumn>> columns = NamedColumns();
  if (!options.models.empty()) columns = ColumnsOf(options.models);
  if (!columns) return Complain(columns.error());
  std::vector<Litmus> loaded;
  if (!options.paths.empty()) {
    Expected<std::vector<Litmus>> tests = LoadLitmus(options.paths);
    if (!tests) return Complain(tests.error());
    loaded = std::move(*tests);
  }
  const std::vector<Litmus>& tests = options.paths.empty() ? BuiltInLitmus() : loaded;
  const Expected<LitmusTable> table = ComputeTable(tests, *columns);
  if (!table) return Complain(table.error());
  if (options.json == "-") {
    Print("{}", RenderLitmusJson(*table));
    // What a person reads makes way for the report on standard output.
    Say("{}", RenderLitmusTable(*table, options.explain));
    return IsAsExpected(*table) ? kExitHeld : kExitFound;
  }
  if (!options.json.empty()) {
    const std::string json = RenderLitmusJson(*table);
    if (const Expected<void> written =
            WriteFileAtomically(options.json, std::as_bytes(std::span(json)));
        !written) {
      return Complain(written.error());
    }
  }
  Print("{}", RenderLitmusTable(*table, options.explain));
  return IsAsExpected(*table) ? kExitHeld : kExitFound;
}

}  // namespace plugpull
