// What a run tells: one value from which every report format is derived. Its JSON form is
// `plugpull.result/1`; fields are only ever added.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reports/error_report.h"
#include "reports/verdict.h"

namespace plugpull {

// How far the reproduction of a finding was made smaller.
struct MinimisedFinding {
  uint32_t transactions_before = 0;  // attempted
  uint32_t transactions_after = 0;
  uint64_t lost_atoms_before = 0;
  uint64_t lost_atoms_after = 0;
  bool is_minimal = false;  // no transaction, no change and no lost atom can be left out alone
};

struct Finding {
  std::string id;         // short and stable for the signature: lost-commit-1f0c2a44
  std::string signature;  // class, then kinds and roles of what was lost
  ViolationClass violation = ViolationClass::kLostCommit;
  FaultLevel fault_level = FaultLevel::kPowerCut;
  std::string fault = {};  // beyond the disk's contract: the fault as it happened; else empty
  std::vector<std::string> models;  // those that admit some violation of it, weakest first
  std::vector<std::string> contract_models = {};  // further ones, but only by what they promise
  uint64_t crash_point = 0;                       // operations issued before the crash
  uint32_t transactions_attempted = 0;
  uint32_t transactions_acknowledged = 0;
  std::vector<std::string> lost;
  std::vector<std::string> kept;
  std::string message;
  std::string recoverability;  // empty: not judged
  std::string errors = {};     // the plan of failing calls; empty: none failed
  std::string case_path;       // relative to --out
  uint64_t count = 0;          // violations of this signature that were seen
  uint32_t cycle = 1;          // of a run that goes on after crashes: in which it was seen first
  bool in_use = false;  // seen without a further crash while the store that one left was used
  std::optional<MinimisedFinding> minimised = {};
};

struct TraceFacts {
  uint64_t operations = 0;
  uint64_t syncs = 0;
  uint64_t acknowledgements = 0;
  uint64_t bytes = 0;
  uint64_t transactions = 0;
};

// How far crashes in a row were looked at: the first of them after the workload, each further one
// in the recovery from the one before.
struct DepthCoverage {
  uint32_t crashes = 1;
  uint64_t crash_points = 0;
  uint64_t recoveries = 0;  // after so many crashes
  bool exhausted = true;    // every state of every one of these points
};

// One cycle of a run that goes on after crashes.
struct CycleCoverage {
  uint32_t cycle = 1;
  uint64_t crash_point = 0;  // of the cycle before: where the crash was that it goes on from
  uint64_t lost_atoms = 0;   // what that crash lost, in pieces
  uint32_t recovered_transaction = 0;  // what it left: the contents after this transaction
  uint64_t transactions = 0;           // attempted in this cycle
  uint64_t crash_points = 0;
  uint64_t recoveries = 0;
  std::string states = "0";  // decimal
  std::string mode;          // as in Coverage
};

// Where a search met its first violation.
struct FirstViolation {
  uint64_t crash_point = 0;
  uint32_t transactions_attempted = 0;
  uint64_t recoveries = 0;  // as many it took, in the order of the crash points
};

struct Coverage {
  std::string mode;  // exhaustive | bounded | sampled
  uint64_t crash_points = 0;
  std::string states = "0";  // decimal
  bool states_exact = true;  // false: `states` is a lower bound
  double states_log10 = 0;
  uint64_t recoveries = 0;
  std::vector<DepthCoverage> depth = {};
  uint64_t distinct_images = 0;
  uint64_t reruns = 0;
  uint64_t uses = 0;                 // recoveries after which the store was reopened and used again
  std::vector<std::string> bounds;   // what kept the run from being exhaustive
  std::vector<std::string> unknown;  // reasons why nothing can be said
  std::vector<CycleCoverage> cycles = {};  // empty: there is one
  std::optional<FirstViolation> first = {};
};

// What became of a fault beyond the disk's contract that was asked for.
struct FaultTally {
  std::string fault;  // the specification
  FaultLevel level = FaultLevel::kLyingFlush;
  uint64_t instances = 0;  // that were tried
  uint64_t fired = 0;      // of them, those that changed something
  uint64_t of = 0;         // instances that there are
  uint64_t recoveries = 0;
  std::string advice = {};  // what to do when none fired; empty: one did, or the run was stopped
};

// What could be done about the images of a run that were violated.
struct RecoverabilityTally {
  std::string name;  // "cured by previous meta"
  uint64_t images = 0;
  uint64_t transactions_lost = 0;  // acknowledged ones, by all these cures together
  uint64_t keys_lost = 0;          // where a part is lost, of all these images
  uint64_t keys = 0;               // that were promised there
};

// How many of those images one repair cures alone, whatever that costs.
struct RepairTally {
  std::string repair;  // "revert-meta"
  uint64_t cures = 0;
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
  std::vector<FaultTally> faults_fired = {};
  std::vector<RecoverabilityTally> recoverability = {};  // empty: not asked; most images first
  std::vector<RepairTally> repairs = {};                 // in the order of the engine's repairs
  std::optional<ErrorReport> errors = {};                // of a run in which calls failed
  uint64_t without_symptom = 0;  // of a search for a symptom: violations that do not show it
  bool interrupted = false;
};

}  // namespace plugpull
