// plugpull litmus: what each persistence model allows, computed from small tests.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace plugpull {

struct LitmusOptions {
  std::vector<std::string> paths;   // files and folders; empty: the tests that are built in
  std::vector<std::string> models;  // empty: all that are named
  std::string json;
  bool explain = false;
};

// Adds the command with its options and its help.
void AddLitmusCommand(CLI::App& app, LitmusOptions& options);

// Returns: 0 when all is as expected, 1 when something is not, 2 for a file that cannot be read as
// a litmus test, 3 where the table cannot be written.
int LitmusCommand(const LitmusOptions& options);

}  // namespace plugpull
