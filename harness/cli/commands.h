// The commands of the program. Each returns an exit code and says everything that has to be said.
#pragma once

#include <string>

#include "faults/base/error.h"
#include "harness/cli/options.h"

namespace plugpull {

// Prints "plugpull: ..." on standard error. Returns: the exit code that fits the error.
int Complain(const Error& error);

int RunCommand(const Options& options);
int RecordCommand(const Options& options, const std::string& output);
int ExploreCommand(Options options, const std::string& trace_path);
int ListCommand(const std::string& what);

// Parses the command line and runs the command that it names.
int Main(int argc, char** argv);

}  // namespace plugpull
