#include "faults/doors/ptrace_listener.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <utility>

#include "faults/doors/trace_message.h"

namespace plugpull {
namespace {

void Command(int commands, TraceCommand::Kind kind, pid_t thread, int64_t value = 0) {
  const TraceCommand command{.kind = kind, .thread = thread, .value = value};
  ::send(commands, &command, sizeof command, MSG_NOSIGNAL);
}

class TracedCall final : public CallStop {
 public:
  TracedCall(const seccomp_notif& notification, Tracee& the_tracee, int commands)
      : CallStop(notification.data.nr, ArgumentsOf(notification.data), the_tracee),
        commands_(commands) {}

  bool performs() const override { return false; }

  int64_t Execute(const std::function<int64_t()>& /*perform*/) override {
    Command(commands_, TraceCommand::kRun, tracee().thread());
    RunResult result{.is_gone = true};
    while (::recv(commands_, &result, sizeof result, 0) < 0 && errno == EINTR) {
    }
    // Nobody is there to see the result of a call that its thread did not survive.
    executed_ = result.is_gone ? -int64_t{EINTR} : result.value;
    return *executed_;
  }

  int64_t ExecuteOpen(const std::function<int64_t()>& perform, bool /*close_on_exec*/) override {
    const int64_t result = Execute(perform);
    if (result < 0) return result;
    const std::string path = fmt::format("/proc/{}/fd/{}", tracee().thread(), result);
    opened_ = Descriptor(::open(path.c_str(), O_PATH | O_CLOEXEC));
    return opened_.is_open() ? 0 : -int64_t{errno};
  }

  int opened() const override { return opened_.number(); }

  // Returns: what the program has been told already.
  std::optional<int64_t> executed() const { return executed_; }

 private:
  int commands_;
  std::optional<int64_t> executed_;
  Descriptor opened_;
};

}  // namespace

PtraceListener::PtraceListener(Descriptor stops, Descriptor commands)
    : stops_(std::move(stops)), commands_(std::move(commands)) {}

Expected<std::optional<seccomp_notif>> PtraceListener::Receive() {
  StopMessage message = {};
  const ssize_t count = ::recv(stops_.number(), &message, sizeof message, MSG_DONTWAIT);
  if (count == sizeof message) return message;
  if (count == 0) stops_.Close();  // the tracer is gone, and so are all that it traced
  if (count >= 0 || errno == EINTR || errno == EAGAIN) return std::nullopt;
  return FailErrno("cannot hear of the program's calls");
}

bool PtraceListener::IsWaiting(const seccomp_notif& notification) const {
  // A thread that was killed may be there for a while, but not as one that a tracer has stopped.
  std::ifstream file(fmt::format("/proc/{}/stat", notification.pid));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const size_t name_end = text.rfind(") ");
  return name_end != text.npos && text.substr(name_end + 2).starts_with('t');
}

std::unique_ptr<CallStop> PtraceListener::MakeCall(const seccomp_notif& notification,
                                                   Tracee& tracee) {
  tracee.LookByPath();
  return std::make_unique<TracedCall>(notification, tracee, commands_.number());
}

void PtraceListener::Answer(const seccomp_notif& notification, const CallStop& call,
                            std::optional<int64_t> result) {
  const auto& traced = static_cast<const TracedCall&>(call);
  const auto thread = static_cast<pid_t>(notification.pid);
  const bool is_told = !result || traced.opened() >= 0 || result == traced.executed();
  if (is_told) return Command(commands_.number(), TraceCommand::kContinue, thread);
  Command(commands_.number(), TraceCommand::kReturn, thread, *result);
}

}  // namespace plugpull
