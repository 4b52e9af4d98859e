// `plugpull scenario` and `plugpull list scenarios`.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "harness/cli/options.h"

namespace plugpull {

// Raw values of the command line.
struct ScenarioLine {
  std::vector<std::string> ids;
  bool all = false;
  std::string target;  // engine of the cases that are run; empty: all that are part of plugpull
  Options options;     // of which --jobs, --out and --quiet count
};

// Adds the command with its options and its help.
void AddScenarioCommand(CLI::App& app, ScenarioLine& line);

// Returns: the exit code: 0 when everything came out as expected.
int ScenarioCommand(const ScenarioLine& line);

// Prints the scenarios. Returns: the exit code.
int ListScenarios();

}  // namespace plugpull
