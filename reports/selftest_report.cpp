#include "reports/selftest_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "reports/console.h"

namespace plugpull {
namespace {

// In the order of SelftestOutcome. What asks for somebody's attention is in capitals.
constexpr std::array<std::string_view, 6> kOutcomes = {"killed", "equivalent",  "held",
                                                       "MISSED", "FALSE ALARM", "BROKEN"};

std::string Recoveries(const SelftestRow& row) {
  return row.recoveries ? Grouped(*row.recoveries) : "-";
}

std::string OrDash(const std::string& text) { return text.empty() ? "-" : Printable(text); }

// Returns: text that stays within one cell of a Markdown table.
std::string Cell(const std::string& text) {
  std::string safe;
  for (const char c : OrDash(text)) {
    if (c == '|' || c == '\\') safe += '\\';
    safe += c;
  }
  return safe;
}

std::string Oracles(const SelftestRow& row) {
  return fmt::format("{}", fmt::join(row.oracles, " "));
}

// That nothing was found says as much as the search was whole.
std::string Outcome(const SelftestRow& row) {
  const bool is_held =
      row.outcome == SelftestOutcome::kHeld || row.outcome == SelftestOutcome::kEquivalent;
  return is_held ? fmt::format("{}, {}", Name(row.outcome), row.coverage)
                 : std::string(Name(row.outcome));
}

}  // namespace

std::string_view Name(SelftestOutcome outcome) { return kOutcomes[static_cast<size_t>(outcome)]; }

bool IsGood(SelftestOutcome outcome) { return outcome <= SelftestOutcome::kHeld; }

bool SelftestReport::passed() const {
  const bool is_good =
      std::ranges::all_of(rows, [](const SelftestRow& row) { return IsGood(row.outcome); });
  return is_good && litmus_wrong.empty() && !interrupted;
}

std::string SelftestLastLine(const SelftestReport& report) {
  const auto count = [&report](SelftestOutcome outcome) {
    return std::ranges::count(report.rows, outcome, &SelftestRow::outcome);
  };
  uint64_t recoveries = 0;
  for (const SelftestRow& row : report.rows) recoveries += row.total_recoveries;
  return fmt::format(
      "{} rows: {} killed, {} equivalent, {} held, {} missed, {} false alarms, {} broken; {} "
      "litmus cells, {} wrong; {} recoveries in {:.1f} s; selftest {}{}",
      report.rows.size(), count(SelftestOutcome::kKilled), count(SelftestOutcome::kEquivalent),
      count(SelftestOutcome::kHeld), count(SelftestOutcome::kMissed),
      count(SelftestOutcome::kFalseAlarm), count(SelftestOutcome::kBroken), report.litmus_cells,
      report.litmus_wrong.size(), Grouped(recoveries), report.elapsed_s,
      report.passed() ? "passed" : "FAILED", report.interrupted ? " (stopped by a signal)" : "");
}

std::string RenderSelftestConsole(const SelftestReport& report) {
  using Line = std::array<std::string, 6>;
  std::vector<Line> lines = {
      {"mutant", "first schedule", "recoveries", "level", "outcome", "oracles"}};
  for (const SelftestRow& row : report.rows) {
    lines.push_back({row.name, OrDash(row.first_schedule), Recoveries(row), OrDash(row.level),
                     Outcome(row), OrDash(Oracles(row))});
  }
  std::array<size_t, 6> widths{};
  for (const Line& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  std::string text;
  for (const Line& line : lines) {
    text +=
        fmt::format("{:<{}}  {:<{}}  {:>{}}  {:<{}}  {:<{}}  {}\n", line[0], widths[0], line[1],
                    widths[1], line[2], widths[2], line[3], widths[3], line[4], widths[4], line[5]);
  }
  for (const SelftestRow& row : report.rows) {
    if (IsGood(row.outcome)) continue;
    text += fmt::format("\n{} {} ({}): {}\n  {}, {}\n", Name(row.outcome), row.name,
                        Printable(row.bug), Printable(row.note), row.target, row.run);
  }
  for (const std::string& wrong : report.litmus_wrong) {
    text += fmt::format("\nWRONG litmus test {}\n", Printable(wrong));
  }
  return text + "\n" + SelftestLastLine(report) + "\n";
}

std::string RenderSelftestMarkdown(const SelftestReport& report) {
  std::string text =
      "| | what it is | run | first schedule | recoveries | oracles | level | outcome |\n"
      "|---|---|---|---|---:|---|---|---|\n";
  for (const SelftestRow& row : report.rows) {
    text += fmt::format("| {} | {} | `{}`, {} | {} | {} | {} | {} | {} |\n", Cell(row.name),
                        Cell(row.bug), row.target, Cell(row.run), Cell(row.first_schedule),
                        Recoveries(row), Cell(Oracles(row)), Cell(row.level), Outcome(row));
  }
  std::string notes;
  for (const SelftestRow& row : report.rows) {
    if (!row.message.empty()) {
      notes += fmt::format("- {}: `{}`\n", Cell(row.name), Printable(row.message));
    }
    if (!row.note.empty()) notes += fmt::format("- {}: {}\n", Cell(row.name), Printable(row.note));
  }
  if (!notes.empty()) text += "\n" + notes;
  for (const std::string& wrong : report.litmus_wrong) text += fmt::format("- WRONG: {}\n", wrong);
  return text + "\n" + SelftestLastLine(report) + "\n";
}

}  // namespace plugpull
