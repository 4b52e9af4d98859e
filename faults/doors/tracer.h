// The tracer of a program: a life of the keeper in which calls are stopped by ptrace(2) rather than
// by notification.
#pragma once

#include <sys/types.h>

namespace plugpull {

// Sockets of the tracer (trace_message.h).
struct TracerSockets {
  int stops = -1;
  int commands = -1;
};

// In the new process, before its filter: waits until it is traced. Returns: whether it is.
bool AwaitTracer(int go);

// In the keeper: takes hold of the new process and lets it go on. Returns: whether that worked.
bool SeizeFirst(pid_t first, int go);

// Serves until all processes have ended. Calls ended(argument, status) when the first has.
// Only calls that are safe after a fork of a process with threads are used.
void RunTracer(pid_t first, const TracerSockets& sockets, void (*ended)(int, int), int argument);

}  // namespace plugpull
