// Seccomp user notification: how stopped calls reach us, and how they are answered.
#pragma once

#include <linux/seccomp.h>

#include <cstdint>
#include <functional>
#include <optional>

#include "faults/base/descriptor.h"
#include "faults/base/error.h"
#include "faults/doors/listener.h"

namespace plugpull {

// A call that we perform ourselves for the program.
class NotifiedCall final : public CallStop {
 public:
  NotifiedCall(const seccomp_notif& notification, Tracee& tracee);

  int64_t Execute(const std::function<int64_t()>& perform) override { return perform(); }
  int64_t ExecuteOpen(const std::function<int64_t()>& perform, bool close_on_exec) override;
  int opened() const override { return opened_.number(); }

  bool close_on_exec() const { return close_on_exec_; }

 private:
  Descriptor opened_;
  bool close_on_exec_ = false;
};

class NotificationListener final : public Listener {
 public:
  explicit NotificationListener(Descriptor descriptor);

  int descriptor() const override { return descriptor_.number(); }

  Expected<std::optional<seccomp_notif>> Receive() override;
  bool IsWaiting(const seccomp_notif& notification) const override;
  std::unique_ptr<CallStop> MakeCall(const seccomp_notif& notification, Tracee& tracee) override;
  void Answer(const seccomp_notif& notification, const CallStop& call,
              std::optional<int64_t> result) override;

 private:
  void AnswerWithFile(const seccomp_notif& notification, const NotifiedCall& call);
  void AnswerWith(const seccomp_notif& notification, std::optional<int64_t> result);

  Descriptor descriptor_;
};

}  // namespace plugpull
