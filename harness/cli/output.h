// Where results go: the output directory, the report files, the terminal.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "faults/base/error.h"
#include "harness/cli/options.h"
#include "reports/console.h"
#include "reports/result.h"

namespace plugpull {

// Makes sure that results can be written, before hours of work depend on it, and
// removes the cases of an earlier run.
Expected<void> PrepareOutput(const Options& options);

// A report that is ready to be written, for `--<format> FILE`.
struct RenderedReport {
  std::string_view format;
  std::string text;
};

// Writes `reports` to the files that the options name, the first of them to DIR/`file_name` as
// well, and prints `say`: what a person reads.
Expected<void> WriteReports(const Options& options, const std::string& file_name,
                            const std::vector<RenderedReport>& reports,
                            const std::function<std::string(ConsoleStyle style)>& say);

// Writes DIR/result.json and every report that was asked for, and prints findings and last line.
Expected<void> WriteOutput(const Options& options, const Result& result);

}  // namespace plugpull
