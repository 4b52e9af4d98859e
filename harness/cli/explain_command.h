// `plugpull explain`: its options, and what it does with them.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

namespace plugpull {

// Raw values of the command line.
struct ExplainLine {
  std::string path;
  std::string json;
  std::string markdown;
  uint32_t operations = 40;
};

// Adds the command with its options and its help.
void AddExplainCommand(CLI::App& app, ExplainLine& line);

// Returns: the exit code: 0 explained, 4 when the case is not seen here.
int ExplainCommand(const ExplainLine& line);

}  // namespace plugpull
