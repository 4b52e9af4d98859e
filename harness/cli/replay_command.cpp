#include "harness/cli/replay_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <thread>

#include "faults/base/atomic_file.h"
#include "harness/against.h"
#include "harness/case_file.h"
#include "harness/case_program.h"
#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/progress_display.h"
#include "harness/cli/say.h"
#include "harness/kept_files.h"
#include "harness/replay.h"
#include "harness/version.h"
#include "reports/console.h"

namespace plugpull {
namespace {

using nlohmann::ordered_json;

constexpr uint32_t kMostTimes = 1'000'000;
constexpr uint32_t kMostJobs = 1024;

constexpr const char* kFooter =
    "A case is one text file that says all that is needed; jq reads it, and\n"
    "  jq -r '.payload.trace | join(\"\")' CASE | base64 -d > TRACE\n"
    "is the run up to the crash, for plugpull explore.\n"
    "Exit code 0: reproduced; with --against: a violation of the same class is there, too. 4: not.";

// What was done with a case, for people and for tools.
struct Report {
  const ReplayLine& line;
  const Case& saved;
  std::string warning = {};
  std::optional<KeptFiles> kept = {};
  std::optional<Replayed> replayed = {};
  std::optional<Against> against = {};

  bool is_seen() const {
    return against ? against->same.has_value() : replayed->reproduced == replayed->times;
  }
};

ordered_json OrNull(const std::string& text) {
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}

ordered_json ToJson(const Violation& violation) {
  return {{"class", Name(violation.violation)}, {"message", violation.message}};
}

ordered_json ToJson(const Against& against, const std::string& target) {
  const std::optional<Violation>& seen = against.same ? against.same : against.other;
  return {{"target", target},
          {"same_class", against.same.has_value()},
          {"violation", seen ? ToJson(*seen) : ordered_json(nullptr)},
          {"mode", against.exhaustive ? "exhaustive" : "bounded"},
          {"bounds", against.bounds},
          {"unknown", against.unknown},
          {"crash_points", against.crash_points},
          {"recoveries", against.recoveries}};
}

std::string RenderJson(const Report& report) {
  const Case& saved = report.saved;
  ordered_json json = {{"schema", "plugpull.replay/1"},
                       {"command", "replay"},
                       {"version", kVersion},
                       {"commit", kCommit},
                       {"case", report.line.path},
                       {"id", saved.id},
                       {"signature", saved.signature},
                       {"target", saved.settings.target},
                       {"target_version", OrNull(saved.target_version)},
                       {"warning", OrNull(report.warning)},
                       {"violation", ToJson(saved.violation)}};
  if (report.replayed) {
    json["times"] = report.replayed->times;
    json["reproduced"] = report.replayed->reproduced;
    json["instead"] = OrNull(report.replayed->instead);
  }
  if (report.against) json["against"] = ToJson(*report.against, report.line.against);
  if (report.kept) {
    json["kept_image"] = {{"directory", report.line.keep_image},
                          {"why_no_after", OrNull(report.kept->why_no_after)}};
  }
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

std::string HowItShows(const Case& saved) {
  if (!saved.running_plan.empty()) return fmt::format("; errors {}", Printable(saved.running_plan));
  if (saved.while_recording) return "; while the workload ran";
  return fmt::format("; transaction {} acknowledged, {} attempted", saved.window.acknowledged,
                     saved.window.attempted);
}

std::string RenderText(const Report& report) {
  const ReplayLine& line = report.line;
  const Case& saved = report.saved;
  std::string text;
  if (!line.options.quiet) {
    text = fmt::format("{}  {}\n  {}{}\n", Name(saved.violation.violation),
                       Printable(saved.violation.message), Printable(saved.settings.target),
                       HowItShows(saved));
    if (report.kept) {
      const std::string& why = report.kept->why_no_after;
      text += why.empty() ? fmt::format("  files in {0}/before and {0}/after\n", line.keep_image)
                          : fmt::format("  files in {}/before; none after recovery: {}\n",
                                        line.keep_image, Printable(why));
    }
  }
  if (report.against) {
    text += fmt::format("{} against {}: {} ({})\n", line.path, Printable(line.against),
                        report.is_seen() ? "the same class is there" : "not there",
                        Printable(Describe(*report.against)));
  } else {
    text += fmt::format("{}: reproduced {} of {} times\n", line.path, report.replayed->reproduced,
                        report.replayed->times);
  }
  return text;
}

int Tell(const Report& report) {
  const ReplayLine& line = report.line;
  const bool is_taken = line.json == "-";
  if (is_taken) {
    Print("{}", RenderJson(report));
  } else if (!line.json.empty()) {
    const std::string text = RenderJson(report);
    const Expected<void> written = WriteFileAtomically(line.json, std::as_bytes(std::span(text)));
    // Whatever is wrong with that place, the command line was understood.
    if (!written) {
      return Complain({ErrorCode::kIo, written.error().context, written.error().os_errno});
    }
  }
  // What a person reads makes way for a report on standard output.
  if (is_taken) {
    Say("{}", RenderText(report));
  } else {
    Print("{}", RenderText(report));
  }
  if (report.is_seen()) return kExitHeld;
  if (report.replayed) {
    Say("plugpull: {} did not reproduce; instead: {}\n", line.path,
        Printable(report.replayed->instead));
  }
  return kExitNotReproduced;
}

}  // namespace

void AddReplayCommand(CLI::App& app, ReplayLine& line) {
  CLI::App& replay = *app.add_subcommand("replay", "Reproduce one finding exactly");
  replay.add_option("case", line.path, "The case file")->required();
  TakesNumber(replay.add_option("--times", line.times, "How often")->capture_default_str(), 1,
              kMostTimes);
  replay
      .add_option("--keep-image", line.keep_image,
                  "Write the files into DIR/before and DIR/after: what the crash left, and what "
                  "recovery left then")
      ->type_name("DIR");
  replay
      .add_option("--against", line.against,
                  "Run the same workload on another target and explore the same crash there: is a "
                  "violation of the same class there, too?")
      ->type_name("TARGET");
  TakesNumber(replay.add_option("--jobs", line.options.jobs,
                                "Recovery children of --against (default: one for each core)"),
              1, kMostJobs);
  replay.add_option("--json", line.json, "Write what happened as JSON (- is standard output)")
      ->type_name("FILE");
  replay.add_flag("--quiet", line.options.quiet, "Print the last line only");
  AddConfigOption(replay, line.options);
  replay.footer(kFooter);
}

int ReplayCommand(const ReplayLine& line) {
  const Expected<Case> loaded = LoadCase(line.path);
  if (!loaded) return Complain(loaded.error());
  Report report{.line = line, .saved = *loaded};
  // Another target is looked at in place of the one of the case.
  if (line.against.empty() || !line.keep_image.empty()) {
    if (const Expected<void> here = CheckProgram(*loaded); !here) {
      return Complain({here.error().code, fmt::format("{}: {}", line.path, here.error().context)});
    }
    report.warning = VersionWarning(*loaded);
    if (!report.warning.empty()) Say("plugpull: {} {}\n", line.path, Printable(report.warning));
  }
  if (!line.keep_image.empty()) {
    Expected<KeptFiles> kept = KeepFiles(line.keep_image, *loaded);
    if (!kept) return Complain(kept.error());
    report.kept = std::move(*kept);
  }
  if (line.against.empty()) {
    Expected<Replayed> replayed = ReplayCase(*loaded, line.times);
    if (!replayed) return Complain(replayed.error());
    report.replayed = std::move(*replayed);
    return Tell(report);
  }
  const uint32_t jobs = line.options.jobs != 0 ? line.options.jobs
                                               : std::max(1U, std::thread::hardware_concurrency());
  const ProgressDisplay display(line.against, line.options.quiet);
  Expected<Against> against =
      ReplayAgainst(*loaded, line.against, jobs, [] { return !ProgressDisplay::StopRequested(); });
  if (!against) return Complain(against.error());
  report.against = std::move(*against);
  const int status = Tell(report);
  const bool is_cut = ProgressDisplay::StopRequested() && !report.is_seen();
  return is_cut && status == kExitNotReproduced ? kExitInterrupted : status;
}

}  // namespace plugpull
