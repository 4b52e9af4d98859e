// What `plugpull syncs` tells as Markdown, for a pull request or a wiki.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "reports/console.h"
#include "reports/sync_report.h"
#include "reports/sync_report_text.h"

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

}  // namespace

std::string RenderSyncsMarkdown(const SyncReport& report) {
  std::string text = fmt::format("# Syncs of `{}`\n\n", Printable(report.target));
  if (report.interrupted) text += "Stopped by a signal: partial results.\n\n";
  if (report.out_of_budget) text += "Stopped by its budget: partial results.\n\n";
  text += fmt::format("As it is: {}.\n\n", Printable(AsItIsText(report)));
  if (!report.missing.empty()) {
    text += "## Missing\n\n| sync | where | in this run | needed under |\n|---|---|---:|---|\n";
    for (const MissingSync& missing : report.missing) {
      text += fmt::format("| {} | {} | {} | {} |\n", Cell(missing.thing), Cell(missing.place),
                          missing.executions, NeededText(report, missing));
    }
    text += fmt::format("\nWith that: {}.\n\n", Printable(WithMissingText(report)));
  }
  for (const UnhelpedDamage& unhelped : report.unhelped) {
    text += fmt::format("- no sync helps against {} under {}: {}\n", Printable(unhelped.damage.id),
                        fmt::join(unhelped.models, ", "), unhelped.why);
  }
  if (!report.unhelped.empty()) text += "\n";
  text += "## Present\n\n";
  if (const std::string judged = JudgedText(report); !judged.empty()) text += judged + "\n\n";
  text += "| | sync | from | ran | use | protects |\n|---:|---|---|---|---|---|\n";
  for (size_t i = 0; i < report.places.size(); ++i) {
    const SyncPlaceReport& place = report.places[i];
    text += fmt::format("| {} | {} | {} | {} | {} | {} |\n", i + 1, Cell(PlaceName(place)),
                        place.frames.empty() ? "" : Cell(place.frames.front()),
                        ExecutionsText(place), Cell(UseText(place)), Cell(ProtectsText(place)));
  }
  if (!report.spare.empty()) text += "\n";
  for (const SpareSyncs& spare : report.spare) {
    text += fmt::format("- {}\n", Printable(SpareText(report, spare)));
  }
  return text;
}

}  // namespace plugpull
