// `plugpull reproduce`: its options, and what it does with them.
#pragma once

#include <CLI/CLI.hpp>

#include "harness/cli/options.h"

namespace plugpull {

// Raw values of the command line.
struct ReproduceLine {
  Options options;  // its faults are those beyond the disk's contract; empty: all of them
  std::string symptom;
};

// Adds the command with its options and its help.
void AddReproduceCommand(CLI::App& app, ReproduceLine& line);

// Returns: the exit code: 0 when the symptom was reproduced.
int ReproduceCommand(const ReproduceLine& line);

}  // namespace plugpull
