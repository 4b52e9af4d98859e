// `plugpull minimize`: its options, and what it does with them.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace plugpull {

// Raw values of the command line.
struct MinimizeLine {
  std::string case_path;
  std::string output;  // empty: beside the case
  std::string budget = "30s";
  bool quiet = false;
};

// Adds the command with its options and its help.
void AddMinimizeCommand(CLI::App& app, MinimizeLine& line);

// Adds --minimize and --no-minimize to a command that reports findings.
void AddMinimizeOption(CLI::App& command);

// Returns: the exit code: 0 when the minimised case was written, 4 when there is nothing to
// minimise because the case does not reproduce.
int MinimizeCommand(const MinimizeLine& line);

}  // namespace plugpull
