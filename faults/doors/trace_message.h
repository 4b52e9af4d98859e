// What the keeper of a program that is traced by ptrace(2) says of its stopped calls, and what it
// is told to do with them. Over sockets that keep messages whole: one for stops, so that they can
// wait, one for commands and what comes back of them.
#pragma once

#include <linux/seccomp.h>
#include <sys/types.h>

#include <cstdint>

namespace plugpull {

// A call has been stopped; as a notification would say it. Its id is the thread.
using StopMessage = seccomp_notif;

struct TraceCommand {
  enum Kind : int {
    kRun,       // the call, and say its result; the thread stays stopped
    kContinue,  // from where it is
    kReturn,    // as if the call had returned `value`; it is not run any more
  };
  Kind kind = kContinue;
  pid_t thread = 0;
  int64_t value = 0;
};

// The answer to kRun.
struct RunResult {
  bool is_gone = false;  // the thread was killed meanwhile
  int64_t value = 0;
};

}  // namespace plugpull
