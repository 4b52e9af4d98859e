// Where stopped calls come from, and how they are answered: one kind for each backend.
#pragma once

#include <linux/seccomp.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "faults/base/error.h"
#include "faults/doors/call_stop.h"

namespace plugpull {

class Listener {
 public:
  virtual ~Listener() = default;

  // Readable when there is a stopped call.
  virtual int descriptor() const = 0;

  // Returns: the next stopped call; nothing when who made it has been killed meanwhile.
  virtual Expected<std::optional<seccomp_notif>> Receive() = 0;

  // Returns: whether the call still waits for its answer.
  virtual bool IsWaiting(const seccomp_notif& notification) const = 0;

  // Returns: the call, for those who look at it and execute it. `tracee` outlives it.
  virtual std::unique_ptr<CallStop> MakeCall(const seccomp_notif& notification, Tracee& tracee) = 0;

  // Answers a call with its result, or with the file that it has opened; nothing: the program runs
  // it itself. Whoever was killed meanwhile gets no answer.
  virtual void Answer(const seccomp_notif& notification, const CallStop& call,
                      std::optional<int64_t> result) = 0;
};

inline std::array<uint64_t, 6> ArgumentsOf(const seccomp_data& data) {
  return {data.args[0], data.args[1], data.args[2], data.args[3], data.args[4], data.args[5]};
}

}  // namespace plugpull
