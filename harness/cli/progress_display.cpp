#include "harness/cli/progress_display.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

#include "harness/cli/say.h"
#include "reports/console.h"

namespace plugpull {
namespace {

std::atomic<bool> stop_requested{false};

void RequestStop(int /*signal*/) { stop_requested = true; }

constexpr std::chrono::milliseconds kRepaintEvery{200};
constexpr std::chrono::seconds kPlainLineEvery{10};

std::string Line(const std::string& title, const ExploreProgress& progress) {
  const double rate =
      progress.elapsed_s > 0 ? static_cast<double>(progress.recoveries) / progress.elapsed_s : 0;
  std::string line =
      fmt::format("{}: {:.0f} s, {}/{} crash points, {} recoveries, {}/s", title,
                  progress.elapsed_s, Grouped(progress.points_done), Grouped(progress.points),
                  Grouped(progress.recoveries), Grouped(static_cast<uint64_t>(rate)));
  for (const auto& [violation, count] : progress.violations) {
    line += fmt::format(", {} {}", count, Name(violation));
  }
  return line;
}

}  // namespace

ProgressDisplay::ProgressDisplay(std::string title, bool quiet)
    : title_(std::move(title)),
      quiet_(quiet),
      terminal_(::isatty(STDERR_FILENO) != 0 && std::getenv("CI") == nullptr),
      last_(std::chrono::steady_clock::now()) {
  struct sigaction action {};
  action.sa_handler = RequestStop;
  // A second signal means it: the default action, at once.
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

ProgressDisplay::~ProgressDisplay() { Finish(); }

bool ProgressDisplay::StopRequested() { return stop_requested; }

bool ProgressDisplay::Show(const ExploreProgress& progress) {
  const auto now = std::chrono::steady_clock::now();
  if (!quiet_ && terminal_ && now - last_ >= kRepaintEvery) {
    Say("\r\x1b[K{}", Line(title_, progress));
    std::fflush(stderr);
    painted_ = true;
    last_ = now;
  } else if (!quiet_ && !terminal_ && now - last_ >= kPlainLineEvery) {
    Say("{}\n", Line(title_, progress));
    last_ = now;
  }
  return !stop_requested;
}

void ProgressDisplay::Finish() {
  if (!painted_) return;
  Say("\r\x1b[K");
  std::fflush(stderr);
  painted_ = false;
}

bool ColorsWanted(int descriptor) {
  const char* no_color = std::getenv("NO_COLOR");
  const bool refused = no_color != nullptr && *no_color != '\0';
  return !refused && ::isatty(descriptor) != 0;
}

}  // namespace plugpull
