// What run and explore have in common: the search, its report and its exit code.
#pragma once

#include <optional>
#include <string>

#include "faults/trace/trace.h"
#include "harness/cli/options.h"
#include "harness/cli/progress_display.h"
#include "harness/explore.h"
#include "harness/record.h"

namespace plugpull {

// What is explored.
struct ExploreJob {
  std::string command;                     // "run", "explore"
  std::string name;                        // what was recorded, as results name it
  std::optional<RecordSettings> recorded;  // how; absent: it was a command of the user's
  const Trace& trace;
  ExploreOptions explore;
};

// Says in one line what is about to be done.
void SayHow(const Options& options, const ExploreOptions& explore, const std::string& name);

// Returns: the exit code.
int ExploreAndReport(const ExploreJob& job, const Options& options, ProgressDisplay& display);

}  // namespace plugpull
