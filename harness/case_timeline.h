// The operations before a crash as rows of a timeline: what each did, and what became of it.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "harness/missing_sync.h"
#include "harness/operation_fates.h"
#include "harness/operation_words.h"
#include "reports/explanation.h"

namespace plugpull {

struct TimelineSettings {
  size_t begin = 0;       // the first operation that may be shown; numbers count from it
  size_t most_rows = 40;  // of operations that were not lost
  std::vector<SavingSync> missing = {};
  std::string crash = "CRASH: the power fails";  // the last row; empty: none
};

// Returns: the last operations, those that were lost and the syncs that are missing wherever they
// are, and the crash. Requires: the fates are those of `trace`.
std::vector<TimelineRow> TimelineOf(const Trace& trace, const OperationWords& words,
                                    const std::vector<FateOfOperation>& fates,
                                    const TimelineSettings& settings);

// Returns: the words for a sync that is missing: "sync store.db (fsync)".
std::string WordsOf(const SavingSync& sync, const OperationWords& words);

}  // namespace plugpull
