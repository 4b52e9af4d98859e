#include "faults/doors/launch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/bpf_common.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <vector>

#include "faults/doors/call_filter.h"
#include "faults/doors/keeper.h"

namespace plugpull {
namespace {

// Texts as execve(2) takes them.
class TextArray {
 public:
  explicit TextArray(std::vector<std::string> texts) : texts_(std::move(texts)) {
    for (std::string& text : texts_) pointers_.push_back(text.data());
    pointers_.push_back(nullptr);
  }
  char* const* data() const { return pointers_.data(); }

 private:
  std::vector<std::string> texts_;
  std::vector<char*> pointers_;
};

std::vector<std::string> EnvironmentOf(const TracedSettings& settings) {
  std::vector<std::string> texts;
  for (char** own = environ; *own != nullptr; ++own) {
    const std::string_view text = *own;
    const std::string name(text.substr(0, text.find('=')));
    if (!settings.environment.contains(name)) texts.emplace_back(text);
  }
  for (const auto& [name, value] : settings.environment) texts.push_back(name + "=" + value);
  return texts;
}

Expected<void> SetUser(const std::string& name, LaunchPlan& plan) {
  if (name.empty()) return {};
  const passwd* entry = ::getpwnam(name.c_str());
  if (entry == nullptr) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("there is no user '{}'", name));
  }
  if (::geteuid() != 0 && entry->pw_uid != ::geteuid()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("only root can run a program as '{}'; leave the user out", name));
  }
  if (::geteuid() != 0) return {};
  plan.changes_user = true;
  plan.user = entry->pw_uid;
  plan.group = entry->pw_gid;
  int count = 256;
  plan.groups.resize(static_cast<size_t>(count));
  if (::getgrouplist(name.c_str(), plan.group, plan.groups.data(), &count) < 0) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("user '{}' is in too many groups", name));
  }
  plan.groups.resize(static_cast<size_t>(count));
  return {};
}

Expected<std::pair<Descriptor, Descriptor>> Pair(int (*make)(int*)) {
  std::array<int, 2> ends{};
  if (make(ends.data()) != 0) return FailErrno("cannot make a channel to the program");
  return std::pair(Descriptor(ends[0]), Descriptor(ends[1]));
}

int MakePipe(int* ends) { return ::pipe2(ends, O_CLOEXEC); }
int MakeSockets(int* ends) { return ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends); }

// Returns: false when the other end has closed.
Expected<bool> Receive(int socket, KeeperMessage& message, Descriptor* descriptor) {
  iovec bytes{&message, sizeof message};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> room{};
  msghdr header = {};
  header.msg_iov = &bytes;
  header.msg_iovlen = 1;
  header.msg_control = room.data();
  header.msg_controllen = room.size();
  ssize_t count = 0;
  while ((count = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) {
  }
  if (count < 0) return FailErrno("cannot hear from the program's keeper");
  if (count == 0) return false;
  const cmsghdr* attached = CMSG_FIRSTHDR(&header);
  if (attached != nullptr && attached->cmsg_type == SCM_RIGHTS && descriptor != nullptr) {
    int number = -1;
    std::memcpy(&number, CMSG_DATA(attached), sizeof number);
    *descriptor = Descriptor(number);
  }
  return true;
}

std::unexpected<Error> WhyNot(const KeeperMessage& message, const TracedSettings& settings) {
  switch (message.step) {
    case KeeperMessage::kFork:
      return FailErrno("cannot start a process", message.value);
    case KeeperMessage::kDirectory:
      return FailErrno(fmt::format("cannot enter '{}'", settings.work_directory), message.value);
    case KeeperMessage::kFilter:
      if (message.value == EBUSY) {
        return Fail(ErrorCode::kUnsupported,
                    "calls of this process are supervised already (seccomp allows one listener, "
                    "and a container may have it); run outside of it",
                    message.value);
      }
      return Fail(ErrorCode::kUnsupported,
                  "this system does not let us stop calls: it takes Linux 5.19 with seccomp user "
                  "notification (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)",
                  message.value);
    case KeeperMessage::kTrace:
      return Fail(ErrorCode::kUnsupported,
                  "this system does not let us trace programs with ptrace; record as root, or with "
                  "seccomp notification",
                  message.value);
    case KeeperMessage::kUser:
      return FailErrno(fmt::format("cannot become user '{}'", settings.user), message.value);
    case KeeperMessage::kExec:
      break;
  }
  const std::string text = fmt::format("cannot run '{}'", settings.arguments[0]);
  return message.value == EACCES ? Fail(ErrorCode::kNotFound, text, message.value)
                                 : FailErrno(text, message.value);
}

// Ends of channels that only the new processes use.
struct TracerChannels {
  Descriptor stops{};
  Descriptor commands{};
  Descriptor go{};
  Descriptor awaits_go{};
};

// Has the calls of the filter stopped by a tracer.
Expected<void> MakeTracerChannels(TracerChannels& channels, Launched& launched, LaunchPlan& plan,
                                  std::vector<sock_filter>& filter) {
  auto stops = Pair(MakeSockets);
  if (!stops) return std::unexpected(stops.error());
  auto commands = Pair(MakeSockets);
  if (!commands) return std::unexpected(commands.error());
  auto go = Pair(MakeSockets);
  if (!go) return std::unexpected(go.error());
  // Every thread of the program may have a stop that waits: the more fit, the better.
  const int room_bytes = 8 << 20;
  const int socket = stops->second.number();
  if (::setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &room_bytes, sizeof room_bytes) != 0) {
    ::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &room_bytes, sizeof room_bytes);
  }
  launched.listener = std::move(stops->first);
  launched.commands = std::move(commands->first);
  channels = {.stops = std::move(stops->second),
              .commands = std::move(commands->second),
              .go = std::move(go->first),
              .awaits_go = std::move(go->second)};
  plan.is_traced = true;
  plan.tracer = {.stops = channels.stops.number(), .commands = channels.commands.number()};
  plan.go = channels.go.number();
  plan.awaits_go = channels.awaits_go.number();
  for (sock_filter& step : filter) {
    if (step.code == (BPF_RET | BPF_K) && step.k == SECCOMP_RET_USER_NOTIF) {
      step.k = SECCOMP_RET_TRACE;
    }
  }
  return {};
}

}  // namespace

Expected<Launched> Launch(const TracedSettings& settings) {
  if (settings.arguments.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "there is no program to run");
  }
  LaunchPlan plan;
  if (const auto user = SetUser(settings.user, plan); !user) return std::unexpected(user.error());
  const TextArray arguments(settings.arguments);
  const TextArray environment(EnvironmentOf(settings));
  std::vector<sock_filter> filter = MakeCallFilter();
  plan.arguments = arguments.data();
  plan.environment = environment.data();
  plan.work_directory = settings.work_directory.c_str();
  plan.filter = {static_cast<unsigned short>(filter.size()), filter.data()};
  if (settings.pin_to_one_cpu) plan.cpu = ::sched_getcpu();

  auto output = Pair(MakePipe);
  if (!output) return std::unexpected(output.error());
  auto input = Pair(MakePipe);
  if (!input) return std::unexpected(input.error());
  if (!settings.has_input) {
    input->first = Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    input->second.Close();
  }
  auto start = Pair(MakeSockets);
  if (!start) return std::unexpected(start.error());
  auto control = Pair(MakeSockets);
  if (!control) return std::unexpected(control.error());
  plan.input = input->first.number();
  plan.output = output->second.number();

  Launched launched;
  TracerChannels channels;
  if (settings.backend == Backend::kPtrace) {
    if (const auto made = MakeTracerChannels(channels, launched, plan, filter); !made) {
      return std::unexpected(made.error());
    }
  }
  launched.keeper = ::fork();
  if (launched.keeper < 0) return FailErrno("cannot start a process");
  if (launched.keeper == 0) RunKeeper(plan, start->second.number(), control->second.number());
  channels = {};
  start->second.Close();
  control->second.Close();
  ::fstat(output->second.number(), &launched.output_pipe);
  launched.output = std::move(output->first);
  launched.input = std::move(input->second);
  launched.control = std::move(control->first);

  KeeperMessage message;
  KeeperMessage failure;
  bool failed = false;
  while (true) {
    const Expected<bool> received = Receive(start->first.number(), message, &launched.listener);
    if (!received) return std::unexpected(received.error());
    if (!*received) break;
    if (message.kind != KeeperMessage::kFailed) continue;
    failed = true;
    failure = message;
  }
  if (failed || !launched.listener.is_open()) {
    while (::waitpid(launched.keeper, nullptr, 0) < 0 && errno == EINTR) {
    }
    if (failed) return WhyNot(failure, settings);
    return Fail(ErrorCode::kIo, "the program ended before it was started");
  }
  if (Receive(launched.control.number(), message, nullptr).value_or(false)) {
    launched.first = message.value;
  }
  return launched;
}

}  // namespace plugpull
