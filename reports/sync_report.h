// What `plugpull syncs` tells: of every place in a program that syncs, what breaks without it; and
// which syncs it lacks. Its JSON form is `plugpull.syncs/1`; fields are only ever added.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reports/verdict.h"

namespace plugpull {

// What holds under one model.
struct SyncVerdict {
  std::string model;
  Verdict verdict = Verdict::kUnknown;
  std::string bound;  // of held: what kept the search from being exhaustive; of unknown: why

  bool operator==(const SyncVerdict&) const = default;
};

// One kind of damage.
struct SyncDamage {
  std::string id;
  ViolationClass violation = ViolationClass::kLostCommit;
  FaultLevel fault_level = FaultLevel::kPowerCut;
  std::vector<std::string> models;  // that admit it, weakest first
  std::string message;
  std::string signature;          // class, then kinds and roles of what was lost
  std::vector<std::string> lost;  // one line for each operation
  std::string case_path;          // relative to --out
};

// What a sync is good for.
enum class SyncUse : uint8_t {
  kLoadBearing,  // something breaks without it, under some model
  kRedundant,    // nothing does, under any model, and every crash state was looked at
  kNotFound,     // nothing was seen to break, but not all was looked at
};

// A place that syncs.
struct SyncPlaceReport {
  std::string call;                 // "fsync", "fdatasync", "fsync of a directory", ...
  std::string role;                 // of what it syncs
  std::vector<std::string> frames;  // who calls, innermost first; empty: not known
  std::string place;                // then, which one it is: "the 2nd of a transaction"
  uint64_t executions = 0;
  uint64_t in_transactions = 0;  // in how many it ran
  uint64_t idle = 0;             // executions that had nothing to make durable
  SyncUse use = SyncUse::kNotFound;
  std::vector<SyncVerdict> without;  // what holds when it is taken out, of the models judged
  std::vector<SyncDamage> breaks;    // the worst first
};

// Several places, each of which can go under these models. All of them together?
struct SpareSyncs {
  std::vector<size_t> places;  // indices in SyncReport::places
  std::vector<std::string> models;
  std::vector<SyncVerdict> without;  // what holds when all of them are taken out
  std::vector<SyncDamage> breaks;
};

// A sync that the program lacks.
struct MissingSync {
  std::string call;
  std::string thing;                 // "fsync of the directory of journal"
  std::string place;                 // "after unlink(journal), before the commit returns"
  uint64_t executions = 0;           // it would have run so often
  uint64_t first_operation = 0;      // the operation that its first execution comes before
  std::vector<std::string> models;   // that need it, weakest first
  std::vector<std::string> removes;  // ids of the findings that it alone makes impossible
};

// What no added sync removes.
struct UnhelpedDamage {
  SyncDamage damage;
  std::vector<std::string> models;  // under which that is so, weakest first
  std::string why;
};

struct SyncReport {
  std::string version;
  std::string commit;
  std::string target;
  std::string door = "linked";
  uint64_t seed = 0;
  uint64_t transactions = 0;
  uint64_t syncs = 0;  // executions of all places
  std::string tear;
  Promise promise = Promise::kDurable;
  bool is_checked_by_command = false;  // what is promised is for a check of the user's to say
  std::vector<SyncVerdict> models;     // of the run as it is, weakest first
  std::vector<SyncDamage> findings;    // in it
  std::vector<MissingSync> missing;
  std::vector<SyncVerdict> with_missing;  // of the run with all of them added
  std::vector<UnhelpedDamage> unhelped;
  // Not 0: crashes before this operation, the begin of the first transaction, leave damage that no
  // sync removes; places are judged by crashes from there on, where this holds with what is
  // missing.
  uint64_t judged_from = 0;
  std::vector<SyncVerdict> with_missing_from_there;
  std::vector<SyncPlaceReport> places;
  std::vector<SpareSyncs> spare;
  bool judged_with_missing = false;  // places are judged in the run with what it lacks
  uint64_t explorations = 0;
  uint64_t recoveries = 0;
  bool interrupted = false;
  bool out_of_budget = false;
  double elapsed_s = 0;
};

// Returns: the word for a use: "load-bearing", "redundant", "nothing found".
std::string_view Name(SyncUse use);

// The formats. Each returns the whole text, with a newline at its end.
std::string RenderSyncsJson(const SyncReport& report);
std::string RenderSyncsMarkdown(const SyncReport& report);
// `out_directory`: where cases are, for the commands that replay them.
std::string RenderSyncsConsole(const SyncReport& report, const std::string& out_directory);

}  // namespace plugpull
