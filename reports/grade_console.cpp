// The grade as a person reads it: one screen of 100 columns.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>
#include <utility>

#include "reports/console.h"
#include "reports/grade_text.h"

namespace plugpull {
namespace {

constexpr size_t kColumns = 100;
constexpr size_t kNameColumns = 9;
constexpr size_t kCellColumns = 8;
constexpr size_t kLevelsPerTable = 10;

// The name of a level over its column, in two lines. In the order of FaultLevel.
constexpr std::array<std::pair<std::string_view, std::string_view>,
                     static_cast<size_t>(kLastFaultLevel) + 1>
    kHeads = {{{"process", "kill"},
               {"ordered", "cut"},
               {"power", "cut"},
               {"torn", "write"},
               {"lying", "flush"},
               {"stale", "page"},
               {"misdir.", "write"},
               {"zeroed", "page"},
               {"sector", "tear"},
               {"bit", "rot"}}};

std::string Trimmed(std::string line) {
  while (line.ends_with(' ')) line.pop_back();
  return line + "\n";
}

std::string Fitted(const std::string& text, size_t columns) {
  if (text.size() <= columns) return text;
  return text.substr(0, columns - 3) + "...";
}

std::string Paint(const std::string& text, std::string_view code, ConsoleStyle style) {
  return style.color ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text;
}

std::string_view ColorOf(const GradeCell& cell) {
  switch (cell.state) {
    case GradeState::kUnknown:
      return "1;33";
    case GradeState::kNoneFound:
      return "32";
    case GradeState::kBroken:
      return "1;31";
    case GradeState::kBrokenBelow:
      return "31";
  }
  return "0";
}

// One line of the grid: `cell_of` says what stands in a column, already as wide as it must be.
template <typename CellOf>
std::string Row(std::span<const GradeLevel> levels, std::string_view name, const CellOf& cell_of) {
  std::string line = fmt::format("{:<{}}", name, kNameColumns);
  for (size_t i = 0; i < levels.size(); ++i) {
    const bool starts_beyond = i > 0 && levels[i - 1].legal() && !levels[i].legal();
    line += (starts_beyond ? "| " : "") + cell_of(levels[i]);
  }
  return Trimmed(line);
}

std::string Table(std::span<const GradeLevel> levels, ConsoleStyle style) {
  const auto plain = [](std::string_view text) {
    return fmt::format("{:<{}}", text, kCellColumns);
  };
  std::string text = Row(levels, "", [&](const GradeLevel& level) {
    return plain(kHeads[static_cast<size_t>(level.level)].first);
  });
  text += Row(levels, "", [&](const GradeLevel& level) {
    return plain(kHeads[static_cast<size_t>(level.level)].second);
  });
  text += Row(levels, "level", [&](const GradeLevel& level) {
    return plain(std::to_string(InfoOf(level.level).number));
  });
  for (const Promise promise : kPromises) {
    text += Row(levels, Name(promise), [&](const GradeLevel& level) {
      const GradeCell& cell = level.at(promise);
      const std::string word = CellText(cell);
      return Paint(word, ColorOf(cell), style) + std::string(kCellColumns - word.size(), ' ');
    });
  }
  return text;
}

std::string Sides(std::span<const GradeLevel> levels) {
  const auto legal = static_cast<size_t>(std::ranges::count_if(levels, &GradeLevel::legal));
  std::string line(kNameColumns, ' ');
  if (legal > 0) line += fmt::format("{:<{}}", "on a correct disk", legal * kCellColumns);
  if (legal < levels.size()) line += (legal > 0 ? "| " : "") + std::string("beyond its contract");
  return Trimmed(line);
}

// Breaks a text at blanks into lines that begin with `indent`.
std::string Wrapped(const std::string& text, const std::string& indent = "") {
  std::string result;
  std::string line;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    if (!line.empty() && indent.size() + line.size() + 1 + word.size() > kColumns) {
      result += indent + line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
    begin = end + 1;
  }
  return result + indent + line + "\n";
}

std::string GroupText(const GradeGroup& group, const std::string& out_directory,
                      ConsoleStyle style) {
  std::string text = PromisesText(group.promises);
  if (group.broken_by == nullptr) {
    return Wrapped(fmt::format("{}: none found ({})", text, group.how_far));
  }
  text += fmt::format(": broken by {}", LevelText(*group.broken_by));
  if (group.finding == nullptr) return text + "\n";
  const Finding& finding = *group.finding;
  const std::string message = Fitted(
      fmt::format("{}: {}", Name(finding.violation), Printable(finding.message)), kColumns - 2);
  text = Fitted(text, kColumns) + "\n  " + Paint(message, "31", style) + "\n";
  if (!finding.fault.empty()) text += "  " + Fitted(Printable(finding.fault), kColumns - 2) + "\n";
  if (const std::string bites = BitesText(finding); !bites.empty()) {
    text += Wrapped(bites, "  ");
  }
  // Not cut off: it is there to be pasted.
  text += fmt::format("  plugpull replay {}\n", Quoted(out_directory + "/" + finding.case_path));
  if (group.how_far == "exhaustive") return text;
  return text + "  " + Fitted("elsewhere none found: " + group.how_far, kColumns - 2) + "\n";
}

}  // namespace

std::string RenderGradeConsole(const Grade& grade, const std::string& out_directory,
                               ConsoleStyle style) {
  std::string text;
  const std::span<const GradeLevel> all(grade.levels);
  for (size_t first = 0; first < all.size(); first += kLevelsPerTable) {
    const auto levels = all.subspan(first, std::min(kLevelsPerTable, all.size() - first));
    text += Sides(levels) + Table(levels, style);
  }
  text += GradeLegend();
  for (const GradeGroup& group : GroupsOf(grade)) text += GroupText(group, out_directory, style);
  return text + Wrapped(fmt::format("{} {}", Printable(grade.result.target), Sentence(grade)));
}

std::string RenderGradeLastLine(const Grade& grade, const std::string& report_path,
                                ConsoleStyle style) {
  // The verdict is that of a correct disk; the findings are those of the whole grid.
  Result result = grade.result;
  result.findings.clear();
  // How much of what was sampled stands above.
  if (result.coverage.mode == "sampled") result.coverage.bounds.clear();
  return RenderLastLine(result, report_path, style);
}

}  // namespace plugpull
