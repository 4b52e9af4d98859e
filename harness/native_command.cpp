#include "harness/native_command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "harness/channel.h"

extern char** environ;

namespace plugpull {
namespace {

// What a child has to say when it could not become the command.
struct StartFailure {
  int os_errno = 0;
};

std::vector<char*> Pointers(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> Environment(const std::map<std::string, std::string>& changes) {
  std::vector<std::string> words;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!changes.contains(std::string(text.substr(0, text.find('='))))) words.emplace_back(text);
  }
  for (const auto& [name, value] : changes) words.push_back(name + "=" + value);
  return words;
}

Expected<std::array<Descriptor, 2>> MakePipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return FailErrno("cannot create a pipe");
  return std::array<Descriptor, 2>{Descriptor(ends[0]), Descriptor(ends[1])};
}

// Becomes the command, between fork and exec. Returns: what went wrong.
int BecomeCommand(const NativeSettings& settings, const std::optional<UserIds>& ids, int output,
                  std::vector<char*>& arguments, std::vector<char*>& environment) {
  ::setpgid(0, 0);
  for (const int ignored : {SIGPIPE, SIGXFSZ}) ::signal(ignored, SIG_DFL);
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  const bool quiet = settings.output == NativeSettings::Output::kNowhere;
  if (nothing < 0 || ::dup2(nothing, STDIN_FILENO) < 0) return errno;
  if (::dup2(quiet ? nothing : output, STDOUT_FILENO) < 0) return errno;
  if (quiet && ::dup2(nothing, STDERR_FILENO) < 0) return errno;
  if (ids &&
      (::setgroups(0, nullptr) != 0 || ::setgid(ids->group) != 0 || ::setuid(ids->user) != 0)) {
    return errno;
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // after setuid, which takes it back
  if (::chdir(settings.work_directory.c_str()) != 0) return errno;
  ::execvpe(arguments[0], arguments.data(), environment.data());
  return errno;
}

}  // namespace

Expected<UserIds> FindUser(const std::string& user) {
  const passwd* entry = ::getpwnam(user.c_str());
  if (entry == nullptr) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("there is no user '{}'", user));
  }
  const UserIds ids{.user = entry->pw_uid, .group = entry->pw_gid};
  if (::geteuid() != 0 && ::geteuid() != ids.user) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("only root can run a program as '{}'; leave out --user", user));
  }
  return ids;
}

struct NativeCommand::State {
  pid_t pid = -1;
  Descriptor process;  // readable at its end
  Descriptor output;   // invalid: none, or closed
  Descriptor events;   // of both
  std::string unfinished;
  std::optional<ChildExit> exit;

  // Reads what there is. Never waits.
  void Drain() {
    std::array<char, 4096> block{};
    while (output.number() >= 0) {
      const ssize_t count = ::read(output.number(), block.data(), block.size());
      if (count > 0) {
        unfinished.append(block.data(), static_cast<size_t>(count));
      } else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
        output.Close();
      } else if (errno == EAGAIN) {
        return;
      }
    }
  }

  void Reap() {
    if (exit) return;
    int status = 0;
    pid_t reaped = 0;
    while ((reaped = ::waitpid(pid, &status, WNOHANG)) < 0 && errno == EINTR) {
    }
    if (reaped == 0) return;
    exit = ChildExit{.signaled = WIFSIGNALED(status) != 0,
                     .code = WIFSIGNALED(status) != 0 ? WTERMSIG(status) : WEXITSTATUS(status)};
    // What it left behind belongs to nobody.
    ::kill(-pid, SIGKILL);
  }
};

NativeCommand::NativeCommand(std::unique_ptr<State> state) : state_(std::move(state)) {}

NativeCommand::~NativeCommand() {
  if (state_->exit) return;
  ::kill(-state_->pid, SIGKILL);
  ::kill(state_->pid, SIGKILL);
  int status = 0;
  while (::waitpid(state_->pid, &status, 0) < 0 && errno == EINTR) {
  }
}

Expected<std::unique_ptr<NativeCommand>> NativeCommand::Start(const NativeSettings& settings) {
  std::optional<UserIds> ids;
  if (!settings.user.empty()) {
    const Expected<UserIds> found = FindUser(settings.user);
    if (!found) return std::unexpected(found.error());
    if (found->user != ::geteuid()) ids = *found;
  }
  auto state = std::make_unique<State>();
  Expected<std::array<Descriptor, 2>> said = MakePipe();
  if (!said) return std::unexpected(said.error());
  Expected<std::array<Descriptor, 2>> failure = MakePipe();
  if (!failure) return std::unexpected(failure.error());
  std::vector<std::string> arguments = settings.arguments;
  std::vector<std::string> environment = Environment(settings.environment);
  std::vector<char*> argv = Pointers(arguments);
  std::vector<char*> envp = Pointers(environment);
  const bool takes_lines = settings.output == NativeSettings::Output::kLines;
  const int output = takes_lines ? (*said)[1].number() : STDERR_FILENO;
  state->pid = ::fork();
  if (state->pid < 0) return FailErrno("cannot start a process");
  if (state->pid == 0) {
    const StartFailure why{BecomeCommand(settings, ids, output, argv, envp)};
    static_cast<void>(::write((*failure)[1].number(), &why, sizeof(why)) == sizeof(why));
    ::_exit(127);
  }
  ::setpgid(state->pid, state->pid);
  (*said)[1].Close();
  (*failure)[1].Close();
  StartFailure why;
  ssize_t count = 0;
  while ((count = ::read((*failure)[0].number(), &why, sizeof(why))) < 0 && errno == EINTR) {
  }
  if (count > 0) {
    while (::waitpid(state->pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return FailErrno(fmt::format("cannot start {}", settings.arguments.front()), why.os_errno);
  }
  auto command = std::make_unique<NativeCommand>(std::move(state));
  State& started = *command->state_;
  started.process = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, started.pid, 0)));
  started.events = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{.events = EPOLLIN, .data = {}};
  const bool watched =
      started.process.number() >= 0 && started.events.number() >= 0 &&
      ::epoll_ctl(started.events.number(), EPOLL_CTL_ADD, started.process.number(), &event) == 0;
  if (!watched) return FailErrno("cannot watch a process");
  if (takes_lines) {
    started.output = std::move((*said)[0]);
    ::fcntl(started.output.number(), F_SETFL, O_NONBLOCK);
    if (::epoll_ctl(started.events.number(), EPOLL_CTL_ADD, started.output.number(), &event) != 0) {
      return FailErrno("cannot watch a pipe");
    }
  }
  return command;
}

int NativeCommand::descriptor() const { return state_->events.number(); }

std::vector<std::string> NativeCommand::TakeLines() {
  // What was printed before the end is there once the end is known.
  state_->Reap();
  state_->Drain();
  std::vector<std::string> lines;
  std::string& text = state_->unfinished;
  for (size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
    lines.push_back(text.substr(0, end));
    text.erase(0, end + 1);
  }
  if (state_->exit && !text.empty()) lines.push_back(std::exchange(text, {}));
  return lines;
}

std::optional<ChildExit> NativeCommand::Exit() {
  state_->Reap();
  return state_->exit;
}

std::optional<ChildExit> NativeCommand::Wait(Clock::time_point deadline) {
  while (!Exit()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return std::nullopt;
    pollfd ended{.fd = state_->process.number(), .events = POLLIN, .revents = 0};
    static_cast<void>(::poll(&ended, 1, static_cast<int>(std::min<int64_t>(left.count(), 1000))));
  }
  return state_->exit;
}

}  // namespace plugpull
