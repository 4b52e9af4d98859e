// An explanation as a person reads it on a terminal.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "faults/trace/call_site.h"
#include "reports/explanation.h"

namespace plugpull {
namespace {

constexpr size_t kWidth = 100;
constexpr size_t kWhatWidth = 42;
constexpr size_t kRowStart = 26;  // the columns before what an operation did

constexpr std::array<std::string_view, static_cast<size_t>(RowMark::kMissing) + 1> kMarks = {
    "",     "before", "durable", "gone",    "kept",  "LOST",      "TORN",
    "PART", "sync",   "begin",   "promise", "CRASH", "not shown", "MISSING"};

std::string Paint(std::string_view text, RowMark mark, ConsoleStyle style) {
  const bool is_bad = mark == RowMark::kLost || mark == RowMark::kTorn ||
                      mark == RowMark::kPartly || mark == RowMark::kCrash;
  if (!style.color || (!is_bad && mark != RowMark::kMissing)) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", is_bad ? "1;31" : "1;33", text);
}

// Returns: the text in lines that fit, each after `indent` spaces. Words that are too long for a
// line are cut.
std::string Wrapped(std::string_view text, size_t indent) {
  const std::string margin(indent, ' ');
  const size_t room = kWidth - indent;
  std::string lines;
  std::string line;
  while (!text.empty()) {
    const size_t space = text.find(' ');
    std::string_view word = text.substr(0, space);
    text = space == std::string_view::npos ? "" : text.substr(space + 1);
    if (!line.empty() && line.size() + 1 + word.size() > room) {
      lines += margin + line + "\n";
      line.clear();
    }
    if (!line.empty()) line += ' ';
    for (; word.size() > room; word.remove_prefix(room)) {
      lines += margin + std::string(word.substr(0, room)) + "\n";
    }
    line += word;
  }
  return line.empty() ? lines : lines + margin + line + "\n";
}

std::string RowText(const TimelineRow& row, ConsoleStyle style) {
  const std::string what = Printable(row.what);
  if (row.mark == RowMark::kCrash) return Paint(Wrapped("===== " + what, 2), row.mark, style);
  if (row.mark == RowMark::kLeftOut) return Wrapped("... " + what, 6);
  const std::string number = row.is_operation ? fmt::format("{}", row.number) : "";
  const std::string transaction =
      row.transaction == 0 || !row.is_operation ? "" : fmt::format("{}", row.transaction);
  std::string text = fmt::format("{:>9} {:>5}  {} ", number, transaction,
                                 Paint(fmt::format("{:<7}", Name(row.mark)), row.mark, style));
  const std::string fate = Printable(row.fate);
  const bool fits = what.size() <= kWhatWidth && kRowStart + kWhatWidth + 1 + fate.size() <= kWidth;
  if (fits && !fate.empty()) {
    text += fmt::format("{:<{}} {}\n", what, kWhatWidth, fate);
  } else {
    text += Wrapped(what, kRowStart).substr(std::min(kRowStart, what.size() + kRowStart));
    if (!fate.empty()) text += Wrapped("- " + fate, kRowStart + 2);
  }
  const bool names_site =
      row.mark == RowMark::kLost || row.mark == RowMark::kTorn || row.mark == RowMark::kPartly;
  if (names_site && !row.site.empty()) {
    text += Wrapped("called by " + Printable(NameOf(CallSite{row.site})), kRowStart + 2);
  }
  return text;
}

std::string KeysText(const CaseExplanation& explanation) {
  if (explanation.keys.empty()) return "";
  std::string text = fmt::format("\nKeys that differ from {} ({})\n", explanation.expected_state,
                                 explanation.keys_differing);
  for (const KeyRow& key : explanation.keys) {
    text += Wrapped(
        Printable(fmt::format("{}: found {}; expected {}", key.key, key.found, key.expected)), 2);
  }
  if (explanation.keys_differing > explanation.keys.size()) {
    text += fmt::format("  and {} more\n", explanation.keys_differing - explanation.keys.size());
  }
  return text;
}

}  // namespace

std::string_view Name(RowMark mark) { return kMarks[static_cast<size_t>(mark)]; }

std::string Summary(const CaseExplanation& explanation) {
  std::string text;
  for (const std::string* part : {&explanation.promised, &explanation.lost, &explanation.recovered,
                                  &explanation.wrong, &explanation.missing}) {
    if (part->empty()) continue;
    if (!text.empty()) text += ' ';
    text += *part;
  }
  return text;
}

std::string RenderExplanationConsole(const CaseExplanation& explanation, ConsoleStyle style) {
  std::string text = Wrapped(
      Printable(fmt::format("{}: {} of {}, under the model {}", explanation.id,
                            Name(explanation.violation), explanation.target, explanation.model)),
      0);
  if (!explanation.is_reproduced) {
    text += Wrapped(Printable(fmt::format("NOT SEEN HERE. Instead: {}. What follows is what the "
                                          "case says and what is seen now.",
                                          explanation.instead)),
                    0);
  }
  for (const std::string* part : {&explanation.promised, &explanation.lost, &explanation.recovered,
                                  &explanation.wrong, &explanation.missing}) {
    if (!part->empty()) text += "\n" + Wrapped(Printable(*part), 2);
  }
  if (!explanation.timeline.empty()) {
    text += "\nWhat was issued, and what became of it by the crash\n";
    text += fmt::format("{:>9} {:>5}  {:<7} {:<{}} {}\n", "operation", "trans", "fate",
                        "what the program did", kWhatWidth, "why");
    for (const TimelineRow& row : explanation.timeline) text += RowText(row, style);
  }
  if (!explanation.recovery.empty()) {
    text += "\nWhat recovery did then\n";
    for (const std::string& step : explanation.recovery) text += Wrapped(Printable(step), 2);
  }
  return text + KeysText(explanation);
}

}  // namespace plugpull
