// The comparison as a person reads it on a terminal of 100 columns.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "reports/comparison_text.h"
#include "reports/console.h"

namespace plugpull {
namespace {

constexpr size_t kColumns = 100;
constexpr size_t kModelsPerTable = 8;
constexpr size_t kCellColumns = 9;  // "durable~" and a blank

// Heads that fit over a cell, for the models whose names do not.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kShortNames = {{
    {"posix-minimal", "posix"},
    {"ext4-writeback", "ext4-wb"},
    {"ext4-ordered", "ext4"},
    {"ext4-ordered-classic", "ext4-old"},
    {"ext4-journal", "ext4-jnl"},
}};

std::string Head(const std::string& model, size_t index) {
  const auto found =
      std::ranges::find(kShortNames, model, &std::pair<std::string_view, std::string_view>::first);
  if (found != kShortNames.end()) return std::string(found->second);
  return model.size() < kCellColumns ? model : fmt::format("model-{}", index + 1);
}

size_t NameColumns(const Comparison& comparison) {
  size_t columns = 0;
  for (const ComparisonRow& row : comparison.rows) columns = std::max(columns, row.name.size());
  return columns + 1;
}

std::string Trimmed(std::string line) {
  while (line.ends_with(' ')) line.pop_back();
  return line + "\n";
}

// One line for each strategy, with an empty line between the groups.
template <typename LineOf>
std::string Lines(const Comparison& comparison, const LineOf& line_of) {
  std::string text;
  for (size_t i = 0; i < comparison.rows.size(); ++i) {
    const ComparisonRow& row = comparison.rows[i];
    if (i > 0 && comparison.rows[i - 1].group != row.group) text += "\n";
    text += Trimmed(line_of(row));
  }
  return text;
}

std::string Matrix(const Comparison& comparison, size_t first, size_t last) {
  const size_t name_columns = NameColumns(comparison);
  std::string head(name_columns, ' ');
  for (size_t model = first; model < last; ++model) {
    head += fmt::format("{:<{}}", Head(comparison.models[model], model), kCellColumns);
  }
  return Trimmed(head) + Lines(comparison, [&](const ComparisonRow& row) {
           std::string line = fmt::format("{:<{}}", row.name, name_columns);
           for (size_t model = first; model < last; ++model) {
             line += fmt::format("{:<{}}", CellText(row.cells[model]), kCellColumns);
           }
           return line;
         });
}

std::string Costs(const Comparison& comparison) {
  const size_t name_columns = NameColumns(comparison);
  return fmt::format("{:<{}}{:>6}{:>8}{:>9}{:>8}  {}\n", "a commit", name_columns, "syncs",
                     "writes", "bytes", "amplif.", "what it does") +
         Lines(comparison, [&](const ComparisonRow& row) {
           return fmt::format("{:<{}}{:>6}{:>8}{:>9}{:>8}  {}", row.name, name_columns,
                              SyncsText(row.cost), WritesText(row.cost), BytesText(row.cost),
                              AmplificationText(row.cost), row.description)
               .substr(0, kColumns);
         });
}

std::string Heads(const Comparison& comparison) {
  std::string text;
  for (size_t model = 0; model < comparison.models.size(); ++model) {
    const std::string head = Head(comparison.models[model], model);
    if (head == comparison.models[model]) continue;
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", head,
                        Printable(comparison.models[model]));
  }
  return text.empty() ? "" : text + ".";
}

// Breaks a line of words at blanks; what follows is indented.
std::string Wrapped(const std::string& text) {
  constexpr std::string_view kIndent = "    ";
  std::string result;
  std::string line;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    if (line.size() + 1 + word.size() > kColumns && line.size() > kIndent.size()) {
      result += Trimmed(line);
      line = kIndent;
    } else if (begin > 0) {
      line += ' ';
    }
    line += word;
    begin = end + 1;
  }
  return result + Trimmed(line);
}

std::string Conclusions(const Comparison& comparison) {
  std::string text = fmt::format("Cheapest that keeps {}, by syncs, then bytes, then writes:\n",
                                 Name(comparison.promise));
  for (const CheapestChoice& choice : CheapestChoices(comparison)) {
    text +=
        Wrapped(fmt::format("  {}:", Printable(fmt::format("{}", fmt::join(choice.models, ", ")))));
    if (HasGroup(comparison, StrategyGroup::kProtocols)) {
      text += fmt::format("    of the protocols  {}\n", ChoiceText(choice.protocol));
    }
    if (choice.without_group_commit != choice.protocol) {
      text += fmt::format("      no group commit {}\n", ChoiceText(choice.without_group_commit));
    }
    if (HasGroup(comparison, StrategyGroup::kEngines)) {
      text += fmt::format("    of the engines    {}\n", ChoiceText(choice.engine));
    }
  }
  const std::vector<Dominated> dominated = DominatedRows(comparison);
  if (dominated.empty()) return text;
  text +=
      "\nNo reason to choose (another is as safe under every model shown, no dearer, and better "
      "in\nsomething):\n";
  std::string pairs;
  for (const Dominated& pair : dominated) {
    pairs +=
        fmt::format("{}{} (see {})", pairs.empty() ? "  " : ", ", pair.row->name, pair.by->name);
  }
  return text + Wrapped(pairs);
}

}  // namespace

std::string RenderComparisonConsole(const Comparison& comparison) {
  std::string text;
  for (size_t first = 0; first < comparison.models.size(); first += kModelsPerTable) {
    const size_t last = std::min(comparison.models.size(), first + kModelsPerTable);
    text += Matrix(comparison, first, last) + "\n";
  }
  for (const std::string& line : Legend(comparison)) text += Wrapped(line);
  if (const std::string heads = Heads(comparison); !heads.empty()) text += Wrapped(heads);
  text += "\n" + Costs(comparison) + Wrapped(CostLegend()) + "\n" + Conclusions(comparison);
  return text;
}

}  // namespace plugpull
