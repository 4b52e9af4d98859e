// Records a workload of ours on an engine that is a program: the same loop as for a linked engine,
// the same generator, the same facts; only the door is another.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "engine/drivers/driver.h"
#include "harness/command_line.h"
#include "harness/program_notes.h"
#include "harness/record_program.h"
#include "harness/recorded_directory.h"
#include "harness/run_workload.h"

namespace plugpull {
namespace {

using Clock = TracedProgram::Clock;
using Event = TracedProgram::Event;

constexpr std::chrono::milliseconds kTick{100};  // between two looks at the clock and the user

// Speaks to a driver while it is recorded.
class TracedConversation : public Conversation, public WorkloadMarks {
 public:
  TracedConversation(TracedProgram& program, const DriverSettings& settings)
      : program_(program), settings_(settings), deadline_(Clock::now() + settings.timeout) {}

  Expected<void> Send(std::string_view lines) override {
    if (end_ != End::kAlive) return std::unexpected(why_);
    return program_.Say(lines);
  }

  Expected<std::string_view> Receive() override {
    while (end_ == End::kAlive) {
      const Expected<Event> event = program_.Serve(std::min(Clock::now() + kTick, deadline_));
      if (!event) {
        trouble_ = true;
        Over(End::kExited, event.error());
      } else if (*event == Event::kLine) {
        line_ = program_.TakeLine();
        return line_;
      } else if (*event == Event::kEnded) {
        is_running_ = false;
        Over(program_.Exit().signaled ? End::kCrashed : End::kExited,
             {ErrorCode::kTargetFailed, "the driver " + program_.Exit().Describe()});
      } else if (settings_.should_stop && settings_.should_stop()) {
        trouble_ = true;
        Over(End::kTimedOut, {ErrorCode::kBusy, "stopped by a signal while recording"});
      } else if (Clock::now() >= deadline_) {
        trouble_ = true;
        Over(End::kTimedOut,
             {ErrorCode::kTargetFailed,
              fmt::format("the driver did not finish its workload within {} s; --timeout gives it "
                          "longer",
                          static_cast<double>(settings_.timeout.count()) / 1000)});
      }
    }
    return std::unexpected(why_);
  }

  void GiveUp() override {
    Over(End::kExited, {ErrorCode::kTargetFailed, "the driver does not keep to the protocol"});
  }

  End how_it_ended() const override { return end_; }

  void Begin(uint32_t transaction) override { program_.Begin(transaction); }
  void Acknowledge(uint32_t transaction) override { program_.Acknowledge(transaction); }

  // Returns: true when the failure is none of the engine's, whatever calls were made to fail.
  bool has_trouble() const { return trouble_; }

  // Kills the driver where it is: nothing that is said from now on reaches it.
  Expected<void> Cut() {
    Over(End::kExited, {ErrorCode::kTargetFailed, "the recording has ended"});
    if (is_running_) program_.Kill();
    while (is_running_) {
      const Expected<Event> event = program_.Serve();
      if (!event) return std::unexpected(event.error());
      if (*event == Event::kLine) program_.TakeLine();
      is_running_ = *event != Event::kEnded;
    }
    return {};
  }

 private:
  void Over(End end, Error why) {
    end_ = end;
    why_ = std::move(why);
  }

  TracedProgram& program_;
  const DriverSettings& settings_;
  const Clock::time_point deadline_;
  std::string line_;
  End end_ = End::kAlive;
  Error why_{ErrorCode::kTargetFailed, {}};
  bool is_running_ = true;
  bool trouble_ = false;
};

}  // namespace

Expected<ProgramRecording> RecordDriver(const RecordSettings& settings,
                                        const DriverSettings& driver) {
  const Expected<Target> target = ParseTarget(settings.target);
  if (!target) return std::unexpected(target.error());
  const Expected<std::vector<Transaction>> transactions = TransactionsOf(settings);
  if (!transactions) return std::unexpected(transactions.error());
  const Expected<DriverProgram> program = target->type->Program(target->options);
  if (!program) return std::unexpected(program.error());
  const Expected<OwnDirectory> own = OwnDirectory::Create();
  if (!own) return std::unexpected(own.error());
  TracedSettings traced{.directory = own->path(),
                        .arguments = program->arguments,
                        .work_directory = own->path(),
                        .environment = CommandEnvironment(own->path()),
                        .failures = driver.failures,
                        .real_sync = driver.real_sync,
                        .pin_to_one_cpu = driver.pin_to_one_cpu,
                        .has_input = true};
  const Expected<std::unique_ptr<TracedProgram>> started = TracedProgram::Start(traced);
  if (!started) return std::unexpected(started.error());

  TracedConversation conversation(**started, driver);
  std::optional<WorkloadFailure> failure;
  {
    const std::unique_ptr<Engine> engine = MakeDriverEngine(conversation, own->path(), *program);
    failure = RunWorkload(*engine, conversation, *transactions, /*acknowledged=*/0);
    // Before the engine goes, which would close the store.
    if (const Expected<void> cut = conversation.Cut(); !cut) return std::unexpected(cut.error());
  }
  if (failure && (conversation.has_trouble() || driver.failures.rules.empty())) {
    const ErrorCode code =
        conversation.has_trouble() ? failure->error.code : ErrorCode::kTargetFailed;
    return Fail(code, fmt::format("{} failed {} though no call was made to fail: {}",
                                  settings.target, failure->Where(), Describe(failure->error)));
  }
  Expected<Recording> recording = (*started)->Finish();
  if (!recording) return std::unexpected(recording.error());
  if (const Expected<void> fired = CheckFired(driver.failures, *recording); !fired) {
    return std::unexpected(fired.error());
  }
  ProgramRecording result{.recording = *std::move(recording), .warnings = {}};
  Trace& trace = result.recording.trace;
  trace.transactions = *transactions;
  trace.facts.merge(FactsOf(settings));
  trace.facts["door"] = "traced";
  if (failure) {
    result.warnings.push_back(
        fmt::format("{} failed {}, while calls of it were made to fail: {}; "
                    "what follows was not run",
                    settings.target, failure->Where(), Describe(failure->error)));
    trace.transactions.resize(failure->transaction);
  }
  AddFactsOf(result.recording, driver.failures);
  std::ranges::move(NotesOnPlaces(result.recording), std::back_inserter(result.warnings));
  return result;
}

}  // namespace plugpull
