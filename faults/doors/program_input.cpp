#include "faults/doors/program_input.h"

#include <fcntl.h>
#include <pthread.h>

#include <csignal>
#include <ctime>
#include <utility>

#include "faults/base/assert.h"

namespace plugpull {
namespace {

// Writes without being killed where nobody reads.
ssize_t WriteQuietly(int descriptor, std::string_view text) {
  sigset_t pipe;
  sigset_t before;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  const ssize_t count = ::write(descriptor, text.data(), text.size());
  const int os_errno = errno;
  if (count < 0 && os_errno == EPIPE && sigismember(&before, SIGPIPE) == 0) {
    const timespec now{};
    sigtimedwait(&pipe, nullptr, &now);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = os_errno;
  return count;
}

}  // namespace

ProgramInput::ProgramInput(Descriptor pipe) : pipe_(std::move(pipe)) {
  if (pipe_.is_open()) ::fcntl(pipe_.number(), F_SETFL, O_NONBLOCK);
}

Expected<void> ProgramInput::Say(std::string_view text) {
  Assert(pipe_.is_open() && !hangs_up_, "who speaks to a program has given it an input");
  rest_ += text;
  return Flush();
}

Expected<void> ProgramInput::Flush() {
  while (!rest_.empty()) {
    const ssize_t count = WriteQuietly(pipe_.number(), rest_);
    if (count < 0 && errno == EAGAIN) return {};
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int os_errno = errno;
      rest_.clear();
      return Fail(ErrorCode::kIo, "the program does not read its standard input any more",
                  os_errno);
    }
    rest_.erase(0, static_cast<size_t>(count));
  }
  if (hangs_up_) pipe_.Close();
  return {};
}

void ProgramInput::HangUp() {
  hangs_up_ = true;
  if (rest_.empty()) pipe_.Close();
}

}  // namespace plugpull
