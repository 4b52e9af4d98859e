// The commands for programs: what `run` and `record` do when they are about a command of the
// user's, or about a target that is a program.
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "harness/cli/options.h"
#include "harness/cli/progress_display.h"

namespace plugpull {

// What was recorded, and how its crashes are searched.
struct RecordedRun {
  std::string name;  // as results name it
  Trace trace;
  ExploreOptions explore;
};

// Records a command of the user's, and makes sure that its check can be relied on. `display` is
// there from when the command starts. Returns: the run, or the exit code of what went wrong, which
// has been said. Requires: IsAboutCommand.
std::expected<RecordedRun, int> RecordUserProgram(const Options& options,
                                                  std::optional<ProgressDisplay>& display);

// The same for a target that is a program, which a workload of ours drives.
std::expected<RecordedRun, int> RecordDriverTarget(const Options& options,
                                                   std::optional<ProgressDisplay>& display);

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
