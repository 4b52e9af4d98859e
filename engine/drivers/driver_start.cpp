#include "engine/drivers/driver_start.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

namespace plugpull {
namespace {

struct Pipe {
  OwnedDescriptor read_end;
  OwnedDescriptor write_end;
};

// Above the standard descriptors, so that they can be put in place one by one; close-on-exec, so
// that no other child holds them open.
Expected<OwnedDescriptor> Raise(OwnedDescriptor descriptor) {
  if (descriptor.get() > STDERR_FILENO) return descriptor;
  OwnedDescriptor raised(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (raised.get() < 0) return FailErrno("cannot make a pipe to a driver");
  return raised;
}

Expected<Pipe> MakePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return FailErrno("cannot make a pipe to a driver");
  Expected<OwnedDescriptor> read_end = Raise(OwnedDescriptor(ends[0]));
  Expected<OwnedDescriptor> write_end = Raise(OwnedDescriptor(ends[1]));
  if (!read_end) return std::unexpected(read_end.error());
  if (!write_end) return std::unexpected(write_end.error());
  return Pipe{std::move(*read_end), std::move(*write_end)};
}

// What the child needs between vfork and exec. It shares the parent's memory until then, so that
// starting costs the same however large the parent is.
struct ChildPlan {
  const char* const* arguments;
  int input;
  int output;
  int error_output;
  pid_t parent;
  volatile int exec_errno;
};

// Runs in the child; system calls alone are allowed here. Not posix_spawn, which cannot ask for
// the death signal: a driver that hangs would outlive a harness that is killed.
[[noreturn]] void RunChild(ChildPlan& plan) {
  sigset_t nothing;
  ::sigemptyset(&nothing);
  for (int number = 1; number < SIGRTMIN; ++number) {
    if (number != SIGKILL && number != SIGSTOP) ::signal(number, SIG_DFL);
  }
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() == plan.parent && ::dup2(plan.input, STDIN_FILENO) >= 0 &&
      ::dup2(plan.output, STDOUT_FILENO) >= 0 && ::dup2(plan.error_output, STDERR_FILENO) >= 0) {
    ::close_range(STDERR_FILENO + 1, ~0U, 0);
    ::sigprocmask(SIG_SETMASK, &nothing, nullptr);
    ::execvp(plan.arguments[0], const_cast<char* const*>(plan.arguments));
  }
  plan.exec_errno = errno;
  ::_exit(127);
}

// Its own function, because a function that calls vfork must not return in the child, nor keep
// variables that both sides change.
[[gnu::noinline]] pid_t Fork(ChildPlan& plan) {
  const pid_t pid = ::vfork();
  if (pid == 0) RunChild(plan);
  return pid;
}

}  // namespace

OwnedDescriptor::~OwnedDescriptor() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Expected<StartedDriver> StartDriver(const std::vector<std::string>& arguments) {
  Expected<Pipe> input = MakePipe();
  if (!input) return std::unexpected(input.error());
  Expected<Pipe> output = MakePipe();
  if (!output) return std::unexpected(output.error());
  Expected<Pipe> error_output = MakePipe();
  if (!error_output) return std::unexpected(error_output.error());
  std::vector<const char*> words;
  for (const std::string& argument : arguments) words.push_back(argument.c_str());
  words.push_back(nullptr);
  ChildPlan plan = {.arguments = words.data(),
                    .input = input->read_end.get(),
                    .output = output->write_end.get(),
                    .error_output = error_output->write_end.get(),
                    .parent = ::getpid(),
                    .exec_errno = 0};
  // Signals wait until the child has its own way of taking them.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = Fork(plan);
  const int fork_errno = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return FailErrno(fmt::format("cannot start {}", arguments[0]), fork_errno);
  if (plan.exec_errno != 0) {
    ::waitpid(pid, nullptr, 0);
    return FailErrno(fmt::format("cannot start {}", arguments[0]), plan.exec_errno);
  }
  for (const int descriptor :
       {input->write_end.get(), output->read_end.get(), error_output->read_end.get()}) {
    ::fcntl(descriptor, F_SETFL, O_NONBLOCK);
  }
  return StartedDriver{
      .pid = pid,
      .process = OwnedDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))),
      .input = std::move(input->write_end),
      .input_end = std::move(input->read_end),
      .output = std::move(output->read_end),
      .error_output = std::move(error_output->read_end)};
}

}  // namespace plugpull
