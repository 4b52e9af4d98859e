// `plugpull syncs`: its options, and what it does with them.
#pragma once

#include <CLI/CLI.hpp>

#include "harness/cli/options.h"

namespace plugpull {

// Adds the command with its options and its help.
void AddSyncsCommand(CLI::App& app, Options& options);

// Returns: the exit code: 1 when at least one sync is missing, or damage that none would remove was
// found; 4 when it is not known whether one is.
int SyncsCommand(const Options& options);

}  // namespace plugpull
