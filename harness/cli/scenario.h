// A field report as data: runs of a target under a fault, each with the outcome that is expected of
// it. The files are in workloads/scenarios.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "faults/base/error.h"
#include "harness/cli/options.h"

namespace plugpull {

// One run, and what has to come out.
struct ScenarioCase {
  std::string name;  // "bbolt's own way to create a file"
  Options options;   // target, workload, model, faults or failing calls
  std::string symptom;
  std::string expected;       // "held", or the class of the violation
  uint32_t crashes_from = 0;  // crashes before this transaction are left out
  std::string level = {};     // the weakest fault that shows it; empty: any
  // What an operator has to do, in the words of a finding; empty: nothing is said.
  std::string recoverability = {};
  std::string why = {};  // the expectation is this
};

struct Scenario {
  std::string id;      // "B3"
  std::string title;   // one line
  std::string report;  // what it comes from: "bbolt #701"
  std::vector<ScenarioCase> cases;
};

// Errors: kInvalidArgument: no TOML, a word that is not understood, something missing; one line.
Expected<Scenario> ParseScenario(std::string_view text);

// Returns: those that are part of the program, by number. Errors: one of them cannot be read.
Expected<std::vector<Scenario>> Scenarios();

}  // namespace plugpull
