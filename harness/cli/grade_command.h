// `plugpull grade`: its options, and what it does with them.
#pragma once

#include <CLI/CLI.hpp>

#include "harness/cli/options.h"

namespace plugpull {

// Raw values of the command line.
struct GradeLine {
  Options options;  // its faults are those beyond the disk's contract; empty: all of them
  bool legal = false;
};

// Adds the command with its options and its help.
void AddGradeCommand(CLI::App& app, GradeLine& line);

// Returns: the exit code: 1 when a level that a correct disk may show breaks the promise asked for.
int GradeCommand(const GradeLine& line);

}  // namespace plugpull
