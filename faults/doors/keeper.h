// The parent of a traced program. It adopts whatever the program leaves behind, so that the end of
// all of it is known, and nothing else of this process is touched: our own children stay ours.
#pragma once

#include <linux/filter.h>
#include <sys/types.h>

#include <vector>

#include "faults/doors/tracer.h"

namespace plugpull {

// What is started, made ready before the fork: after it, nothing may be allocated.
struct LaunchPlan {
  char* const* arguments = nullptr;
  char* const* environment = nullptr;
  const char* work_directory = nullptr;
  int input = -1;   // becomes 0
  int output = -1;  // becomes 1
  sock_fprog filter{};
  bool changes_user = false;
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups{};
  int cpu = -1;  // to run on; -1: on any
  // Where calls are stopped by ptrace(2): the sockets of the tracer, and two ends of a channel over
  // which the new process waits for it.
  bool is_traced = false;
  TracerSockets tracer{};
  int go = -1;
  int awaits_go = -1;
};

// What the keeper and the new process say, over sockets that keep messages whole.
struct KeeperMessage {
  enum Kind : int {
    kStarted,   // value = the first process; over `control`
    kExited,    // value = the status of the first process, as of waitpid(2); over `control`
    kListener,  // with the descriptor of the listener; over `start`
    kFailed,    // value = errno, step = what failed; over `start`
  };
  enum Step : int { kFork, kTrace, kDirectory, kFilter, kUser, kExec };
  Kind kind = kStarted;
  int value = 0;
  Step step = kFork;
};

// The whole life of the keeper, in a process that was just forked. `start` closes when the program
// runs; `control` closes when all processes of it have ended.
[[noreturn]] void RunKeeper(const LaunchPlan& plan, int start, int control);

}  // namespace plugpull
