// What a case says in words, for people and their tools: the workload, the last operations, what
// the crash lost and kept. Nobody reads it back; what counts is in the payload of the file.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "harness/case_file.h"

namespace plugpull {

// Longer lists of words say how many more there are.
inline constexpr size_t kMostOperationLines = 200;
inline constexpr size_t kMostAtomLines = 50;

// Returns: for each transaction a list of its changes: {"put": KEY, "value": VALUE} or
// {"delete": KEY}. Bytes that are no printable ASCII make it "put_hex", "value_hex", "delete_hex",
// in hexadecimal. Of a very long value the beginning is there, and "value_bytes" says how long it
// is. "undone": they were rolled back by a crash before the trace.
nlohmann::ordered_json WorkloadWords(const Trace& trace);

// Returns: a line for each of the last operations: "#17 write test.db 8192+4096".
std::vector<std::string> OperationWords(const Trace& trace);

// What a crash lost, and what of the rest it kept that it might have lost.
struct CrashWords {
  std::vector<std::string> lost;
  std::vector<std::string> kept;  // empty, too, where a fault beyond the contract took part
};

CrashWords WordsOfCrash(const Case& saved);

// Returns: what that crash of a recovery lost.
std::vector<std::string> LostWords(const Case& saved, const FurtherCrash& further);

}  // namespace plugpull
