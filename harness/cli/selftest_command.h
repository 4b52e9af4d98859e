// `plugpull selftest`: is the harness still able to find what was planted, and only that?
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "harness/cli/options.h"

namespace plugpull {

// Raw values of the command line.
struct SelftestLine {
  Options options;
  std::string engine;  // empty: all that have bugs
};

void AddSelftestCommand(CLI::App& app, SelftestLine& line);

// Returns: 0 when everything is as it should be, 5 after a miss or a false alarm, 2 for an engine
// without bugs, 3 where the report cannot be written, 6 when it was stopped.
int SelftestCommand(const SelftestLine& line);

}  // namespace plugpull
