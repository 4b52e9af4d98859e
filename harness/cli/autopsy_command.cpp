#include "harness/cli/autopsy_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <span>

#include "faults/base/atomic_file.h"
#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/progress_display.h"
#include "harness/cli/say.h"
#include "reports/autopsy_report.h"

namespace plugpull {
namespace {

using bbolt_file::Autopsy;

constexpr const char* kFooter =
    "Says what is damaged and which fault of the storage explains it, with the weakest first, "
    "what\n"
    "each of the two roots still reaches, and what to do next. FILE is only read, and never "
    "opened\n"
    "as a database. Exit codes: 0 sound, 1 damaged, 2 usage error, 3 cannot read or write.";

// A report in the place of the file would destroy what it reports on.
Expected<void> CheckPlace(const AutopsyLine& line, std::string_view option,
                          const std::string& place) {
  std::error_code error;
  if (place.empty() || place == "-" || !std::filesystem::equivalent(place, line.path, error)) {
    return {};
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("{}: '{}' is the file itself; name another one", option, place));
}

Expected<void> CheckPlaces(const AutopsyLine& line) {
  if (Expected<void> fits = CheckPlace(line, "--json", line.json); !fits) return fits;
  if (Expected<void> fits = CheckPlace(line, "--svg", line.svg); !fits) return fits;
  if (!line.json.empty() && line.json == line.svg) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("--json and --svg both name '{}'; give each a place of its own", line.json));
  }
  return {};
}

Expected<void> WriteReport(const std::string& place, const std::string& text) {
  if (place.empty()) return {};
  if (place != "-") return WriteFileAtomically(place, std::as_bytes(std::span(text)));
  Print("{}", text);
  return {};
}

}  // namespace

void AddAutopsyCommand(CLI::App& app, AutopsyLine& line) {
  CLI::App& autopsy = *app.add_subcommand("autopsy", "Find out what is wrong with a bbolt file");
  autopsy.add_option("file", line.path, "The file; only read")->required();
  autopsy.add_option("--json", line.json, "Write all findings as JSON to FILE, - for stdout");
  autopsy.add_option("--svg", line.svg, "Draw the pages around the damage into FILE, - for stdout");
  autopsy.add_flag("--quiet", line.quiet, "Print the verdict only");
  autopsy.footer(kFooter);
}

int AutopsyCommand(const AutopsyLine& line) {
  if (const Expected<void> fits = CheckPlaces(line); !fits) return Complain(fits.error());
  const Expected<Autopsy> autopsy = bbolt_file::Examine(line.path);
  if (!autopsy) {
    Complain(autopsy.error());
    return kExitEnvironment;
  }
  if (const auto written = WriteReport(line.json, RenderAutopsyJson(*autopsy)); !written) {
    Complain(written.error());
    return kExitEnvironment;
  }
  if (const auto written = WriteReport(line.svg, RenderAutopsySvg(*autopsy)); !written) {
    Complain(written.error());
    return kExitEnvironment;
  }
  // What a person reads makes way for a report on standard output.
  const bool is_taken = line.json == "-" || line.svg == "-";
  const int descriptor = is_taken ? STDERR_FILENO : STDOUT_FILENO;
  const std::string text =
      line.quiet ? AutopsyVerdict(*autopsy) + "\n"
                 : RenderAutopsyConsole(*autopsy, {.color = ColorsWanted(descriptor)});
  if (is_taken) {
    Say("{}", text);
  } else {
    Print("{}", text);
  }
  return autopsy->is_sound() ? kExitHeld : kExitFound;
}

}  // namespace plugpull
