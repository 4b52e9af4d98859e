// What `plugpull compare` tells: strategies against persistence models, each with what it keeps and
// what it costs. Its JSON form is `plugpull.compare/1`; fields are only ever added.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reports/verdict.h"
#include "workloads/strategies/strategy.h"

namespace plugpull {

// What a strategy does, counted in its trace from the first begin to the last acknowledgement.
struct CommitCost {
  uint64_t commits = 0;  // acknowledged transactions
  uint64_t syncs = 0;    // calls that make something durable
  uint64_t writes = 0;
  uint64_t bytes = 0;          // written
  uint64_t changed_bytes = 0;  // keys and values that the transactions changed, each key once
};

// One strategy under one model.
struct ComparisonCell {
  Verdict verdict = Verdict::kUnknown;  // of the promise asked for
  // The strongest promise for which no violation was found. Nothing when even `opens` is broken,
  // and when `unknown` says why it was not found out.
  std::optional<Promise> kept;
  std::optional<FaultLevel> broken_by;  // the weakest that breaks the promise asked for
  std::vector<ViolationClass> classes;  // of what was found, each once
  bool exhaustive = false;              // `kept` is held by an exhaustive search
  bool implied = false;  // not searched: posix-minimal leaves every state of the model
  uint64_t recoveries = 0;
  std::string case_path;  // of the worst finding, relative to --out
  // Why nothing can be said; of a cell that is violated: why not how much is left.
  std::string unknown;
};

struct ComparisonRow {
  std::string name;
  StrategyGroup group = StrategyGroup::kProtocols;
  std::string description;
  std::string target;
  bool group_commit = false;  // a commit waits until others share its sync
  CommitCost cost;
  std::vector<ComparisonCell> cells;  // one for each model
};

struct Comparison {
  std::string version;
  std::string commit;
  std::string workload;
  uint64_t seed = 0;
  uint64_t transactions = 0;
  uint64_t keys = 0;
  std::string tear;
  Promise promise = Promise::kDurable;
  std::vector<std::string> models;  // as ParseModel reads them
  std::vector<ComparisonRow> rows;
  uint64_t recoveries = 0;  // of all cells, and of posix-minimal where that is not shown
  bool interrupted = false;
  bool out_of_budget = false;
  double elapsed_s = 0;
};

// Returns: `total` for each commit, 0 without commits.
double PerCommit(uint64_t total, const CommitCost& cost);

// Returns: true when `left` is cheaper: fewer syncs a commit, then fewer bytes, then fewer writes.
bool IsCheaper(const CommitCost& left, const CommitCost& right);

// Which strategies are asked about.
enum class Waiting : uint8_t {
  kAllowed,  // all of them
  kNever,    // those without group commit
};

// Returns: the cheapest strategy of the group that keeps the promise asked for under a model, the
// first of equals, or null.
const ComparisonRow* Cheapest(const Comparison& comparison, size_t model, StrategyGroup group,
                              Waiting waiting = Waiting::kAllowed);

// Returns: true when a strategy that is not known to keep the promise or to break it would be
// cheaper than `than`, or than nothing: the choice is not settled.
bool MayBeCheaper(const Comparison& comparison, size_t model, StrategyGroup group, Waiting waiting,
                  const ComparisonRow* than);

// A strategy that there is no reason to choose: `by` is at least as safe under every model shown
// and no dearer in syncs, bytes and writes, and better in something. Commits that wait for others
// are a price, too.
struct Dominated {
  const ComparisonRow* row;
  const ComparisonRow* by;
};

// Returns: for each dominated strategy, the cheapest of the same group that dominates it.
std::vector<Dominated> DominatedRows(const Comparison& comparison);

// The formats. Each returns the whole text, with a newline at its end.
std::string RenderComparisonJson(const Comparison& comparison);
std::string RenderComparisonMarkdown(const Comparison& comparison);
std::string RenderComparisonConsole(const Comparison& comparison);

}  // namespace plugpull
