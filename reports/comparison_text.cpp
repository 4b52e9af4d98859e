#include "reports/comparison_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/console.h"

namespace plugpull {

std::string CellText(const ComparisonCell& cell) {
  if (cell.verdict == Verdict::kUnknown) return "?";
  const bool is_open = !cell.kept && !cell.unknown.empty();
  std::string text(is_open ? "?" : cell.kept ? Name(*cell.kept) : "none");
  const bool is_proved = cell.exhaustive || !cell.kept;
  if (!cell.broken_by) return is_proved ? text : text + "~";
  return fmt::format("{}{}{}", text, is_proved ? ' ' : '~', static_cast<int>(*cell.broken_by));
}

std::string SyncsText(const CommitCost& cost) {
  return fmt::format("{:.2f}", PerCommit(cost.syncs, cost));
}

std::string BytesText(const CommitCost& cost) {
  return Grouped(static_cast<uint64_t>(std::llround(PerCommit(cost.bytes, cost))));
}

std::string WritesText(const CommitCost& cost) {
  return fmt::format("{:.1f}", PerCommit(cost.writes, cost));
}

std::string AmplificationText(const CommitCost& cost) {
  if (cost.changed_bytes == 0) return "-";
  return fmt::format("{:.1f}",
                     static_cast<double>(cost.bytes) / static_cast<double>(cost.changed_bytes));
}

std::vector<std::string> Legend(const Comparison& comparison) {
  std::string promises;
  for (size_t i = 0; i <= static_cast<size_t>(kLastPromise); ++i) {
    promises += fmt::format("{}{}", i == 0 ? "none < " : " < ", Name(static_cast<Promise>(i)));
  }
  std::string faults;
  for (const FaultInfo& fault : Faults()) {
    if (!fault.legal) continue;
    faults += fmt::format("{}{} {}", faults.empty() ? "" : ", ", fault.number, fault.name);
  }
  return {
      fmt::format("A cell is the strongest promise kept: {}.", promises),
      fmt::format("Its number is the weakest fault that breaks `{}`: {}.", Name(comparison.promise),
                  faults),
      "~ kept as far as the search went, which was not exhaustive; ? not known.",
  };
}

std::string CostLegend() {
  return "Syncs: calls that make something durable, a write with O_DSYNC among them. Amplif.: "
         "bytes "
         "written for each byte of the keys and values that the commits change.";
}

StrategyChoice ChoiceOf(const Comparison& comparison, size_t model, StrategyGroup group,
                        Waiting waiting) {
  const ComparisonRow* row = Cheapest(comparison, model, group, waiting);
  return {.row = row, .is_settled = !MayBeCheaper(comparison, model, group, waiting, row)};
}

std::string ChoiceText(const StrategyChoice& choice) {
  if (choice.row == nullptr) return choice.is_settled ? "none" : "not known";
  return fmt::format("{} ({} syncs, {} bytes a commit){}", choice.row->name,
                     SyncsText(choice.row->cost), BytesText(choice.row->cost),
                     choice.is_settled ? "" : "; cheaper ones not known");
}

std::vector<CheapestChoice> CheapestChoices(const Comparison& comparison) {
  std::vector<CheapestChoice> choices;
  for (size_t model = 0; model < comparison.models.size(); ++model) {
    const StrategyChoice protocol = ChoiceOf(comparison, model, StrategyGroup::kProtocols);
    const StrategyChoice alone =
        ChoiceOf(comparison, model, StrategyGroup::kProtocols, Waiting::kNever);
    const StrategyChoice engine = ChoiceOf(comparison, model, StrategyGroup::kEngines);
    const auto same = std::ranges::find_if(choices, [&](const CheapestChoice& choice) {
      return choice.protocol == protocol && choice.without_group_commit == alone &&
             choice.engine == engine;
    });
    CheapestChoice& choice =
        same != choices.end() ? *same
                              : choices.emplace_back(CheapestChoice{{}, protocol, alone, engine});
    choice.models.push_back(comparison.models[model]);
  }
  return choices;
}

bool HasGroup(const Comparison& comparison, StrategyGroup group) {
  return std::ranges::any_of(comparison.rows,
                             [group](const ComparisonRow& row) { return row.group == group; });
}

}  // namespace plugpull
