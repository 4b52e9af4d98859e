// The sentences of an explanation, each from the facts that it is about.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/recovery_story.h"
#include "harness/case_file.h"
#include "harness/missing_sync.h"
#include "harness/operation_fates.h"
#include "harness/operation_words.h"
#include "harness/recovery_steps.h"
#include "harness/recovery_watch.h"

namespace plugpull {

// Returns: what was promised, by whom, and how far the run had come.
std::string PromiseText(const Case& saved);

// Returns: "the unlink of test.db-journal".
std::string NounOf(const Trace& trace, const OperationWords& words, size_t operation);

// Returns: what a crash took, operation by operation. `which`: "The crash", "The second crash".
// `begin`: the first operation that counts; numbers count from it. `lies`: some syncs were lies.
std::string LossText(const Trace& trace, const OperationWords& words,
                     const std::vector<FateOfOperation>& fates, const std::string& which,
                     size_t begin = 0, bool lies = false);

// Returns: what happened beyond the contract of a disk. Requires: the case has a fault.
std::string FaultText(const Case& saved);

// Returns: what files show that a crash has undone things, where the engine has no words of its
// own. `steps`: what it was seen to do; null: nobody saw it.
std::string FoundText(const RecoveryStory& story, const RecoverySteps* steps);

// Returns: how the recovery ended.
std::string OutcomeText(const Case& saved, const RecoveryWatch& watch);

// Returns: why that breaks the promise.
std::string WrongText(const Case& saved);

// Returns: which sync is missing, or why none is named.
std::string MissingText(const Case& saved, const Trace& trace, const OperationWords& words,
                        const SyncAdvice& advice);

}  // namespace plugpull
