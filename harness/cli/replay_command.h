// plugpull replay: reproduces one finding exactly, keeps its files, or tries it on another target.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "harness/cli/options.h"

namespace plugpull {

struct ReplayLine {
  Options options;  // --quiet, --jobs, --config
  std::string path;
  uint32_t times = 1;
  std::string keep_image;
  std::string against;
  std::string json;
};

// Adds the command with its options and its help.
void AddReplayCommand(CLI::App& app, ReplayLine& line);

// Returns: 0 reproduced, or seen on the other target as well; 4 not; 2 and 3 as everywhere.
int ReplayCommand(const ReplayLine& line);

}  // namespace plugpull
