// plugpull surgery: mends a copy of a bbolt file. The damaged file itself is never written to.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

namespace plugpull {

// What the command line said.
struct SurgeryLine {
  std::string verb;
  std::string path;
  std::string output;
  bool force = false;
  std::optional<uint64_t> page;
  std::optional<uint64_t> from_page;
  std::optional<uint64_t> to_page;
  std::optional<int64_t> from_index;
  std::optional<int64_t> to_index;
};

// Adds the command with its options and its help.
void AddSurgeryCommand(CLI::App& app, SurgeryLine& line);

// Returns: 0 when the copy is written, 1 when it is and keys are lost (salvage), 2 and 3 as other
// commands; then nothing is left behind.
int SurgeryCommand(const SurgeryLine& line);

}  // namespace plugpull
