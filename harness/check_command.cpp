#include "harness/check_command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <map>

#include "harness/child.h"
#include "harness/child_process.h"
#include "harness/command_line.h"

namespace plugpull {
namespace {

constexpr size_t kLongestMessage = 400;

// Our environment with the variables of the contract.
std::vector<std::string> EnvironmentFor(const std::string& directory) {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string_view::npos) {
      variables[std::string(text.substr(0, equals))] = text.substr(equals + 1);
    }
  }
  for (auto& [name, value] : CommandEnvironment(directory)) variables[name] = value;
  std::vector<std::string> environment;
  for (const auto& [name, value] : variables) {
    environment.push_back(fmt::format("{}={}", name, value));
  }
  return environment;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// What posix_spawn(3) is told, freed at the end.
class SpawnPlan {
 public:
  SpawnPlan(const std::string& directory, int input, int output, int complaints) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_addchdir_np(&actions_, directory.c_str());
    ::posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, complaints, STDERR_FILENO);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    ::posix_spawnattr_init(&attributes_);
    sigset_t signals;
    ::sigfillset(&signals);
    ::posix_spawnattr_setsigdefault(&attributes_, &signals);
    ::sigemptyset(&signals);
    ::posix_spawnattr_setsigmask(&attributes_, &signals);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  // Returns: an errno.
  int Spawn(std::vector<std::string> arguments, std::vector<std::string> environment, pid_t& pid) {
    const std::vector<char*> argv = Pointers(arguments);
    const std::vector<char*> envp = Pointers(environment);
    return ::posix_spawnp(&pid, argv[0], &actions_, &attributes_, argv.data(), envp.data());
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

// Waits for the end of a process, and ends its group. Returns: whether it came in time.
bool AwaitEnd(pid_t pid, std::chrono::milliseconds timeout, int& status) {
  const Descriptor process{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  pollfd event{.fd = process.number(), .events = POLLIN, .revents = 0};
  bool ended = false;
  while (!ended) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) break;
    const int most = static_cast<int>(std::min<int64_t>(left.count() + 1, 1'000'000));
    ended = ::poll(&event, 1, most) > 0;
  }
  // Before it is waited for, so that the number still is that of its group.
  ::kill(-pid, SIGKILL);
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return ended;
}

std::string FirstLine(int file) {
  std::string text(kLongestMessage, '\0');
  const ssize_t size = ::pread(file, text.data(), text.size(), 0);
  text.resize(static_cast<size_t>(std::max<ssize_t>(0, size)));
  return text.substr(0, text.find('\n'));
}

Expected<void> Empty(int file) {
  if (::ftruncate(file, 0) != 0 || ::lseek(file, 0, SEEK_SET) != 0) {
    return FailErrno("cannot empty a file in memory for the check command");
  }
  return {};
}

}  // namespace

Expected<CheckCommand> CheckCommand::Create(std::string_view command) {
  std::vector<std::string> words = ArgumentsOf(command);
  if (words.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "an empty check command; give --check a command that exits 0 when it finds an "
                "image consistent, 1 when not");
  }
  CheckCommand check;
  check.arguments_ = std::move(words);
  for (Descriptor* file : {&check.input_, &check.output_, &check.complaints_}) {
    Expected<Descriptor> made = MakeMemoryFile("plugpull-check");
    if (!made) return std::unexpected(made.error());
    *file = std::move(*made);
  }
  return check;
}

Expected<void> CheckCommand::LayOutInput(std::string_view input) {
  if (::lseek(input_.number(), 0, SEEK_SET) != 0) {
    return FailErrno("cannot rewind the input of the check command");
  }
  // A check may have written to its standard input, where that can be: the size tells.
  if (input == input_text_ &&
      ::lseek(input_.number(), 0, SEEK_END) == static_cast<off_t>(input.size())) {
    ::lseek(input_.number(), 0, SEEK_SET);
    return {};
  }
  if (const Expected<void> emptied = Empty(input_.number()); !emptied) return emptied;
  const Expected<void> written =
      WriteAll(input_.number(), std::as_bytes(std::span(input.data(), input.size())));
  if (!written) return written;
  ::lseek(input_.number(), 0, SEEK_SET);
  input_text_ = input;
  return {};
}

Expected<std::optional<Violation>> CheckCommand::Run(const std::string& directory,
                                                     std::string_view input,
                                                     std::chrono::milliseconds timeout) {
  if (const Expected<void> ready = LayOutInput(input); !ready) {
    return std::unexpected(ready.error());
  }
  for (const Descriptor* file : {&output_, &complaints_}) {
    if (const Expected<void> ready = Empty(file->number()); !ready) {
      return std::unexpected(ready.error());
    }
  }
  pid_t pid = -1;
  SpawnPlan plan(directory, input_.number(), output_.number(), complaints_.number());
  const int failure = plan.Spawn(arguments_, EnvironmentFor(directory), pid);
  if (failure != 0) {
    return FailErrno(
        fmt::format("cannot start the check command '{}'; is it executable?", arguments_.front()),
        failure);
  }
  int status = 0;
  if (!AwaitEnd(pid, timeout, status)) {
    return Violation{ViolationClass::kHangOnOpen,
                     fmt::format("the check did not finish within {} ms", timeout.count())};
  }
  if (WIFSIGNALED(status)) {
    const ChildExit end{.signaled = true, .code = WTERMSIG(status)};
    return Violation{ViolationClass::kCrashOnOpen, fmt::format("the check {}{}", end.Describe(),
                                                               LastWords(complaints_.number()))};
  }
  std::string line = FirstLine(output_.number());
  switch (WEXITSTATUS(status)) {
    case 0:
      return std::nullopt;
    case 1:
      if (line.empty()) line = "the check exited with status 1 and printed no reason";
      return Violation{ViolationClass::kCheckFailed, std::move(line)};
    default:
      return Violation{ViolationClass::kCheckExit,
                       fmt::format("the check exited with status {}{}", WEXITSTATUS(status),
                                   line.empty() ? LastWords(complaints_.number()) : ": " + line)};
  }
}

}  // namespace plugpull
