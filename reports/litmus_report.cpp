#include "reports/litmus_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "faults/persistence/model_text.h"
#include "reports/console.h"

namespace plugpull {
namespace {

using nlohmann::ordered_json;

std::vector<LitmusDifference> AllDifferences(const LitmusTable& table) {
  std::vector<LitmusDifference> all;
  for (const LitmusRow& row : table.rows) {
    for (LitmusDifference& difference : Differences(table, row)) {
      all.push_back(std::move(difference));
    }
  }
  return all;
}

std::string WithoutBlanksAtTheEnd(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string RenderRows(const LitmusTable& table) {
  size_t name_width = 0;
  size_t title_width = 3;
  size_t outcome_width = 7;
  for (const LitmusRow& row : table.rows) {
    name_width = std::max(name_width, row.litmus->name.size());
    title_width = std::max(title_width, row.litmus->title.size());
    outcome_width = std::max(outcome_width, row.litmus->outcome.size());
  }
  const auto line_of = [&](std::string_view name, std::string_view title,
                           std::string_view outcome) {
    return fmt::format("{:{}}  {:{}}  {:{}} ", name, name_width, title, title_width, outcome,
                       outcome_width);
  };
  std::string line = line_of("", "ops", "outcome");
  for (const LitmusColumn& column : table.columns) line += " " + column.heading;
  std::string text = WithoutBlanksAtTheEnd(line);
  for (const LitmusRow& row : table.rows) {
    line = line_of(Printable(row.litmus->name), Printable(row.litmus->title),
                   Printable(row.litmus->outcome));
    for (size_t i = 0; i < row.cells.size(); ++i) {
      line += fmt::format(" {:{}}", static_cast<char>(row.cells[i].mark),
                          table.columns[i].heading.size());
    }
    text += WithoutBlanksAtTheEnd(line);
  }
  return text;
}

std::string RenderLegend(const LitmusTable& table) {
  std::string text =
      "\nA  allowed: some crash state shows the outcome    -  forbidden: none does\n"
      "k  a parameter decides that is uncertain or a choice    h  allowed, but usually hidden\n";
  for (const LitmusColumn& column : table.columns) {
    text += fmt::format("{:4} {}\n", column.heading, ModelText(*column.model));
  }
  return text;
}

std::string RenderWitnesses(const LitmusTable& table) {
  std::string text = "\n";
  for (const LitmusRow& row : table.rows) {
    for (size_t i = 0; i < row.cells.size(); ++i) {
      const LitmusCell& cell = row.cells[i];
      if (!cell.witness.empty()) {
        text += fmt::format("{} {}: {}\n", Printable(row.litmus->name), table.columns[i].heading,
                            Printable(cell.witness));
      }
      if (!cell.depends_on.empty()) {
        text += fmt::format("{} {}: {} under {}\n", Printable(row.litmus->name),
                            table.columns[i].heading, cell.allowed ? "forbidden" : "allowed",
                            cell.depends_on);
      }
      const auto hidden = row.litmus->hidden.find(table.columns[i].model->name);
      if (hidden != row.litmus->hidden.end() && cell.mark == Mark::kHidden) {
        text += fmt::format("{} {}: hidden: {}\n", Printable(row.litmus->name),
                            table.columns[i].heading, Printable(hidden->second.text));
      }
    }
  }
  return text;
}

}  // namespace

std::string RenderLitmusTable(const LitmusTable& table, bool explain) {
  std::string text = RenderRows(table) + RenderLegend(table);
  if (explain) text += RenderWitnesses(table);
  const std::vector<LitmusDifference> differences = AllDifferences(table);
  if (!differences.empty()) text += "\nnot as expected:\n";
  for (const LitmusDifference& difference : differences) {
    text += fmt::format("{} {}: {}{}{}\n", Printable(difference.row), difference.column,
                        difference.text, difference.reason.empty() ? "" : ": ",
                        Printable(difference.reason));
  }
  const auto unexplained = std::ranges::count_if(
      differences, [](const LitmusDifference& difference) { return difference.reason.empty(); });
  std::string verdict = "all as expected";
  if (unexplained > 0) {
    verdict = fmt::format("{} not as expected", unexplained);
  } else if (!differences.empty()) {
    verdict = fmt::format("all as expected but {}, for the reasons above", differences.size());
  }
  text += fmt::format("\n{} {} x {} {}: {} cells computed, {}\n", table.rows.size(),
                      table.rows.size() == 1 ? "row" : "rows", table.columns.size(),
                      table.columns.size() == 1 ? "model" : "models",
                      table.rows.size() * table.columns.size(), verdict);
  return text;
}

std::string RenderLitmusJson(const LitmusTable& table) {
  ordered_json models = ordered_json::array();
  for (const LitmusColumn& column : table.columns) models.push_back(ModelText(*column.model));
  ordered_json rows = ordered_json::array();
  for (const LitmusRow& row : table.rows) {
    const Litmus& litmus = *row.litmus;
    ordered_json cells = ordered_json::object();
    for (size_t i = 0; i < row.cells.size(); ++i) {
      const LitmusCell& cell = row.cells[i];
      cells[ModelText(*table.columns[i].model)] = {
          {"mark", std::string(1, static_cast<char>(cell.mark))},
          {"allowed", cell.allowed},
          {"depends_on", cell.depends_on},
          {"witness", cell.witness}};
    }
    ordered_json expected = ordered_json::object();
    for (const auto& [model, mark] : litmus.expected) {
      expected[model] = std::string(1, static_cast<char>(mark));
    }
    const std::vector<LitmusDifference> found = Differences(table, row);
    ordered_json differences = ordered_json::array();
    for (const LitmusDifference& difference : found) {
      differences.push_back({{"column", difference.column},
                             {"what", difference.text},
                             {"reason", difference.reason}});
    }
    rows.push_back({{"name", litmus.name},
                    {"title", litmus.title},
                    {"outcome", litmus.outcome},
                    {"source", litmus.source},
                    {"note", litmus.note},
                    {"cells", cells},
                    {"expected", expected},
                    {"agrees", found.empty()},
                    {"differences", differences}});
  }
  const ordered_json json = {{"schema", "plugpull.litmus/1"}, {"models", models}, {"rows", rows}};
  // A file of the user's may hold bytes that are no text.
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

bool IsAsExpected(const LitmusTable& table) {
  return std::ranges::none_of(AllDifferences(table), [](const LitmusDifference& difference) {
    return difference.reason.empty();
  });
}

}  // namespace plugpull
