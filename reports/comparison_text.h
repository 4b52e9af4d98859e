// How cells, costs and conclusions of a comparison are said, the same on a terminal and in
// Markdown.
#pragma once

#include <string>
#include <vector>

#include "reports/comparison.h"

namespace plugpull {

// Returns: the promise that is kept; then, where the promise asked for is not, the number of the
// weakest fault that breaks it: "durable", "prefix 1", "none 2". "~" says that the search for the
// promise that is kept was cut short, "?" that nothing can be said.
std::string CellText(const ComparisonCell& cell);

// Returns: "1.08".
std::string SyncsText(const CommitCost& cost);
// Returns: "1,234".
std::string BytesText(const CommitCost& cost);
std::string WritesText(const CommitCost& cost);
// Returns: bytes written for each byte changed, "2.1".
std::string AmplificationText(const CommitCost& cost);

// What a cell's words and numbers mean, one line each.
std::vector<std::string> Legend(const Comparison& comparison);

// What the costs count.
std::string CostLegend();

// The cheapest strategy of a group under a model.
struct StrategyChoice {
  const ComparisonRow* row = nullptr;
  bool is_settled = true;  // no strategy that nothing is known of could take its place

  friend bool operator==(const StrategyChoice&, const StrategyChoice&) = default;
};
StrategyChoice ChoiceOf(const Comparison& comparison, size_t model, StrategyGroup group,
                        Waiting waiting = Waiting::kAllowed);

// A strategy as a conclusion names it: "append-fsync (1.08 syncs, 1,234 bytes a commit)", "none",
// "not known".
std::string ChoiceText(const StrategyChoice& choice);

// Models for which the same strategies are the cheapest.
struct CheapestChoice {
  std::vector<std::string> models;
  StrategyChoice protocol;
  StrategyChoice without_group_commit;  // of the protocols
  StrategyChoice engine;
};
std::vector<CheapestChoice> CheapestChoices(const Comparison& comparison);

// Returns: true when some strategy of the group was compared.
bool HasGroup(const Comparison& comparison, StrategyGroup group);

}  // namespace plugpull
