#include "faults/doors/supervisor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

#include "faults/base/assert.h"
#include "faults/doors/call_filter.h"
#include "faults/doors/descendants.h"
#include "faults/doors/keeper.h"
#include "faults/doors/notification.h"
#include "faults/doors/ptrace_listener.h"
#include "faults/doors/self_check.h"
#include "faults/persistence/snapshot.h"
#include "faults/trace/snapshot_mark.h"

namespace plugpull {
namespace {

constexpr size_t kMostTracees = 256;  // a bound: what is forgotten is looked up anew

// Returns: of how many threads we keep a descriptor: a part of those that this process may have.
size_t MostTracees() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kMostTracees;
  return std::min(kMostTracees, std::max<size_t>(1, limit.rlim_cur / 4));
}
constexpr int kKillAgain_ms = 20;  // until all have noticed

timespec TimeUntil(TracedProgram::Clock::time_point deadline) {
  const auto left = std::max(deadline - TracedProgram::Clock::now(), std::chrono::nanoseconds(0));
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  return {seconds.count(), (left - seconds).count()};
}

bool IsReadable(int descriptor) {
  pollfd poll{descriptor, POLLIN, 0};
  return ::poll(&poll, 1, 0) > 0;
}

std::unique_ptr<Listener> MakeListener(Launched& launched) {
  if (!launched.commands.is_open()) {
    return std::make_unique<NotificationListener>(std::move(launched.listener));
  }
  return std::make_unique<PtraceListener>(std::move(launched.listener),
                                          std::move(launched.commands));
}

}  // namespace

Supervisor::Supervisor(const TracedSettings& settings, const LoadedDirectory& found,
                       Launched launched)
    : directory_(settings.directory),
      door_(found, settings.failures, launched.output_pipe),
      listener_(MakeListener(launched)),
      control_(std::move(launched.control)),
      output_(std::move(launched.output)),
      input_(std::move(launched.input)),
      keeper_(launched.keeper),
      first_(launched.first),
      most_tracees_(MostTracees()) {
  Trace& trace = door_.recorder.trace();
  const bool is_empty = found.inodes.size() == 1 && found.image.attributes.empty();
  if (!is_empty) {
    AppendSnapshot(trace, found.image);
    MarkSnapshot(trace, 0);
  }
  struct stat status = {};
  if (::stat(directory_.c_str(), &status) == 0) door_.device = status.st_dev;
  door_.own_umask = ::umask(0);
  ::umask(door_.own_umask);
  door_.real_sync = settings.real_sync;
  rlimit limit = {};
  door_.has_size_limits = ::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

Supervisor::~Supervisor() {
  if (has_ended_) return;
  Kill();
  while (!has_ended_) {
    const Expected<Event> event = Serve({}, -1);
    if (!event) break;
    if (*event == Event::kLine) TakeLine();  // nobody wants to hear it any more
  }
}

Expected<TracedProgram::Event> Supervisor::Serve(std::optional<Clock::time_point> deadline,
                                                 int watched) {
  if (failure_ && !is_killed_) return std::unexpected(*failure_);
  while (true) {
    if (door_.output.HasLine()) return Event::kLine;
    SendAnswer();
    if (has_ended_) return Event::kEnded;
    const Expected<std::optional<Event>> event = Wait(deadline, watched);
    if (!event) return std::unexpected(event.error());
    if (*event) return **event;
    if (!stopped_ || is_killed_) continue;
    if (watched >= 0 && IsReadable(watched)) return Event::kReadable;
    if (const Expected<void> handled = Handle(); !handled) {
      failure_ = handled.error();
      return std::unexpected(*failure_);
    }
  }
}

Expected<std::optional<TracedProgram::Event>> Supervisor::Wait(
    std::optional<Clock::time_point> deadline, int watched) {
  if (stopped_ && !is_killed_) return std::nullopt;
  // In this order: whatever the program did that led to a word on `watched` was announced before.
  std::array<pollfd, 4> polls = {{{is_killed_ ? -1 : listener_->descriptor(), POLLIN, 0},
                                  {watched, POLLIN, 0},
                                  {control_.number(), POLLIN, 0},
                                  {input_.pending(), POLLOUT, 0}}};
  if (is_killed_) deadline = Clock::now() + std::chrono::milliseconds(kKillAgain_ms);
  timespec timeout{};
  if (deadline) timeout = TimeUntil(*deadline);
  const int count = ::ppoll(polls.data(), polls.size(), deadline ? &timeout : nullptr, nullptr);
  if (count < 0 && errno != EINTR) return FailErrno("cannot wait for the program");
  if (count < 0) return std::nullopt;
  if (count == 0) {
    if (!is_killed_) return Event::kDeadline;
    KillDescendants(keeper_);  // some may have been born meanwhile
    return std::nullopt;
  }
  if (polls[3].revents != 0) static_cast<void>(input_.Flush());
  if ((polls[0].revents & POLLIN) != 0) {
    auto received = listener_->Receive();
    if (!received) return std::unexpected(received.error());
    if (*received) stopped_ = Stopped{.notification = **received};
    // A program that never rests has its deadline too.
    if (deadline && Clock::now() >= *deadline) return Event::kDeadline;
    return std::nullopt;
  }
  if (polls[1].revents != 0) return Event::kReadable;
  if (polls[2].revents != 0) {
    if (const auto heard = HearKeeper(); !heard) return std::unexpected(heard.error());
  } else if ((polls[0].revents & POLLHUP) != 0) {
    // All have ended; the keeper is about to say so.
    pollfd control{control_.number(), POLLIN, 0};
    ::poll(&control, 1, kKillAgain_ms);
  }
  return std::nullopt;
}

Expected<void> Supervisor::Handle() {
  ++calls_seen_;
  const seccomp_notif& notification = stopped_->notification;
  if (IsForeign(notification.data.arch, notification.data.nr)) {
    return Fail(ErrorCode::kUnsupported,
                "the recording is blind: the program runs 32-bit code, whose calls are not known; "
                "use a 64-bit build of it");
  }
  const TrappedCall* trapped = FindTrappedCall(notification.data.nr);
  Assert(trapped != nullptr, "the filter stops the calls of the table and no others");
  const Expected<Tracee*> tracee = TraceeOf(static_cast<pid_t>(notification.pid));
  Expected<Answer> answer = std::nullopt;
  if (!tracee) {
    answer = std::unexpected(tracee.error());
  } else {
    stopped_->call = listener_->MakeCall(notification, **tracee);
    answer = trapped->handle(door_, *stopped_->call);
  }
  if (!answer && !listener_->IsWaiting(notification)) {  // it was killed while we looked
    stopped_.reset();
    return {};
  }
  if (!answer) return std::unexpected(answer.error());
  stopped_->answer = *answer;
  return {};
}

void Supervisor::SendAnswer() {
  if (!stopped_ || !stopped_->call || is_killed_) return;
  listener_->Answer(stopped_->notification, *stopped_->call, stopped_->answer);
  stopped_.reset();
}

Expected<Tracee*> Supervisor::TraceeOf(pid_t thread) {
  const auto found = tracees_.find(thread);
  if (found != tracees_.end()) return &found->second;
  if (tracees_.size() >= most_tracees_) tracees_.clear();
  Tracee& tracee = tracees_.try_emplace(thread, thread).first->second;
  if (const Expected<void> placed = tracee.CheckPlace(); !placed) {
    tracees_.erase(thread);
    return std::unexpected(placed.error());
  }
  return &tracee;
}

Expected<void> Supervisor::HearKeeper() {
  KeeperMessage message;
  const ssize_t count = ::recv(control_.number(), &message, sizeof message, 0);
  if (count < 0 && errno == EINTR) return {};
  if (count > 0) {
    if (message.kind == KeeperMessage::kExited) status_ = message.value;
    return {};
  }
  while (::waitpid(keeper_, nullptr, 0) < 0 && errno == EINTR) {
  }
  has_ended_ = true;
  if (!status_) {
    failure_ = Error{ErrorCode::kIo, "the keeper of the program was killed; run it again"};
    return std::unexpected(*failure_);
  }
  if (const auto looked = door_.mapped.Look(MappedFiles::Moment::kEnd); !looked) return looked;
  door_.output.End();
  return {};
}

void Supervisor::Mark(OpKind kind, uint32_t transaction) {
  Trace& trace = door_.recorder.trace();
  if (trace.transactions.size() < transaction) trace.transactions.resize(transaction);
  door_.recorder.Append({.kind = kind, .transaction = transaction});
}

void Supervisor::Begin(uint32_t transaction) { Mark(OpKind::kBegin, transaction); }

void Supervisor::Acknowledge(uint32_t transaction) { Mark(OpKind::kAcknowledge, transaction); }

void Supervisor::Signal(int signal) {
  if (!status_) ::kill(first_, signal);
}

void Supervisor::Kill() {
  is_killed_ = true;
  tracees_.clear();  // who has no descriptor left cannot look for those to kill
  if (!has_ended_) KillDescendants(keeper_);
}

ProgramExit Supervisor::Exit() const {
  Assert(status_.has_value(), "who asks how a program ended has seen it end");
  if (WIFSIGNALED(*status_)) return {.signaled = true, .code = WTERMSIG(*status_)};
  return {.code = WEXITSTATUS(*status_)};
}

Expected<Recording> Supervisor::Finish() {
  Assert(has_ended_, "a recording is finished when all processes have ended");
  Recording recording{.trace = std::move(door_.recorder.trace()),
                      .outside = {door_.outside.begin(), door_.outside.end()},
                      .failures_fired = door_.failures.fired(),
                      .calls_seen = calls_seen_,
                      .calls_performed = door_.calls_performed};
  SetCreationModes(recording.trace, door_.tree.creation_modes());
  Expected<std::string> difference = DifferenceFrom(recording.trace, directory_);
  if (!difference) return std::unexpected(difference.error());
  recording.difference = std::move(*difference);
  return recording;
}

}  // namespace plugpull
