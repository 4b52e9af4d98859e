#include "reports/comparison.h"

#include <algorithm>

namespace plugpull {
namespace {

// Compares two costs for each commit, without rounding. Returns: below 0 when `left` is less.
int ComparePerCommit(uint64_t left_total, const CommitCost& left, uint64_t right_total,
                     const CommitCost& right) {
  using Wide = unsigned __int128;
  const Wide scaled_left = Wide{left_total} * right.commits;
  const Wide scaled_right = Wide{right_total} * left.commits;
  if (scaled_left == scaled_right) return 0;
  return scaled_left < scaled_right ? -1 : 1;
}

// 0: nothing is kept; more is safer.
int Safety(const ComparisonCell& cell) { return cell.kept ? static_cast<int>(*cell.kept) + 1 : 0; }

bool IsKnown(const ComparisonRow& row) {
  return row.cost.commits > 0 && std::ranges::none_of(row.cells, [](const ComparisonCell& cell) {
           return cell.verdict == Verdict::kUnknown || !cell.unknown.empty();
         });
}

bool Dominates(const ComparisonRow& by, const ComparisonRow& row) {
  if (by.group_commit && !row.group_commit) return false;  // its commits wait for one another
  bool is_better = false;
  for (size_t model = 0; model < row.cells.size(); ++model) {
    const int difference = Safety(by.cells[model]) - Safety(row.cells[model]);
    if (difference < 0) return false;
    is_better = is_better || difference > 0;
  }
  for (const auto part : {&CommitCost::syncs, &CommitCost::bytes, &CommitCost::writes}) {
    const int order = ComparePerCommit(by.cost.*part, by.cost, row.cost.*part, row.cost);
    if (order > 0) return false;
    is_better = is_better || order < 0;
  }
  return is_better;
}

}  // namespace

double PerCommit(uint64_t total, const CommitCost& cost) {
  return cost.commits == 0 ? 0 : static_cast<double>(total) / static_cast<double>(cost.commits);
}

bool IsCheaper(const CommitCost& left, const CommitCost& right) {
  for (const auto part : {&CommitCost::syncs, &CommitCost::bytes, &CommitCost::writes}) {
    const int order = ComparePerCommit(left.*part, left, right.*part, right);
    if (order != 0) return order < 0;
  }
  return false;
}

const ComparisonRow* Cheapest(const Comparison& comparison, size_t model, StrategyGroup group,
                              Waiting waiting) {
  const ComparisonRow* cheapest = nullptr;
  for (const ComparisonRow& row : comparison.rows) {
    const bool keeps = row.group == group && row.cost.commits > 0 && model < row.cells.size() &&
                       row.cells[model].verdict == Verdict::kHeld;
    const bool may_wait = waiting == Waiting::kAllowed || !row.group_commit;
    if (!keeps || !may_wait) continue;
    if (cheapest == nullptr || IsCheaper(row.cost, cheapest->cost)) cheapest = &row;
  }
  return cheapest;
}

bool MayBeCheaper(const Comparison& comparison, size_t model, StrategyGroup group, Waiting waiting,
                  const ComparisonRow* than) {
  return std::ranges::any_of(comparison.rows, [&](const ComparisonRow& row) {
    const bool is_open = row.group == group && row.cost.commits > 0 && model < row.cells.size() &&
                         row.cells[model].verdict == Verdict::kUnknown;
    const bool may_wait = waiting == Waiting::kAllowed || !row.group_commit;
    return is_open && may_wait && (than == nullptr || IsCheaper(row.cost, than->cost));
  });
}

std::vector<Dominated> DominatedRows(const Comparison& comparison) {
  std::vector<Dominated> dominated;
  for (const ComparisonRow& row : comparison.rows) {
    const ComparisonRow* best = nullptr;
    for (const ComparisonRow& by : comparison.rows) {
      const bool comparable = by.group == row.group && IsKnown(by) && IsKnown(row);
      if (!comparable || !Dominates(by, row)) continue;
      if (best == nullptr || IsCheaper(by.cost, best->cost)) best = &by;
    }
    if (best != nullptr) dominated.push_back({&row, best});
  }
  return dominated;
}

}  // namespace plugpull
