// Bugs that were put into engines on purpose, as data: what each is, how it is run, and how it must
// be found. And what is good and must be left alone. To add one: a row in the file of its engine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "faults/base/error.h"
#include "faults/inject/fault_level.h"
#include "reports/verdict.h"

namespace plugpull {

// How a target is run: what `plugpull run` calls by the same names.
struct Attack {
  std::string_view workload = "mixed";
  uint32_t transactions = 8;
  uint32_t keys = 10;
  uint64_t seed = 1;
  uint32_t readers = 0;
  uint32_t rollbacks = 0;
  uint32_t cycles = 1;
  uint32_t depth = 2;
  uint32_t crashes_from = 0;                 // crashes before this transaction are left out
  std::string_view model = "posix-minimal";  // or "all"
  std::string_view faults = {};              // beyond the disk's contract; empty: a correct disk
  std::string_view errors = {};              // empty: no call fails

  // Returns: what differs from the ordinary, "8 transactions, 3 readers".
  std::string Text() const;
};

enum class Expectation : uint8_t {
  kKilled,      // `attack` finds it
  kEquivalent,  // `attack` does not, and says so in full; `beyond`, if there is one, does
  kHeld,        // there is nothing to find
};

struct PlantedBug {
  std::string_view name;  // "M1"
  std::string_view bug;   // what it is
  std::string_view target;
  Expectation expectation = Expectation::kKilled;
  Attack attack = {};
  std::optional<Attack> beyond = {};
  std::vector<ViolationClass> classes = {};     // one of them must fire
  std::string_view symptom = {};                // a regular expression: one message must fit
  FaultLevel level = FaultLevel::kProcessKill;  // the weakest that reaches one of the classes
  std::string_view why = {};                    // it is equivalent
};

// Returns: every row there is, or those of one engine, in the order of reports.
// Errors: kInvalidArgument: no engine of that name has any.
Expected<std::vector<PlantedBug>> PlantedBugs(const std::string& engine = "");

// The rows of one engine each.
std::vector<PlantedBug> CowTreeBugs();
std::vector<PlantedBug> RevisionTreeBugs();
std::vector<PlantedBug> SerialLogBugs();

}  // namespace plugpull
