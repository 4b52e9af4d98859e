// `run --errors each|PLAN` and `list failures`.
#pragma once

#include <CLI/CLI.hpp>

#include "harness/cli/options.h"
#include "reports/result.h"

namespace plugpull {

// Transactions of a run with errors, when the user does not say: each call of it fails in turn.
inline constexpr uint32_t kErrorTransactions = 20;

// Adds --errors. Requires: the command has --transactions.
void AddErrorOptions(CLI::App& command, Options& options);

// Returns: the exit code. Requires: options.errors is not empty.
int RunErrorsCommand(Options options);

void ListFailures();

}  // namespace plugpull
