// The comparison as JSON, schema plugpull.compare/1. What the search says of a cell is under
// `modelled`, so that what is measured on a real file system can stand beside it.
#include <nlohmann/json.hpp>

#include "reports/comparison.h"
#include "reports/comparison_text.h"

namespace plugpull {
namespace {

using nlohmann::ordered_json;

template <typename T>
ordered_json NameOrNull(const std::optional<T>& value) {
  return value ? ordered_json(Name(*value)) : ordered_json(nullptr);
}

ordered_json NameOrNull(const ComparisonRow* row) {
  return row != nullptr ? ordered_json(row->name) : ordered_json(nullptr);
}

ordered_json ToJson(const ComparisonCell& cell) {
  ordered_json classes = ordered_json::array();
  for (const ViolationClass violation : cell.classes) classes.push_back(Name(violation));
  const std::string_view coverage = cell.exhaustive ? "exhaustive" : "bounded";
  return {{"verdict", Name(cell.verdict)},
          {"kept", NameOrNull(cell.kept)},
          {"broken_by", NameOrNull(cell.broken_by)},
          {"fault_level", cell.broken_by ? ordered_json(static_cast<int>(*cell.broken_by))
                                         : ordered_json(nullptr)},
          {"classes", classes},
          {"coverage", coverage},
          {"implied", cell.implied},
          {"recoveries", cell.recoveries},
          {"case", cell.case_path.empty() ? ordered_json(nullptr) : ordered_json(cell.case_path)},
          {"unknown", cell.unknown.empty() ? ordered_json(nullptr) : ordered_json(cell.unknown)}};
}

ordered_json ToJson(const CommitCost& cost) {
  const double amplification =
      cost.changed_bytes == 0
          ? 0
          : static_cast<double>(cost.bytes) / static_cast<double>(cost.changed_bytes);
  return {{"commits", cost.commits},
          {"syncs", cost.syncs},
          {"writes", cost.writes},
          {"bytes", cost.bytes},
          {"changed_bytes", cost.changed_bytes},
          {"syncs_per_commit", PerCommit(cost.syncs, cost)},
          {"writes_per_commit", PerCommit(cost.writes, cost)},
          {"bytes_per_commit", PerCommit(cost.bytes, cost)},
          {"write_amplification", amplification}};
}

}  // namespace

std::string RenderComparisonJson(const Comparison& comparison) {
  ordered_json rows = ordered_json::array();
  for (const ComparisonRow& row : comparison.rows) {
    ordered_json cells = ordered_json::array();
    for (size_t model = 0; model < row.cells.size(); ++model) {
      cells.push_back(
          {{"model", comparison.models[model]}, {"modelled", ToJson(row.cells[model])}});
    }
    rows.push_back({{"name", row.name},
                    {"group", Name(row.group)},
                    {"description", row.description},
                    {"target", row.target},
                    {"group_commit", row.group_commit},
                    {"cost", ToJson(row.cost)},
                    {"cells", cells}});
  }
  ordered_json cheapest = ordered_json::array();
  for (size_t model = 0; model < comparison.models.size(); ++model) {
    ordered_json entry = {{"model", comparison.models[model]}};
    ordered_json unsettled = ordered_json::array();
    const auto add = [&](const std::string& key, StrategyGroup group, Waiting waiting) {
      const StrategyChoice choice = ChoiceOf(comparison, model, group, waiting);
      entry[key] = NameOrNull(choice.row);
      if (!choice.is_settled) unsettled.push_back(key);
    };
    for (const StrategyGroup group : {StrategyGroup::kProtocols, StrategyGroup::kEngines}) {
      add(std::string(Name(group)), group, Waiting::kAllowed);
    }
    add("protocols_without_group_commit", StrategyGroup::kProtocols, Waiting::kNever);
    entry["unsettled"] = unsettled;
    cheapest.push_back(entry);
  }
  ordered_json dominated = ordered_json::array();
  for (const Dominated& pair : DominatedRows(comparison)) {
    dominated.push_back({{"strategy", pair.row->name}, {"by", pair.by->name}});
  }
  const ordered_json json = {{"schema", "plugpull.compare/1"},
                             {"command", "compare"},
                             {"version", comparison.version},
                             {"commit", comparison.commit},
                             {"workload", comparison.workload},
                             {"seed", comparison.seed},
                             {"transactions", comparison.transactions},
                             {"keys", comparison.keys},
                             {"tear", comparison.tear},
                             {"promise", Name(comparison.promise)},
                             {"models", comparison.models},
                             {"recoveries", comparison.recoveries},
                             {"interrupted", comparison.interrupted},
                             {"out_of_budget", comparison.out_of_budget},
                             {"elapsed_s", comparison.elapsed_s},
                             {"strategies", rows},
                             {"cheapest", cheapest},
                             {"dominated", dominated}};
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace plugpull
