#include "faults/doors/notification.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <memory>

namespace plugpull {
namespace {

// Newer than the headers of some systems that we build on.
constexpr unsigned long kSetFlags = SECCOMP_IOW(4, uint64_t);  // Linux 6.6
constexpr uint64_t kSyncWakeUp = 1;

}  // namespace

NotifiedCall::NotifiedCall(const seccomp_notif& notification, Tracee& tracee)
    : CallStop(notification.data.nr, ArgumentsOf(notification.data), tracee) {}

int64_t NotifiedCall::ExecuteOpen(const std::function<int64_t()>& perform, bool close_on_exec) {
  const int64_t result = perform();
  if (result < 0) return result;
  opened_ = Descriptor(static_cast<int>(result));
  close_on_exec_ = close_on_exec;
  return 0;
}

NotificationListener::NotificationListener(Descriptor descriptor)
    : descriptor_(std::move(descriptor)) {
  // Who waits is woken on the processor that it left. Kernels that do not know it are slower.
  ::ioctl(descriptor_.number(), kSetFlags, kSyncWakeUp);
}

Expected<std::optional<seccomp_notif>> NotificationListener::Receive() {
  seccomp_notif notification = {};
  if (::ioctl(descriptor_.number(), SECCOMP_IOCTL_NOTIF_RECV, &notification) == 0) {
    return notification;
  }
  if (errno == ENOENT || errno == EINTR || errno == EAGAIN) return std::nullopt;
  return FailErrno("cannot hear of the program's calls");
}

bool NotificationListener::IsWaiting(const seccomp_notif& notification) const {
  uint64_t id = notification.id;
  return ::ioctl(descriptor_.number(), SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

std::unique_ptr<CallStop> NotificationListener::MakeCall(const seccomp_notif& notification,
                                                         Tracee& tracee) {
  return std::make_unique<NotifiedCall>(notification, tracee);
}

void NotificationListener::Answer(const seccomp_notif& notification, const CallStop& call,
                                  std::optional<int64_t> result) {
  if (call.opened() >= 0)
    return AnswerWithFile(notification, static_cast<const NotifiedCall&>(call));
  AnswerWith(notification, result);
}

void NotificationListener::AnswerWith(const seccomp_notif& notification,
                                      std::optional<int64_t> result) {
  seccomp_notif_resp response = {};
  response.id = notification.id;
  if (!result) {
    response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  } else if (*result < 0) {
    response.error = static_cast<int32_t>(*result);
  } else {
    response.val = *result;
  }
  ::ioctl(descriptor_.number(), SECCOMP_IOCTL_NOTIF_SEND, &response);
}

void NotificationListener::AnswerWithFile(const seccomp_notif& notification,
                                          const NotifiedCall& call) {
  seccomp_notif_addfd added = {};
  added.id = notification.id;
  added.flags = SECCOMP_ADDFD_FLAG_SEND;
  added.srcfd = static_cast<uint32_t>(call.opened());
  added.newfd_flags = call.close_on_exec() ? O_CLOEXEC : 0;
  if (::ioctl(descriptor_.number(), SECCOMP_IOCTL_NOTIF_ADDFD, &added) >= 0) return;
  AnswerWith(notification, -errno);  // it has no number left for the file
}

}  // namespace plugpull
