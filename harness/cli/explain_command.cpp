#include "harness/cli/explain_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <span>
#include <tuple>

#include "faults/base/atomic_file.h"
#include "harness/case_file.h"
#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/options.h"
#include "harness/cli/progress_display.h"
#include "harness/cli/say.h"
#include "harness/explain.h"

namespace plugpull {
namespace {

constexpr uint32_t kMostOperations = 100'000;

constexpr const char* kFooter =
    "Tells a finding from beginning to end: what was promised, what was issued and which sync "
    "had\n"
    "made it durable, what the crash lost, what recovery then found and did, what is wrong with\n"
    "that, and which sync would have saved it. The case is seen again while it is explained.\n"
    "\n"
    "Fates of operations: durable (a sync had covered it), kept (it could have been lost), LOST,\n"
    "TORN (some of its bytes are lost), PART (a part of what it does is lost), gone (it did not\n"
    "matter any more), MISSING (a sync that would have saved it).\n"
    "\n"
    "Exit codes: 0 explained, 2 usage error or damaged case, 3 environment error, 4 not seen "
    "here.";

// A report in the place of the case would destroy what it reports on.
Expected<void> WriteReport(const ExplainLine& line, std::string_view option,
                           const std::string& place, const std::string& text) {
  if (place.empty()) return {};
  if (place == "-") {
    Print("{}", text);
    return {};
  }
  std::error_code error;
  if (std::filesystem::equivalent(place, line.path, error)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: '{}' is the case itself; name another file", option, place));
  }
  return WriteFileAtomically(place, std::as_bytes(std::span(text)));
}

}  // namespace

void AddExplainCommand(CLI::App& app, ExplainLine& line) {
  CLI::App& command = *app.add_subcommand(
      "explain",
      "Explain a finding: what was lost, why it matters, which sync would have saved it");
  command.add_option("case", line.path, "The case file")->required();
  command.add_option("--json", line.json,
                     "FILE: write it as one JSON object (plugpull.explanation/1); - is stdout");
  command.add_option("--markdown", line.markdown, "FILE: write it as Markdown; - is stdout");
  TakesNumber(command
                  .add_option("--operations", line.operations,
                              "How many operations before the crash are shown")
                  ->capture_default_str(),
              1, kMostOperations);
  command.footer(kFooter);
}

int ExplainCommand(const ExplainLine& line) {
  if (!line.json.empty() && line.json == line.markdown) {
    return Complain({ErrorCode::kInvalidArgument,
                     fmt::format("--json and --markdown both name '{}'; give each a place of its "
                                 "own",
                                 line.json)});
  }
  const Expected<Case> loaded = LoadCase(line.path);
  if (!loaded) return Complain(loaded.error());
  const Expected<CaseExplanation> told = Explain(*loaded, {.operations = line.operations});
  if (!told) return Complain(told.error());
  for (const auto& [option, place, text] :
       {std::tuple("--json", line.json, RenderExplanationJson(*told)),
        std::tuple("--markdown", line.markdown, RenderExplanationMarkdown(*told))}) {
    const Expected<void> written = WriteReport(line, option, place, text);
    if (!written) return Complain(written.error());
  }
  // What a person reads makes way for a report on standard output.
  if (line.json != "-" && line.markdown != "-") {
    Print("{}", RenderExplanationConsole(*told, {.color = ColorsWanted(STDOUT_FILENO)}));
  }
  if (told->is_reproduced) return kExitHeld;
  Say("plugpull: {} is not seen here; instead: {}\n", line.path, Printable(told->instead));
  return kExitNotReproduced;
}

}  // namespace plugpull
