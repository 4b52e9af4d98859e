// A driver at the other end of three pipes. Waiting is one poll for everything that can happen: an
// answer, a complaint on standard error, the end of the process, the deadline.
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <utility>

#include "engine/drivers/driver.h"
#include "engine/drivers/driver_line.h"
#include "engine/drivers/driver_start.h"
#include "engine/drivers/line_buffer.h"

namespace plugpull {
namespace {

using Clock = std::chrono::steady_clock;

// Nobody answers more than this without being heard.
constexpr size_t kMostUnreadBytes = size_t{64} << 20;

// How much of a driver's standard error is kept: enough for the trace of a Go program's death.
constexpr size_t kKeptComplaintBytes = size_t{32} << 10;

// Empties a pipe of the usual 64 KiB.
constexpr int kReadsOfAPipe = 5;

// Returns: the line that says why a program died. Go announces its death in a line of its own,
// before traces; others say it last.
std::string_view LastWords(std::string_view complaints) {
  std::string_view last;
  std::string_view announcement;
  while (!complaints.empty()) {
    const std::string_view line = complaints.substr(0, complaints.find('\n'));
    complaints.remove_prefix(std::min(line.size() + 1, complaints.size()));
    if (line.starts_with("panic: ") || line.starts_with("fatal error: ")) {
      if (announcement.empty()) announcement = line;
    } else if (line.find_first_not_of(" \t\r") != std::string_view::npos) {
      last = line;
    }
  }
  return announcement.empty() ? last : announcement;
}

class Process final : public DriverProcess {
 public:
  Process(std::string name, StartedDriver started)
      : name_(std::move(name)), started_(std::move(started)) {}
  ~Process() override;

  Expected<void> Send(std::string_view lines) override;
  Expected<std::string_view> Receive() override;
  void GiveUp() override;
  End how_it_ended() const override { return end_; }
  void SetDeadline(Clock::time_point deadline) override { deadline_ = deadline; }
  std::string DescribeEnd() const override;

 private:
  // Waits until there is something to read, or, with `to_write`, room for commands; reads both of
  // the driver's outputs. Returns: false when the driver has ended, in whatever way; what it said
  // before has been read.
  bool Wait(bool to_write);

  // Reads once, without waiting. Returns: false when no more will come.
  bool ReadAnswers();
  void ReadComplaints();

  void Kill(End end, std::string why);
  void Reap();
  std::unexpected<Error> Ended() const;

  std::string name_;
  StartedDriver started_;
  LineBuffer answers_;
  std::string complaints_;
  Clock::time_point deadline_ = Clock::time_point::max();
  End end_ = End::kAlive;
  std::string why_;  // it was killed, "" when it was not
  int status_ = 0;   // as of waitpid
};

Process::~Process() {
  if (end_ == End::kAlive) Kill(End::kCrashed, "was no longer needed");
}

Expected<void> Process::Send(std::string_view lines) {
  if (end_ != End::kAlive) return Ended();
  const bool goes_on = ReadAnswers();
  if (const std::string_view unasked = answers_.rest(); !unasked.empty()) {
    Kill(End::kCrashed, fmt::format("said {} without being asked",
                                    QuoteLine(unasked.substr(0, unasked.find('\n')))));
  } else if (!goes_on) {
    Reap();
  }
  if (end_ != End::kAlive) return Ended();
  while (!lines.empty()) {
    const ssize_t written = ::write(started_.input.get(), lines.data(), lines.size());
    if (written > 0) {
      lines.remove_prefix(static_cast<size_t>(written));
    } else if (!Wait(/*to_write=*/true)) {
      return Ended();
    }
  }
  return {};
}

Expected<std::string_view> Process::Receive() {
  while (true) {
    if (const auto line = answers_.TakeLine()) return *line;
    if (end_ != End::kAlive) return Ended();
    Wait(/*to_write=*/false);
  }
}

void Process::GiveUp() {
  if (end_ == End::kAlive) Kill(End::kCrashed, "was ended because of its last answer");
}

bool Process::Wait(bool to_write) {
  std::array<pollfd, 4> events = {{{started_.output.get(), POLLIN, 0},
                                   {started_.error_output.get(), POLLIN, 0},
                                   {started_.process.get(), POLLIN, 0},
                                   {to_write ? started_.input.get() : -1, POLLOUT, 0}}};
  timespec left{};
  if (deadline_ != Clock::time_point::max()) {
    const auto nanoseconds = std::max<int64_t>(
        0, std::chrono::duration_cast<std::chrono::nanoseconds>(deadline_ - Clock::now()).count());
    left = {.tv_sec = nanoseconds / 1'000'000'000, .tv_nsec = nanoseconds % 1'000'000'000};
  }
  const bool has_deadline = deadline_ != Clock::time_point::max();
  const int ready = ::ppoll(events.data(), events.size(), has_deadline ? &left : nullptr, nullptr);
  if (ready < 0) return true;  // a signal: nothing has happened yet
  if (ready == 0) {
    Kill(End::kTimedOut, "took too long and was killed");
    return false;
  }
  if (events[1].revents != 0) ReadComplaints();
  const bool goes_on = events[0].revents == 0 || ReadAnswers();
  if (answers_.rest().size() > kMostUnreadBytes) {
    Kill(End::kCrashed,
         fmt::format("said more than {} bytes at once and was killed", kMostUnreadBytes));
    return false;
  }
  if (events[2].revents == 0 && goes_on) return true;
  Reap();
  return false;
}

bool Process::ReadAnswers() {
  const std::span<char> room = answers_.Room();
  const ssize_t size = ::read(started_.output.get(), room.data(), room.size());
  if (size > 0) answers_.Filled(static_cast<size_t>(size));
  return size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
}

void Process::ReadComplaints() {
  std::array<char, 16'384> room;
  const ssize_t size = ::read(started_.error_output.get(), room.data(), room.size());
  if (size == 0) started_.error_output = OwnedDescriptor();  // closed: do not wait for it again
  if (size <= 0) return;
  complaints_.append(room.data(), static_cast<size_t>(size));
  if (complaints_.size() > 2 * kKeptComplaintBytes) complaints_.erase(0, kKeptComplaintBytes);
}

void Process::Kill(End end, std::string why) {
  ::kill(-started_.pid, SIGKILL);
  ::kill(started_.pid, SIGKILL);  // it may have left its group
  Reap();
  end_ = end;
  why_ = std::move(why);
}

// A process that has closed its output and lives on is of no use, so it is killed; one that is dead
// already does not notice. What it has started goes with it.
void Process::Reap() {
  siginfo_t information{};
  const bool is_dead = ::waitid(P_PID, static_cast<id_t>(started_.pid), &information,
                                WEXITED | WNOHANG | WNOWAIT) == 0 &&
                       information.si_pid == started_.pid;
  if (!is_dead) {
    // Its pipes are closed a moment before it can be waited for.
    pollfd event = {started_.process.get(), POLLIN, 0};
    constexpr int kGraceMilliseconds = 100;
    if (::poll(&event, 1, kGraceMilliseconds) == 0) {
      why_ = "closed its standard output and was killed";
    }
  }
  ::kill(-started_.pid, SIGKILL);
  ::kill(started_.pid, SIGKILL);
  while (::waitpid(started_.pid, &status_, 0) < 0 && errno == EINTR) {
  }
  // Nobody writes any more: what was said before the end is in the pipes, which hold so much.
  for (int i = 0; i < kReadsOfAPipe && ReadAnswers(); ++i) {
  }
  for (int i = 0; i < kReadsOfAPipe; ++i) ReadComplaints();
  end_ = WIFEXITED(status_) ? End::kExited : End::kCrashed;
}

std::string Process::DescribeEnd() const {
  std::string text = why_;
  if (!text.empty()) {
  } else if (WIFSIGNALED(status_)) {
    text = fmt::format("died of signal {} ({})", WTERMSIG(status_), ::strsignal(WTERMSIG(status_)));
  } else {
    text = fmt::format("exited with status {}", WEXITSTATUS(status_));
  }
  const std::string_view words = LastWords(complaints_);
  constexpr size_t kShown = 200;
  if (!words.empty()) text += fmt::format(": {}", words.substr(0, kShown));
  return text;
}

std::unexpected<Error> Process::Ended() const {
  return Fail(ErrorCode::kTargetFailed, fmt::format("{} {}", name_, DescribeEnd()));
}

}  // namespace

Expected<std::unique_ptr<DriverProcess>> DriverProcess::Start(const DriverProgram& program) {
  if (program.arguments.empty() || program.arguments[0].empty()) {
    return Fail(ErrorCode::kNotFound, "a driver needs the name of a program");
  }
  Expected<StartedDriver> started = StartDriver(program.arguments);
  if (!started) return std::unexpected(started.error());
  const std::string& path = program.arguments[0];
  return std::make_unique<Process>(path.substr(path.rfind('/') + 1), std::move(*started));
}

}  // namespace plugpull
