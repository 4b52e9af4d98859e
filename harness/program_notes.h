// What is said of a recording of a program: the facts of its trace, what it printed as
// transactions, and what a user should know before trusting it.
#pragma once

#include <string>
#include <vector>

#include "faults/base/error.h"
#include "faults/doors/traced_program.h"
#include "faults/trace/trace.h"

namespace plugpull {

// Names of facts.
inline constexpr const char* kProgramFact = "program";       // the command, as a shell reads it
inline constexpr const char* kSelfCheckFact = "self_check";  // Recording::difference

// Makes each line a transaction of one change: the line is its key.
std::vector<Transaction> TransactionsOf(const std::vector<std::string>& lines);

// Puts into the trace what is true of it whoever drove the program: failures, the self-check.
void AddFactsOf(Recording& recording, const FailurePlan& failures);

// Returns: true when the trace holds a call that changes a file, beyond its snapshot.
bool HasCaptured(const Trace& trace);

// Returns: one line each about what a command printed: nothing, or all of it too late.
std::vector<std::string> NotesOnLines(const Trace& trace);

// Returns: one line about files outside the directory, or none.
std::vector<std::string> NotesOnPlaces(const Recording& recording);

// Errors: kInvalidArgument: a failure that was asked for never happened.
Expected<void> CheckFired(const FailurePlan& plan, const Recording& recording);

// Errors: kCorrupt: the trace is of a recording that differs from what the program left.
Expected<void> CheckFaithful(const Trace& trace);

}  // namespace plugpull
