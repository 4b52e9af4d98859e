#include "harness/record_program.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <optional>

#include "harness/command_line.h"
#include "harness/native_command.h"
#include "harness/program_notes.h"
#include "harness/recorded_directory.h"
#include "harness/role_patterns.h"
#include "harness/version.h"

namespace plugpull {
namespace {

using Clock = TracedProgram::Clock;
using Event = TracedProgram::Event;

constexpr std::chrono::milliseconds kTick{100};  // between two looks at the clock and the user
constexpr std::chrono::milliseconds kBetweenAsking{50};  // whether a server is ready
constexpr std::chrono::seconds kGrace{10};               // for a server to end after SIGTERM

class ProgramRun {
 public:
  ProgramRun(const ProgramSettings& settings, std::string directory)
      : settings_(settings),
        directory_(std::move(directory)),
        name_(ShellText(settings.arguments)),
        deadline_(Clock::now() + settings.timeout) {}

  Expected<ProgramRecording> Record() {
    if (const Expected<void> prepared = Prepare(); !prepared) {
      return std::unexpected(prepared.error());
    }
    if (const Expected<void> started = Start(); !started) return std::unexpected(started.error());
    const Expected<void> ran = settings_.client.empty() ? RunToEnd() : ServeClient();
    if (!ran) return std::unexpected(ran.error());
    return Finish();
  }

 private:
  NativeSettings Native(const std::string& command, NativeSettings::Output output) const {
    return {.arguments = ArgumentsOf(command),
            .work_directory = directory_,
            .environment = CommandEnvironment(directory_),
            .user = settings_.user,
            .output = output};
  }

  std::unexpected<Error> TookTooLong(std::string_view what) const {
    return Fail(ErrorCode::kTargetFailed,
                fmt::format("{} did not end within {} s; --timeout gives it longer", what,
                            static_cast<double>(settings_.timeout.count()) / 1000));
  }

  // Errors: there is no time left, or nobody waits any more.
  Expected<void> CheckTime(std::string_view what) const {
    if (settings_.should_stop && settings_.should_stop()) {
      return Fail(ErrorCode::kBusy, "stopped by a signal while recording");
    }
    if (Clock::now() >= deadline_) return TookTooLong(what);
    return {};
  }

  Expected<void> Prepare() {
    if (settings_.init.empty()) return {};
    const Expected<std::unique_ptr<NativeCommand>> init =
        NativeCommand::Start(Native(settings_.init, NativeSettings::Output::kStandardError));
    if (!init) return std::unexpected(init.error());
    std::optional<ChildExit> exit;
    while (!(exit = (*init)->Wait(Clock::now() + kTick))) {
      if (const Expected<void> time = CheckTime("--init"); !time) return time;
    }
    if (!exit->signaled && exit->code == 0) return {};
    return Fail(ErrorCode::kTargetFailed,
                fmt::format("--init '{}' {}", settings_.init, exit->Describe()));
  }

  Expected<void> Start() {
    TracedSettings traced{.directory = directory_,
                          .arguments = FromHere(settings_.arguments),
                          .work_directory = directory_,
                          .environment = CommandEnvironment(directory_),
                          .failures = settings_.failures,
                          .real_sync = settings_.real_sync,
                          .pin_to_one_cpu = settings_.pin_to_one_cpu,
                          .user = settings_.user,
                          .backend = settings_.backend};
    // Python holds back what it prints into a pipe.
    traced.environment["PYTHONUNBUFFERED"] = "1";
    Expected<std::unique_ptr<TracedProgram>> started = TracedProgram::Start(traced);
    if (!started) return std::unexpected(started.error());
    program_ = std::move(*started);
    return {};
  }

  // Serves until something happens that is not time passing.
  Expected<Event> Serve(int watched, Clock::time_point until) {
    while (true) {
      const Clock::time_point tick = std::min(Clock::now() + kTick, until);
      const Expected<Event> event = program_->Serve(tick, watched);
      if (!event || *event != Event::kDeadline) return event;
      if (const Expected<void> time = CheckTime(name_); !time) return std::unexpected(time.error());
      if (Clock::now() >= until) return event;
    }
  }

  void Acknowledge(std::string line) {
    lines_.push_back(std::move(line));
    const auto number = static_cast<uint32_t>(lines_.size());
    program_->Begin(number);
    program_->Acknowledge(number);
  }

  Expected<void> RunToEnd() {
    while (true) {
      const Expected<Event> event = Serve(-1, deadline_);
      if (!event) return std::unexpected(event.error());
      if (*event == Event::kEnded) break;
      if (*event == Event::kLine) Acknowledge(program_->TakeLine());
    }
    const ProgramExit exit = program_->Exit();
    if (!exit.signaled && exit.code == 0) return {};
    if (settings_.failures.rules.empty()) {
      return Fail(ErrorCode::kTargetFailed,
                  fmt::format("{} {} though no call was made to fail", name_, exit.Describe()));
    }
    warnings_.push_back(
        fmt::format("the program {}, while calls of it were made to fail", exit.Describe()));
    return {};
  }

  // Serves until `command` ends. Its lines are acknowledgements if it has some.
  Expected<ChildExit> ServeBeside(NativeCommand& command, bool takes_lines) {
    while (true) {
      const Expected<Event> event = Serve(command.descriptor(), deadline_);
      if (!event) return std::unexpected(event.error());
      if (*event == Event::kEnded) {
        return Fail(ErrorCode::kTargetFailed,
                    fmt::format("the server {} {} before its client was done", name_,
                                program_->Exit().Describe()));
      }
      if (*event == Event::kLine) program_->TakeLine();  // a server's log promises nothing
      if (*event != Event::kReadable) continue;
      // Whether it has ended is asked first: then all that it printed is there.
      const std::optional<ChildExit> exit = command.Exit();
      for (std::string& line : command.TakeLines()) {
        if (takes_lines) Acknowledge(std::move(line));
      }
      if (exit) return *exit;
    }
  }

  Expected<void> AwaitReady() {
    while (!settings_.ready.empty()) {
      const Expected<std::unique_ptr<NativeCommand>> asking =
          NativeCommand::Start(Native(settings_.ready, NativeSettings::Output::kNowhere));
      if (!asking) return std::unexpected(asking.error());
      const Expected<ChildExit> answer = ServeBeside(**asking, false);
      if (!answer) return std::unexpected(answer.error());
      if (!answer->signaled && answer->code == 0) return {};
      const Clock::time_point again = Clock::now() + kBetweenAsking;
      while (Clock::now() < again) {
        const Expected<Event> event = Serve(-1, again);
        if (!event) return std::unexpected(event.error());
        if (*event == Event::kLine) program_->TakeLine();
        if (*event != Event::kEnded) continue;
        return Fail(ErrorCode::kTargetFailed, fmt::format("the server {} {} before it was ready",
                                                          name_, program_->Exit().Describe()));
      }
    }
    return {};
  }

  Expected<void> ServeClient() {
    if (const Expected<void> ready = AwaitReady(); !ready) return ready;
    const Expected<std::unique_ptr<NativeCommand>> client =
        NativeCommand::Start(Native(settings_.client, NativeSettings::Output::kLines));
    if (!client) return std::unexpected(client.error());
    const Expected<ChildExit> exit = ServeBeside(**client, true);
    if (!exit) return std::unexpected(exit.error());
    if (exit->signaled || exit->code != 0) {
      const std::string text =
          fmt::format("the client '{}' {}", settings_.client, exit->Describe());
      if (settings_.failures.rules.empty()) {
        return Fail(ErrorCode::kTargetFailed, text + " though no call was made to fail");
      }
      warnings_.push_back(text + ", while calls of the server were made to fail");
    }
    return StopServer();
  }

  Expected<void> StopServer() {
    program_->Signal(SIGTERM);
    bool killed = false;
    const Clock::time_point grace = Clock::now() + kGrace;
    while (true) {
      const Expected<Event> event = Serve(-1, killed ? deadline_ : std::min(grace, deadline_));
      if (!event) return std::unexpected(event.error());
      if (*event == Event::kEnded) return {};
      if (*event == Event::kLine) program_->TakeLine();
      if (*event == Event::kDeadline && !killed) {
        warnings_.push_back(
            fmt::format("the server did not end within {} s of SIGTERM, and was "
                        "killed",
                        kGrace.count()));
        program_->Kill();
        killed = true;
      }
    }
  }

  Expected<ProgramRecording> Finish() {
    Expected<Recording> recording = program_->Finish();
    if (!recording) return std::unexpected(recording.error());
    if (const Expected<void> fired = CheckFired(settings_.failures, *recording); !fired) {
      return std::unexpected(fired.error());
    }
    ProgramRecording result{.recording = *std::move(recording), .warnings = std::move(warnings_)};
    Trace& trace = result.recording.trace;
    trace.transactions = TransactionsOf(lines_);
    trace.facts[kProgramFact] = name_;
    trace.facts["seed"] = std::to_string(settings_.seed);
    trace.facts["version"] = kVersion;
    trace.facts["door"] = "traced";
    if (!settings_.roles.empty()) trace.facts[kRolesFact] = settings_.roles;
    AddFactsOf(result.recording, settings_.failures);
    if (!HasCaptured(trace)) {
      return Fail(ErrorCode::kTargetFailed,
                  fmt::format("{} changed nothing in {}: is that where it keeps its files? It "
                              "starts there, and finds it as $PLUGPULL_DIR",
                              name_, directory_));
    }
    std::ranges::move(NotesOnLines(trace), std::back_inserter(result.warnings));
    std::ranges::move(NotesOnPlaces(result.recording), std::back_inserter(result.warnings));
    return result;
  }

  const ProgramSettings& settings_;
  const std::string directory_;
  const std::string name_;
  const Clock::time_point deadline_;
  std::unique_ptr<TracedProgram> program_;
  std::vector<std::string> lines_;
  std::vector<std::string> warnings_;
};

}  // namespace

Expected<ProgramRecording> RecordProgram(const ProgramSettings& settings) {
  if (settings.arguments.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "there is no program to record");
  }
  if (!settings.directory.empty()) {
    const Expected<std::string> directory =
        PrepareDirectory(settings.directory, settings.keep, settings.user);
    if (!directory) return std::unexpected(directory.error());
    return ProgramRun(settings, *directory).Record();
  }
  const Expected<OwnDirectory> own = OwnDirectory::Create(settings.user);
  if (!own) return std::unexpected(own.error());
  return ProgramRun(settings, own->path()).Record();
}

}  // namespace plugpull
