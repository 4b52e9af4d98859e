#include "harness/image_judge.h"

#include <fmt/format.h>

#include <atomic>
#include <utility>

#include "engine/drivers/driver.h"
#include "faults/doors/image_directory.h"
#include "harness/check_command.h"
#include "harness/check_input.h"
#include "workloads/workload.h"

namespace plugpull {
namespace {

class DriverJudge final : public ProgramJudge {
 public:
  DriverJudge(Target target, DriverProgram program, Stage& stage, const ReferenceModel& model,
              const ExploreSettings& settings)
      : target_(std::move(target)),
        program_(std::move(program)),
        stage_(stage),
        timeout_(settings.recovery_timeout_ms),
        recovery_(target_, model, settings.promise, UseAfterRecovery(settings.seed, settings.keys),
                  phase_) {
    recovery_.LookFor(settings.symptom);
  }

  Expected<Judgement> Judge(const Window& window) override {
    const bool was_running = process_ != nullptr;
    Expected<Judgement> judgement = JudgeOnce(window);
    // A driver may die of what it did before, and only now show it: a new one tells.
    const bool is_doubtful = judgement && judgement->violation &&
                             judgement->violation->violation == ViolationClass::kCrashOnOpen;
    return was_running && is_doubtful ? JudgeOnce(window) : std::move(judgement);
  }

  Expected<Judgement> Use(Judgement judgement) override {
    process_->SetDeadline(std::chrono::steady_clock::now() + timeout_);
    return Conclude(recovery_.Use(maker_, std::move(judgement)));
  }

  void LetGo() override {
    if (process_ == nullptr) return;
    process_->SetDeadline(std::chrono::steady_clock::now() + timeout_);
    recovery_.Drop();
    if (process_->how_it_ended() != Conversation::End::kAlive) process_.reset();
  }

 private:
  Expected<Judgement> JudgeOnce(const Window& window) {
    LetGo();
    if (const Expected<void> shown = stage_.Show(); !shown) {
      return std::unexpected(shown.error());
    }
    if (process_ == nullptr) {
      Expected<std::unique_ptr<DriverProcess>> started = DriverProcess::Start(program_);
      if (!started) return std::unexpected(started.error());
      process_ = std::move(*started);
    }
    process_->SetDeadline(std::chrono::steady_clock::now() + timeout_);
    return Conclude(recovery_.Judge(maker_, window));
  }

  // Says what it means if the driver is gone.
  Judgement Conclude(Judgement judgement) {
    const Conversation::End end = process_->how_it_ended();
    if (end == Conversation::End::kAlive) return judgement;
    const Phase phase = phase_;
    const bool hung = end == Conversation::End::kTimedOut;
    Violation violation;
    violation.violation = hung ? ViolationClass::kHangOnOpen : ViolationClass::kCrashOnOpen;
    if (phase == Phase::kUse) violation.violation = ViolationClass::kUnusableAfter;
    violation.message =
        hung ? fmt::format("did not finish within {} ms {}", timeout_.count(), Describe(phase))
             : fmt::format("{} {}", process_->DescribeEnd(), Describe(phase));
    recovery_.Drop();
    process_.reset();
    return {.violation = std::move(violation), .known_state = false, .digest = {}};
  }

  Target target_;
  DriverProgram program_;
  Stage& stage_;
  std::chrono::milliseconds timeout_;
  std::unique_ptr<DriverProcess> process_;  // null: none runs
  std::atomic<Phase> phase_ = Phase::kOpen;
  EngineMaker maker_ = [this] { return MakeDriverEngine(*process_, stage_.path(), program_); };
  Recovery recovery_;  // its engine goes before its process
};

class CheckJudge final : public ProgramJudge {
 public:
  CheckJudge(CheckCommand command, Stage& stage, CheckInput input, const ExploreSettings& settings)
      : command_(std::move(command)),
        stage_(stage),
        input_(std::move(input)),
        timeout_(settings.recovery_timeout_ms) {}

  Expected<Judgement> Judge(const Window& window) override {
    if (const Expected<void> shown = stage_.Show(); !shown) {
      return std::unexpected(shown.error());
    }
    Expected<std::optional<Violation>> found =
        command_.Run(stage_.path(), input_.Lines(window.acknowledged), timeout_);
    if (!found) return std::unexpected(found.error());
    Judgement judgement;
    judgement.violation = std::move(*found);
    return judgement;
  }

  // A check knows no contents to go on from.
  Expected<Judgement> Use(Judgement judgement) override { return judgement; }

  void LetGo() override {}

 private:
  CheckCommand command_;
  Stage& stage_;
  CheckInput input_;
  std::chrono::milliseconds timeout_;
};

// Shows images in a directory.
class DirectoryJudge final : public ImageJudge, private Stage {
 public:
  explicit DirectoryJudge(ImageDirectory directory) : directory_(std::move(directory)) {}

  Expected<void> Start(const Trace& trace, const ReferenceModel& model,
                       const ExploreSettings& settings) {
    Expected<std::unique_ptr<ProgramJudge>> judge = MakeProgramJudge(trace, model, settings, *this);
    if (!judge) return std::unexpected(judge.error());
    judge_ = std::move(*judge);
    return {};
  }

  Expected<Judgement> Judge(const Image& image, const Window& window) override {
    image_ = &image;
    return judge_->Judge(window);
  }
  Expected<Judgement> Use(Judgement judgement) override {
    return judge_->Use(std::move(judgement));
  }

 private:
  Expected<void> Show() override { return directory_.Show(*image_); }
  const std::string& path() const override { return directory_.path(); }

  ImageDirectory directory_;
  const Image* image_ = nullptr;  // of the Judge under way
  std::unique_ptr<ProgramJudge> judge_;
};

}  // namespace

Expected<std::unique_ptr<ProgramJudge>> MakeProgramJudge(const Trace& trace,
                                                         const ReferenceModel& model,
                                                         const ExploreSettings& settings,
                                                         Stage& stage) {
  if (!settings.check.empty()) {
    Expected<CheckCommand> command = CheckCommand::Create(settings.check);
    if (!command) return std::unexpected(command.error());
    return std::make_unique<CheckJudge>(std::move(*command), stage, CheckInput(trace, settings),
                                        settings);
  }
  Expected<Target> target = ParseTarget(settings.target);
  if (!target) return std::unexpected(target.error());
  Expected<DriverProgram> program = target->Program();
  if (!program) return std::unexpected(program.error());
  return std::make_unique<DriverJudge>(std::move(*target), std::move(*program), stage, model,
                                       settings);
}

Expected<std::unique_ptr<ImageJudge>> MakeImageJudge(const Trace& trace,
                                                     const ReferenceModel& model,
                                                     const ExploreSettings& settings) {
  Expected<ImageDirectory> directory = ImageDirectory::Create();
  if (!directory) return std::unexpected(directory.error());
  auto judge = std::make_unique<DirectoryJudge>(std::move(*directory));
  if (const Expected<void> started = judge->Start(trace, model, settings); !started) {
    return std::unexpected(started.error());
  }
  return judge;
}

bool NeedsImages(const ExploreSettings& settings) {
  if (!settings.check.empty()) return true;
  const Expected<Target> target = ParseTarget(settings.target);
  return target && target->is_program();
}

}  // namespace plugpull
