// An explanation as Markdown, for issues and pull requests.
#include <fmt/format.h>

#include "faults/trace/call_site.h"
#include "reports/explanation.h"

namespace plugpull {
namespace {

// Text in a table: nothing of it may end a cell, begin markup or be obeyed by a terminal.
std::string Cell(std::string_view text) {
  std::string cell;
  for (const char c : Printable(text)) {
    if (std::string_view("|\\`*_<>[]#").find(c) != std::string_view::npos) cell += '\\';
    cell += c;
  }
  return cell;
}

}  // namespace

std::string RenderExplanationMarkdown(const CaseExplanation& explanation) {
  std::string text =
      fmt::format("# {}: {} of {}\n\nUnder the model {}.\n\n", Cell(explanation.id),
                  Name(explanation.violation), Cell(explanation.target), Cell(explanation.model));
  if (!explanation.is_reproduced) {
    text += fmt::format("**Not seen here. Instead: {}.**\n\n", Cell(explanation.instead));
  }
  for (const std::string* part : {&explanation.promised, &explanation.lost, &explanation.recovered,
                                  &explanation.wrong, &explanation.missing}) {
    if (!part->empty()) text += Cell(*part) + "\n\n";
  }
  if (!explanation.timeline.empty()) {
    text +=
        "| operation | transaction | fate | what the program did | why | called by |\n"
        "|---:|---:|---|---|---|---|\n";
  }
  for (const TimelineRow& row : explanation.timeline) {
    text += fmt::format(
        "| {} | {} | {} | {} | {} | {} |\n", row.is_operation ? fmt::format("{}", row.number) : "",
        row.is_operation && row.transaction != 0 ? fmt::format("{}", row.transaction) : "",
        Name(row.mark), Cell(row.what), Cell(row.fate),
        row.site.empty() ? "" : Cell(NameOf(CallSite{row.site})));
  }
  if (!explanation.recovery.empty()) text += "\n## What recovery did then\n\n";
  for (const std::string& step : explanation.recovery) text += "- " + Cell(step) + "\n";
  if (explanation.keys.empty()) return text;
  text += fmt::format(
      "\n## Keys that differ from {} ({})\n\n| key | found | expected |\n|---|---|---|\n",
      explanation.expected_state, explanation.keys_differing);
  for (const KeyRow& key : explanation.keys) {
    text += fmt::format("| {} | {} | {} |\n", Cell(key.key), Cell(key.found), Cell(key.expected));
  }
  return text;
}

}  // namespace plugpull
