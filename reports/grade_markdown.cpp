// The grade as Markdown, for a README, a pull request or a wiki.
#include <fmt/format.h>

#include "reports/console.h"
#include "reports/grade_text.h"

namespace plugpull {
namespace {

// Returns: text that stays within one cell of a table and starts no markup.
std::string Plain(std::string_view text) {
  std::string safe;
  for (const char c : Printable(text)) {
    if (std::string_view("|\\`*_<>[]").find(c) != std::string_view::npos) safe += '\\';
    safe += c;
  }
  return safe;
}

std::string CellMarkdown(const GradeCell& cell) {
  switch (cell.state) {
    case GradeState::kUnknown:
      return "?";
    case GradeState::kNoneFound:
      if (cell.mode == "exhaustive") return "held";
      return fmt::format("held ({})", cell.mode);
    case GradeState::kBroken:
      return cell.finding ? fmt::format("**{}**", Name(cell.finding->violation)) : "**broken**";
    case GradeState::kBrokenBelow:
      return "broken";
  }
  return "?";
}

std::string Table(const Grade& grade) {
  std::string head = "| promise |";
  std::string rule = "|---|";
  for (const GradeLevel& level : grade.levels) {
    head += fmt::format(" {} {}{} |", InfoOf(level.level).number, Plain(level.fault),
                        level.legal() ? "" : " †");
    rule += "---|";
  }
  std::string text = head + "\n" + rule + "\n";
  for (const Promise promise : kPromises) {
    text += fmt::format("| {} |", Name(promise));
    for (const GradeLevel& level : grade.levels) {
      text += fmt::format(" {} |", CellMarkdown(level.at(promise)));
    }
    text += "\n";
  }
  return text;
}

std::string GroupText(const GradeGroup& group) {
  const std::string promises = PromisesText(group.promises);
  if (group.broken_by == nullptr) {
    return fmt::format("- {}: none found ({})\n", promises, Plain(group.how_far));
  }
  std::string text =
      fmt::format("- {}: broken by {}", promises, Plain(LevelText(*group.broken_by)));
  if (group.finding != nullptr) {
    const Finding& finding = *group.finding;
    text += fmt::format(": {}, {}", Name(finding.violation), Plain(finding.message));
    if (!finding.fault.empty()) text += fmt::format("; {}", Plain(finding.fault));
    if (const std::string bites = BitesText(finding); !bites.empty()) text += "; " + Plain(bites);
    text += fmt::format(" (`{}`)", Printable(finding.case_path));
  }
  if (group.how_far != "exhaustive") {
    text += fmt::format("; elsewhere none found: {}", Plain(group.how_far));
  }
  return text + "\n";
}

}  // namespace

std::string RenderGradeMarkdown(const Grade& grade) {
  const Result& result = grade.result;
  std::string text = fmt::format("## Grade of `{}`\n\n", Printable(result.target));
  if (result.interrupted) text += "Stopped by a signal: partial results.\n\n";
  text += Table(grade);
  text += fmt::format(
      "\n† beyond the disk's contract. **Bold**: broken by this fault; broken: already by a weaker "
      "one\nthat a correct disk may show. Model `{}`, tear {}, seed {}, {} transactions, {} "
      "recoveries.\n\n",
      Printable(result.model), result.tear, result.seed, result.trace.transactions,
      Grouped(result.coverage.recoveries));
  for (const GradeGroup& group : GroupsOf(grade)) text += GroupText(group);
  return text + fmt::format("\n`{}` {}\n", Printable(result.target), Plain(Sentence(grade)));
}

}  // namespace plugpull
