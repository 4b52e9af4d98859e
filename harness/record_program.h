// Records programs through the traced door: commands of the user's, servers with a client, drivers.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "faults/base/error.h"
#include "faults/doors/traced_program.h"
#include "faults/trace/trace.h"
#include "harness/record.h"

namespace plugpull {

struct ProgramSettings {
  std::string directory = {};          // to be recorded; made when absent; empty: one of our own
  bool keep = false;                   // the directory may hold files, which stay
  std::string init = {};               // a command that prepares the directory, unrecorded
  std::vector<std::string> arguments;  // the program: argv
  std::string ready = {};              // a server: a command that succeeds once it serves
  std::string client = {};             // then this command drives it and prints acknowledgements
  std::string user = {};
  FailurePlan failures = {};
  bool real_sync = false;
  bool pin_to_one_cpu = false;
  Backend backend = Backend::kAutomatic;
  uint64_t seed = 1;                           // of what is sampled when the trace is explored
  std::string roles = {};                      // of its files, as RolePatterns
  std::chrono::milliseconds timeout{600'000};  // of the whole run
  // Asked ten times a second; true: give up. Empty: never.
  std::function<bool()> should_stop = {};
};

struct ProgramRecording {
  Recording recording;                // its trace is ready to be explored and saved
  std::vector<std::string> warnings;  // one line each
};

// Each line that the program (with a client: that) prints on its standard output is a transaction
// of one change: the line is its key. It is acknowledged where it was printed. Errors:
// kTargetFailed: the program failed, or took too long; what the door says.
Expected<ProgramRecording> RecordProgram(const ProgramSettings& settings);

// How to record a target that is a program.
struct DriverSettings {
  FailurePlan failures = {};
  bool real_sync = false;
  bool pin_to_one_cpu = false;
  std::chrono::milliseconds timeout{600'000};
  std::function<bool()> should_stop = {};
};

// Runs a workload of ours on a target that is a program, in a directory of our own. Like that of a
// linked engine, the run ends after the last acknowledgement with the store open, or with the first
// transaction that fails because a call was made to.
// Errors: as RecordProgram. Requires: the target is a program.
Expected<ProgramRecording> RecordDriver(const RecordSettings& settings,
                                        const DriverSettings& driver = {});

}  // namespace plugpull
