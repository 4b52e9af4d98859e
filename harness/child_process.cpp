#include "harness/child_process.h"

#define BOOST_PROCESS_USE_STD_FS 1
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

// Boost 1.81's process headers use these without including them.
#include <boost/asio.hpp>
#include <boost/io/quoted.hpp>
#include <boost/optional.hpp>
// The rest in its own block, after them.
#include <boost/process/v2/posix/bind_fd.hpp>
#include <boost/process/v2/process.hpp>
#include <boost/process/v2/stdio.hpp>
#include <utility>

namespace plugpull {
namespace {

namespace process = boost::process::v2;

std::string& ChildProgram() {
  static std::string program = "/proc/self/exe";
  return program;
}

// Lets a list of close-on-exec descriptors through. All of the harness's descriptors are
// close-on-exec, so that no child holds another child's end of a channel open.
struct InheritDescriptors {
  std::vector<int> descriptors;

  template <typename Launcher>
  boost::system::error_code on_setup(Launcher& launcher, const std::filesystem::path&,
                                     const char* const*) {
    for (const int descriptor : descriptors) launcher.fd_whitelist.push_back(descriptor);
    return {};
  }

  // Runs in the child, between fork and exec.
  template <typename Launcher>
  boost::system::error_code on_exec_setup(Launcher&, const std::filesystem::path&,
                                          const char* const*) {
    for (const int descriptor : descriptors) ::fcntl(descriptor, F_SETFD, 0);
    // A Ctrl-C reaches the whole process group, also a child that has only just begun. Ignored
    // signals stay ignored after exec; the harness decides when a child ends.
    ::signal(SIGINT, SIG_IGN);
    ::signal(SIGTERM, SIG_IGN);
    return {};
  }
};

}  // namespace

struct ChildProcess::State {
  boost::asio::io_context context;
  std::unique_ptr<process::process> child;
};

std::string ChildExit::Describe() const {
  if (signaled) return fmt::format("died of signal {} ({})", code, strsignal(code));
  return fmt::format("exited with status {}", code);
}

ChildProcess::ChildProcess(std::unique_ptr<State> state) : state_(std::move(state)) {}
ChildProcess::ChildProcess(ChildProcess&&) noexcept = default;
ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

ChildProcess::~ChildProcess() {
  if (state_ == nullptr || state_->child == nullptr) return;
  Kill();
  Wait();
}

Expected<ChildProcess> ChildProcess::Spawn(const std::vector<std::string>& arguments,
                                           const std::vector<int>& inherited, int stderr_fd) {
  auto state = std::make_unique<State>();
  try {
    state->child = std::make_unique<process::process>(
        state->context, std::filesystem::path(ChildProgram()), arguments,
        process::process_stdio{nullptr, nullptr, stderr_fd}, InheritDescriptors{inherited});
  } catch (const std::exception& error) {
    return Fail(ErrorCode::kIo, fmt::format("cannot start a child process: {}", error.what()));
  }
  return ChildProcess(std::move(state));
}

pid_t ChildProcess::pid() const { return state_->child->id(); }

void ChildProcess::Kill() { ::kill(pid(), SIGKILL); }

ChildExit ChildProcess::Wait() {
  boost::system::error_code ignored;
  state_->child->wait(ignored);
  const int status = state_->child->native_exit_code();
  state_->child.reset();
  if (WIFSIGNALED(status)) return {.signaled = true, .code = WTERMSIG(status)};
  return {.signaled = false, .code = WEXITSTATUS(status)};
}

void SetChildProgram(const std::string& path) { ChildProgram() = path; }

void DieWithParent(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(3);
}

}  // namespace plugpull
