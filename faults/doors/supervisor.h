// The supervisor of a traced program: waits for its calls, has them handled one after the other,
// and tells whoever serves of lines and ends. Here with calls that reach us by notification.
#pragma once

#include <deque>
#include <memory>
#include <unordered_map>

#include "faults/doors/door.h"
#include "faults/doors/launch.h"
#include "faults/doors/listener.h"
#include "faults/doors/program_input.h"
#include "faults/doors/traced_program.h"

namespace plugpull {

class Supervisor final : public TracedProgram {
 public:
  Supervisor(const TracedSettings& settings, const LoadedDirectory& found, Launched launched);
  ~Supervisor() override;
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  Expected<Event> Serve(std::optional<Clock::time_point> deadline, int watched) override;
  std::string TakeLine() override { return door_.output.Take(); }
  Expected<void> Say(std::string_view text) override { return input_.Say(text); }
  void HangUp() override { input_.HangUp(); }
  void Begin(uint32_t transaction) override;
  void Acknowledge(uint32_t transaction) override;
  void Signal(int signal) override;
  void Kill() override;
  pid_t pid() const override { return first_; }
  ProgramExit Exit() const override;
  Expected<Recording> Finish() override;

 private:
  // A call that was taken from the listener.
  struct Stopped {
    seccomp_notif notification{};
    std::unique_ptr<CallStop> call{};  // once it is handled
    Answer answer{};
  };

  // Waits for something to do. Returns: the event that this is by itself.
  Expected<std::optional<Event>> Wait(std::optional<Clock::time_point> deadline, int watched);

  // Handles the stopped call. Its answer waits until all lines that it completed are taken.
  Expected<void> Handle();
  void SendAnswer();

  Expected<Tracee*> TraceeOf(pid_t thread);

  // Hears what the keeper says. Sets has_ended_ when all processes have ended.
  Expected<void> HearKeeper();
  void Mark(OpKind kind, uint32_t transaction);

  std::string directory_;
  Door door_;
  std::unique_ptr<Listener> listener_;
  Descriptor control_;
  Descriptor output_;  // kept open, so that the program may write
  ProgramInput input_;
  pid_t keeper_;
  pid_t first_;
  size_t most_tracees_;
  std::unordered_map<pid_t, Tracee> tracees_;
  std::optional<Stopped> stopped_;
  std::optional<int> status_;  // of the first process
  std::optional<Error> failure_;
  uint64_t calls_seen_ = 0;
  bool is_killed_ = false;
  bool has_ended_ = false;
};

}  // namespace plugpull
