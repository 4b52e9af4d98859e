// The comparison as Markdown, for a pull request or a wiki.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "reports/comparison_text.h"
#include "reports/console.h"

namespace plugpull {
namespace {

// Returns: text that stays within one cell of a table.
std::string Cell(std::string_view text) {
  std::string safe;
  for (const char c : Printable(text)) {
    if (c == '|' || c == '\\') safe += '\\';
    safe += c;
  }
  return safe;
}

std::string Table(const Comparison& comparison) {
  std::string head = "| strategy | syncs | writes | bytes |";
  std::string rule = "|---|---:|---:|---:|";
  for (const std::string& model : comparison.models) {
    head += fmt::format(" {} |", Cell(model));
    rule += "---|";
  }
  std::string text = head + "\n" + rule + "\n";
  for (const ComparisonRow& row : comparison.rows) {
    text += fmt::format("| {} | {} | {} | {} |", Cell(row.name), SyncsText(row.cost),
                        WritesText(row.cost), BytesText(row.cost));
    for (const ComparisonCell& cell : row.cells) {
      const std::string_view mark = cell.verdict == Verdict::kHeld ? "**" : "";
      text += fmt::format(" {}{}{} |", mark, CellText(cell), mark);
    }
    text += "\n";
  }
  return text;
}

}  // namespace

std::string RenderComparisonMarkdown(const Comparison& comparison) {
  std::string text = fmt::format(
      "# Strategies and persistence models\n\nPromise `{}`; workload `{}`, {} transactions, {} "
      "keys, "
      "seed {}. Syncs, writes and bytes are\nfor each commit.\n\n",
      Name(comparison.promise), comparison.workload, comparison.transactions, comparison.keys,
      comparison.seed);
  if (comparison.interrupted) text += "Stopped by a signal: partial results.\n\n";
  if (comparison.out_of_budget) text += "Stopped by its budget: partial results.\n\n";
  text += Table(comparison) + "\n";
  for (const std::string& line : Legend(comparison)) text += line + "\n";
  text += fmt::format(
      "\n## Cheapest that keeps `{}`\n\n| models | protocol | without group commit | engine "
      "|\n|---|---|---|---|\n",
      Name(comparison.promise));
  for (const CheapestChoice& choice : CheapestChoices(comparison)) {
    text += fmt::format("| {} | {} | {} | {} |\n",
                        Cell(fmt::format("{}", fmt::join(choice.models, ", "))),
                        ChoiceText(choice.protocol), ChoiceText(choice.without_group_commit),
                        ChoiceText(choice.engine));
  }
  const std::vector<Dominated> dominated = DominatedRows(comparison);
  if (dominated.empty()) return text;
  text +=
      "\n## No reason to choose\n\nAnother strategy is at least as safe under every model shown, "
      "no dearer, and better in something.\n\n";
  for (const Dominated& pair : dominated) {
    text += fmt::format("- {}: see {}\n", pair.row->name, pair.by->name);
  }
  return text;
}

}  // namespace plugpull
