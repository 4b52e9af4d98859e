// Calls that are stopped by ptrace(2), for systems that keep us from the descriptors of programs:
// the program runs each call itself, while all others that would change a file wait.
#pragma once

#include "faults/base/descriptor.h"
#include "faults/doors/listener.h"

namespace plugpull {

class PtraceListener final : public Listener {
 public:
  // Our ends of the tracer's sockets (trace_message.h).
  PtraceListener(Descriptor stops, Descriptor commands);

  int descriptor() const override { return stops_.number(); }
  Expected<std::optional<seccomp_notif>> Receive() override;
  bool IsWaiting(const seccomp_notif& notification) const override;
  std::unique_ptr<CallStop> MakeCall(const seccomp_notif& notification, Tracee& tracee) override;
  void Answer(const seccomp_notif& notification, const CallStop& call,
              std::optional<int64_t> result) override;

 private:
  Descriptor stops_;
  Descriptor commands_;
};

}  // namespace plugpull
