#include "faults/doors/tracer.h"

#include <elf.h>
#include <poll.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "faults/doors/trace_message.h"

namespace plugpull {
namespace {

constexpr int kSyscallStop = SIGTRAP | 0x80;  // with PTRACE_O_TRACESYSGOOD
constexpr long kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE |
                          PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC |
                          PTRACE_O_EXITKILL;

long Ptrace(int request, pid_t thread, unsigned long address, unsigned long data) {
  return ::ptrace(static_cast<__ptrace_request>(request), thread, address, data);
}

bool Resume(int request, pid_t thread, int signal) {
  return Ptrace(request, thread, 0, static_cast<unsigned long>(signal)) == 0;
}

template <typename Message>
void Send(int socket, const Message& message) {
  ::send(socket, &message, sizeof message, MSG_NOSIGNAL);
}

__ptrace_syscall_info InfoOf(pid_t thread) {
  __ptrace_syscall_info info = {};
  Ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, reinterpret_cast<unsigned long>(&info));
  return info;
}

// Makes a stopped call return `value` without being run, or instead of what it has returned.
void SetResult(pid_t thread, int64_t value) {
  user_regs_struct registers = {};
  if (Ptrace(PTRACE_GETREGS, thread, 0, reinterpret_cast<unsigned long>(&registers)) != 0) return;
  registers.orig_rax = ~0ULL;  // no call
  registers.rax = static_cast<unsigned long long>(value);
  Ptrace(PTRACE_SETREGS, thread, 0, reinterpret_cast<unsigned long>(&registers));
}

class Tracer {
 public:
  explicit Tracer(const TracerSockets& sockets) : sockets_(sockets) {}

  void HandleStop(pid_t thread, int status) {
    const int signal = WSTOPSIG(status);
    switch (status >> 16) {
      case PTRACE_EVENT_SECCOMP:
        AnnounceCall(thread);
        return;
      case PTRACE_EVENT_STOP: {
        // A group that was stopped stays so; new threads stop once, too, with another signal.
        const bool is_group =
            signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
        Resume(is_group ? static_cast<int>(PTRACE_LISTEN) : static_cast<int>(PTRACE_CONT), thread,
               0);
        return;
      }
      case 0:
        break;
      default:  // a new process or program, whose first stop comes by itself
        Resume(PTRACE_CONT, thread, 0);
        return;
    }
    if (signal != kSyscallStop) {
      Resume(PTRACE_CONT, thread, signal);
      return;
    }
    const __ptrace_syscall_info info = InfoOf(thread);
    if (thread != running_ || info.op != PTRACE_SYSCALL_INFO_EXIT) {
      Resume(thread == running_ ? PTRACE_SYSCALL : PTRACE_CONT, thread, 0);
      return;
    }
    running_ = 0;
    Send(sockets_.commands, RunResult{.value = info.exit.rval});
  }

  void HandleEnd(pid_t thread) {
    if (thread != running_) return;
    running_ = 0;
    Send(sockets_.commands, RunResult{.is_gone = true});
  }

  // Returns: false when nobody commands any more.
  bool Obey() {
    TraceCommand command;
    const ssize_t count = ::recv(sockets_.commands, &command, sizeof command, MSG_DONTWAIT);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (count == 0) return false;
    switch (command.kind) {
      case TraceCommand::kRun:
        running_ = command.thread;
        if (!Resume(PTRACE_SYSCALL, command.thread, 0)) HandleEnd(command.thread);
        break;
      case TraceCommand::kReturn:
        SetResult(command.thread, command.value);
        Resume(PTRACE_CONT, command.thread, 0);
        break;
      case TraceCommand::kContinue:
        Resume(PTRACE_CONT, command.thread, 0);
        break;
    }
    return true;
  }

 private:
  void AnnounceCall(pid_t thread) {
    const __ptrace_syscall_info info = InfoOf(thread);
    StopMessage message = {};
    message.id = static_cast<uint64_t>(thread);
    message.pid = static_cast<uint32_t>(thread);
    message.data.nr = static_cast<int>(info.seccomp.nr);
    message.data.arch = info.arch;
    std::copy(std::begin(info.seccomp.args), std::end(info.seccomp.args), message.data.args);
    Send(sockets_.stops, message);
  }

  TracerSockets sockets_;
  pid_t running_ = 0;  // the thread whose call is run
};

}  // namespace

bool AwaitTracer(int go) {
  char byte = 0;
  return ::recv(go, &byte, 1, 0) == 1;
}

bool SeizeFirst(pid_t first, int go) {
  if (Ptrace(PTRACE_SEIZE, first, 0, kOptions) != 0) return false;
  return ::send(go, "", 1, MSG_NOSIGNAL) == 1;
}

void RunTracer(pid_t first, const TracerSockets& sockets, void (*ended)(int, int), int argument) {
  sigset_t child;
  ::sigemptyset(&child);
  ::sigaddset(&child, SIGCHLD);
  const int signals = ::signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC);
  Tracer tracer(sockets);
  std::array<pollfd, 2> polls = {{{signals, POLLIN, 0}, {sockets.commands, POLLIN, 0}}};
  while (true) {
    int status = 0;
    pid_t thread = 0;
    while ((thread = ::waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
      if (WIFSTOPPED(status)) {
        tracer.HandleStop(thread, status);
        continue;
      }
      tracer.HandleEnd(thread);
      if (thread == first) ended(argument, status);
    }
    if (thread < 0 && errno == ECHILD) return;
    if (::poll(polls.data(), polls.size(), -1) < 0 && errno != EINTR) return;
    signalfd_siginfo drained;
    while (::read(signals, &drained, sizeof drained) > 0) {
    }
    if (polls[1].revents != 0 && !tracer.Obey()) polls[1].fd = -1;
  }
}

}  // namespace plugpull
