// What a run tells: one value from which every report format is derived. Its JSON form is
// `plugpull.result/1`; fields are only ever added.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "reports/verdict.h"

namespace plugpull {

struct Finding {
  std::string id;         // short and stable for the signature: lost-commit-1f0c2a44
  std::string signature;  // class, then kinds and roles of what was lost
  ViolationClass violation = ViolationClass::kLostCommit;
  FaultLevel fault_level = FaultLevel::kPowerCut;
  std::vector<std::string> models;  // those that admit some violation of it, weakest first
  std::vector<std::string> contract_models = {};  // further ones, but only by what they promise
  uint64_t crash_point = 0;                       // operations issued before the crash
  uint32_t transactions_attempted = 0;
  uint32_t transactions_acknowledged = 0;
  std::vector<std::string> lost;
  std::vector<std::string> kept;
  std::string message;
  std::string recoverability;  // empty: not judged
  std::string case_path;       // relative to --out
  uint64_t count = 0;          // violations of this signature that were seen
};

struct TraceFacts {
  uint64_t operations = 0;
  uint64_t syncs = 0;
  uint64_t acknowledgements = 0;
  uint64_t bytes = 0;
  uint64_t transactions = 0;
};

struct Coverage {
  std::string mode;  // exhaustive | bounded | sampled
  uint64_t crash_points = 0;
  std::string states = "0";  // decimal
  bool states_exact = true;  // false: `states` is a lower bound
  double states_log10 = 0;
  uint64_t recoveries = 0;
  uint64_t distinct_images = 0;
  uint64_t reruns = 0;
  uint64_t uses = 0;                 // recoveries after which the store was reopened and used again
  std::vector<std::string> bounds;   // what kept the run from being exhaustive
  std::vector<std::string> unknown;  // reasons why nothing can be said
};

struct Result {
  std::string command;
  std::string version;
  std::string commit;
  std::string target;
  std::string door = "linked";
  uint64_t seed = 0;
  std::string model;
  std::string tear;
  std::vector<std::string> faults;
  Promise promise = Promise::kDurable;
  Verdict verdict = Verdict::kUnknown;
  TraceFacts trace;
  Coverage coverage;
  // Of a run under all models: what holds under each, weakest first.
  std::vector<std::pair<std::string, Verdict>> models;
  double elapsed_s = 0;
  std::vector<Finding> findings;
  bool interrupted = false;
};

}  // namespace plugpull
