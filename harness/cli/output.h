// Where results go: the output directory, the report files, the terminal.
#pragma once

#include <string>

#include "faults/base/error.h"
#include "harness/cli/options.h"
#include "reports/result.h"

namespace plugpull {

// Makes sure that results can be written, before hours of work depend on it.
Expected<void> PrepareOutput(const Options& options);

// Writes DIR/result.json and every report that was asked for, and prints findings and last line.
Expected<void> WriteOutput(const Options& options, const Result& result);

}  // namespace plugpull
