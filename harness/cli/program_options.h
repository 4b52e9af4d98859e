// The options that are about programs: commands of the user's, servers, drivers.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "faults/base/error.h"
#include "harness/cli/options.h"
#include "harness/record_program.h"

namespace plugpull {

// Adds what `run` and `record` know about programs: --dir, --init, --fail and the others.
void AddProgramOptions(CLI::App& command, Options& options);

// Adds --check.
void AddCheckOption(CLI::App& command, Options& options);

// Returns: true when the options are about a command of the user's, not about a target.
bool IsAboutCommand(const Options& options);

// Returns: whether the option of that name was given, on the command line or in a file.
bool IsGiven(const Options& options, const std::string& name);

// Returns: the words of the command to record.
std::vector<std::string> ToArguments(const Options& options);

// Errors: kInvalidArgument: options that make no sense together, and what to do.
// Requires: IsAboutCommand.
Expected<ProgramSettings> ToProgramSettings(const Options& options);

// The same for a target. Those that are linked take no such option. Requires: not IsAboutCommand.
Expected<DriverSettings> ToDriverSettings(const Options& options);

// Errors: kInvalidArgument: options of the search that programs cannot have. `has_check`: nor those
// that a check of the user's cannot have.
Expected<void> CheckSearchOptions(const Options& options, bool has_check);

}  // namespace plugpull
