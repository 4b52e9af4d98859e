#include "faults/doors/keeper.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>

namespace plugpull {
namespace {

// Only calls that are safe after a fork of a process with threads are used in this file.

void Send(int socket, const KeeperMessage& message, int descriptor = -1) {
  KeeperMessage copy = message;
  iovec bytes{&copy, sizeof copy};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> room{};
  msghdr header = {};
  header.msg_iov = &bytes;
  header.msg_iovlen = 1;
  if (descriptor >= 0) {
    header.msg_control = room.data();
    header.msg_controllen = room.size();
    cmsghdr* attached = CMSG_FIRSTHDR(&header);
    attached->cmsg_level = SOL_SOCKET;
    attached->cmsg_type = SCM_RIGHTS;
    attached->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(attached), &descriptor, sizeof descriptor);
  }
  // Not write(2): that is a call at which the new process waits for us.
  ::sendmsg(socket, &header, MSG_NOSIGNAL);
}

[[noreturn]] void GiveUp(int start, KeeperMessage::Step step) {
  Send(start, {.kind = KeeperMessage::kFailed, .value = errno, .step = step});
  ::_exit(127);
}

// The new process is as if a shell had started it.
void ResetSignals() {
  for (int signal = 1; signal < NSIG; ++signal) {
    if (signal != SIGKILL && signal != SIGSTOP) ::signal(signal, SIG_DFL);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

int InstallFilter(const LaunchPlan& plan) {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  if (plan.is_traced) {
    return static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &plan.filter));
  }
  return static_cast<int>(::syscall(
      SYS_seccomp, SECCOMP_SET_MODE_FILTER,
      SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &plan.filter));
}

bool ChangeUser(const LaunchPlan& plan) {
  if (!plan.changes_user) return true;
  return ::syscall(SYS_setgroups, plan.groups.size(), plan.groups.data()) == 0 &&
         ::syscall(SYS_setresgid, plan.group, plan.group, plan.group) == 0 &&
         ::syscall(SYS_setresuid, plan.user, plan.user, plan.user) == 0;
}

[[noreturn]] void RunProgram(const LaunchPlan& plan, int start) {
  ::setpgid(0, 0);
  ResetSignals();
  if (::dup2(plan.input, STDIN_FILENO) < 0 || ::dup2(plan.output, STDOUT_FILENO) < 0 ||
      ::chdir(plan.work_directory) != 0) {
    GiveUp(start, KeeperMessage::kDirectory);
  }
  ::syscall(SYS_close_range, STDERR_FILENO + 1, UINT_MAX, CLOSE_RANGE_CLOEXEC);
  if (plan.cpu >= 0) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<size_t>(plan.cpu), &one);
    ::sched_setaffinity(0, sizeof one, &one);
  }
  if (plan.is_traced && !AwaitTracer(plan.awaits_go)) ::_exit(127);  // the keeper has said why
  const int listener = InstallFilter(plan);
  if (listener < 0) GiveUp(start, KeeperMessage::kFilter);
  if (!plan.is_traced) {
    Send(start, {.kind = KeeperMessage::kListener}, listener);
    ::close(listener);
  }
  if (!ChangeUser(plan)) GiveUp(start, KeeperMessage::kUser);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::execvpe(plan.arguments[0], plan.arguments, plan.environment);
  GiveUp(start, KeeperMessage::kExec);
}

}  // namespace

void RunKeeper(const LaunchPlan& plan, int start, int control) {
  // What a program does to its group, or a user to ours, does not reach the keeper.
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  ::setpgid(0, 0);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const pid_t first = ::fork();
  if (first < 0) GiveUp(start, KeeperMessage::kFork);
  if (first == 0) {
    ::close(plan.go);
    RunProgram(plan, start);
  }
  ::close(plan.awaits_go);
  if (plan.is_traced && !SeizeFirst(first, plan.go)) {
    Send(start, {.kind = KeeperMessage::kFailed, .value = errno, .step = KeeperMessage::kTrace});
    ::_exit(127);
  }
  ::dup3(control, STDIN_FILENO, O_CLOEXEC);
  if (plan.is_traced) {
    ::dup3(plan.tracer.stops, STDOUT_FILENO, O_CLOEXEC);
    ::dup3(plan.tracer.commands, STDERR_FILENO, O_CLOEXEC);
  }
  ::syscall(SYS_close_range, plan.is_traced ? STDERR_FILENO + 1 : STDIN_FILENO + 1, UINT_MAX, 0);
  control = STDIN_FILENO;
  Send(control, {.kind = KeeperMessage::kStarted, .value = first});
  if (plan.is_traced) {
    RunTracer(
        first, {.stops = STDOUT_FILENO, .commands = STDERR_FILENO},
        [](int socket, int status) {
          Send(socket, {.kind = KeeperMessage::kExited, .value = status});
        },
        control);
    ::_exit(0);
  }
  while (true) {
    int status = 0;
    const pid_t ended = ::waitpid(-1, &status, 0);
    if (ended < 0 && errno != EINTR) ::_exit(0);  // nobody is left
    if (ended == first) Send(control, {.kind = KeeperMessage::kExited, .value = status});
  }
}

}  // namespace plugpull
