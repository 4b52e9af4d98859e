// plugpull autopsy: what is wrong with a bbolt file, why, and what can be saved. Only reads it.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace plugpull {

// What the command line said.
struct AutopsyLine {
  std::string path;
  std::string json;  // a file, "-" for standard output, or empty
  std::string svg;
  bool quiet = false;
};

// Adds the command with its options and its help.
void AddAutopsyCommand(CLI::App& app, AutopsyLine& line);

// Returns: 0 the file is sound, 1 it is damaged, 2 usage, 3 it cannot be read, or a report cannot
// be written.
int AutopsyCommand(const AutopsyLine& line);

}  // namespace plugpull
