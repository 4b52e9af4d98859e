// The commands for programs: what `run` and `record` do when they are about a command of the
// user's, or about a target that is a program.
#pragma once

#include <string>

#include "harness/cli/options.h"

namespace plugpull {

// Records, explores and judges a command of the user's. Requires: IsAboutCommand.
int RunProgramCommand(const Options& options);

// The same for a target that is a program, which a workload of ours drives.
int RunDriverCommand(const Options& options);

// Records either into the trace file `output`. A recording that is not what the program left is
// saved all the same, for a look at it, and is an error.
int RecordProgramCommand(const Options& options, const std::string& output);

// Explores a trace that was recorded from a command of the user's, or any trace with --check.
int ExploreProgramCommand(const Options& options, const std::string& trace_path,
                          const Trace& trace);

}  // namespace plugpull
