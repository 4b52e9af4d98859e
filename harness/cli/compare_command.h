// `plugpull compare`: its options, and what it does with them.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "faults/base/error.h"
#include "faults/persistence/model.h"
#include "harness/cli/options.h"

namespace plugpull {

// Raw values of the command line.
struct CompareLine {
  Options options;
  std::string strategies = "all";
  std::vector<std::string> models;
};

void AddCompareOptions(CLI::App& command, CompareLine& line);

// Returns: the models that the texts name, each once; those of Models() without any. One text may
// name several, separated by `;`, or by commas: a part with a `=` belongs to the name before it.
// Errors: those of ParseModel.
Expected<std::vector<const Model*>> ParseModels(const std::vector<std::string>& texts);

// Returns: the exit code: comparing is no test, so that whatever is in the cells is success.
int CompareCommand(const CompareLine& line);

}  // namespace plugpull
