// The traced door: any program, unmodified, without root. The program runs under a supervisor that
// performs each call which changes a file of the recorded directory, writes it down, and returns
// the result; the order of the trace is exact, and calls can be made to fail.
//
// The supervisor works only while Serve runs: between two calls of it, every process of the program
// that wants to change a file waits. So whoever serves can put marks between operations exactly
// where they belong.
//
// What cannot be seen is an error, never a gap: see Serve.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "faults/base/error.h"
#include "faults/inject/failure_plan.h"
#include "faults/trace/trace.h"

namespace plugpull {

// How the supervisor gets hold of calls.
enum class Backend : uint8_t {
  kAutomatic,     // kNotification where the system lets us, else kPtrace
  kNotification,  // seccomp user notification
  kPtrace,        // two to four times slower a call
};

struct TracedSettings {
  std::string directory;                                // to be recorded; absolute, exists
  std::vector<std::string> arguments;                   // [0] is looked for as execvp(3) does
  std::string work_directory;                           // of the program; empty: `directory`
  std::map<std::string, std::string> environment = {};  // besides, or instead of, our own
  FailurePlan failures = {};    // of calls: points "call/NAME", as in call/fdatasync
  bool real_sync = false;       // syncs reach the disk; else they are written down only
  bool pin_to_one_cpu = false;  // cheaper for one thread, dearer for many
  std::string user = {};        // run as; empty: as we are. Needs root
  bool has_input = false;       // Say is the program's standard input; else that is /dev/null
  Backend backend = Backend::kAutomatic;
};

// How a program ended, or was ended.
struct ProgramExit {
  bool signaled = false;
  int code = 0;  // exit status, or the signal's number

  // Returns: "exited with status 1", "died of signal 11 (Segmentation fault)".
  std::string Describe() const;
};

struct Recording {
  Trace trace;  // the directory as it was found, as a snapshot; then what the program did
  // Files outside the directory that the program wrote to, sorted, as many as fit; devices, pipes,
  // sockets and memory files do not count.
  std::vector<std::string> outside;
  std::vector<uint64_t> failures_fired;  // of each rule of the plan
  uint64_t calls_seen = 0;               // that the supervisor was asked about
  uint64_t calls_performed = 0;          // of them, in the recorded directory
  std::string difference = {};  // between what the trace makes and the directory; empty: none
};

class TracedProgram {
 public:
  using Clock = std::chrono::steady_clock;

  enum class Event : uint8_t {
    kLine,      // TakeLine has a line that the program printed on its standard output
    kEnded,     // the first process has ended, and so have all that it started
    kReadable,  // the descriptor watched has something to say, or has closed
    kDeadline,
  };

  // Starts the program; its first call waits for Serve. Its standard error is ours.
  // Errors: kNotFound: the program; kUnsupported: what this system lacks, in words a user can act
  // on; kInvalidArgument: the user.
  static Expected<std::unique_ptr<TracedProgram>> Start(const TracedSettings& settings);

  // Kills whatever still runs.
  virtual ~TracedProgram() = default;

  // Performs calls until there is an event. A line is an event at the very write that completes it:
  // all that the program did before is in the trace, nothing that it did after. A descriptor
  // `watched` is looked at before each call is performed.
  // Errors: kUnsupported: the program does something that cannot be seen, such as becoming
  // non-dumpable, running 32-bit code or bringing a supervisor of its own. A blind recording is of
  // no use: give up.
  virtual Expected<Event> Serve(std::optional<Clock::time_point> deadline = {},
                                int watched = -1) = 0;

  // Returns: the line without its end. Requires: the last event was kLine.
  virtual std::string TakeLine() = 0;

  // Writes to the program's standard input. Requires: settings.has_input.
  virtual Expected<void> Say(std::string_view text) = 0;

  // Closes the program's standard input.
  virtual void HangUp() = 0;

  // Put into the trace after all that the program has done so far.
  virtual void Begin(uint32_t transaction) = 0;
  virtual void Acknowledge(uint32_t transaction) = 0;

  // Sends a signal to the first process, which lives on until Serve says otherwise.
  virtual void Signal(int signal) = 0;
  // Kills all processes at once, without another call of theirs being performed.
  virtual void Kill() = 0;

  virtual pid_t pid() const = 0;

  // Returns: how the first process ended. Requires: it has.
  virtual ProgramExit Exit() const = 0;

  // Ends the recording, and compares what the trace makes with what is in the directory.
  // Requires: all processes have ended.
  virtual Expected<Recording> Finish() = 0;
};

}  // namespace plugpull
