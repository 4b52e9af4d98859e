// Options from a TOML file: each key is the long option of that name, or `target`. What the command
// line says wins.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "faults/base/error.h"

namespace plugpull {

// Sets every option of `command` that the file names and the command line left out.
// Errors: kInvalidArgument for an unknown key, or a value that does not fit; kNotFound, kIo.
Expected<void> ApplyTomlConfig(CLI::App& command, const std::string& path);

}  // namespace plugpull
