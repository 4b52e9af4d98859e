#include "reports/console.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

#include "reports/model_labels.h"

namespace plugpull {
namespace {

constexpr size_t kMostLostLines = 6;

std::string Paint(std::string_view text, std::string_view code, ConsoleStyle style) {
  if (!style.color) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::string States(const Coverage& coverage) {
  const std::string about = coverage.states.size() <= 15
                                ? Grouped(std::stoull(coverage.states))
                                : fmt::format("10^{:.1f}", coverage.states_log10);
  return coverage.states_exact ? about : "at least " + about;
}

}  // namespace

std::string Quoted(const std::string& path) {
  const bool plain = std::ranges::all_of(path, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("/._-+:=,@%").find(c) != std::string_view::npos;
  });
  if (plain) return path;
  std::string quoted = "'";
  for (const char c : path) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string Printable(std::string_view text) {
  std::string printable;
  unsigned char before = 0;
  for (const char c : text) {
    const unsigned char byte = static_cast<unsigned char>(c);
    // U+0080 to U+009F, which UTF-8 writes as 0xc2 and this byte, are control characters too.
    const bool is_c1 = before == 0xc2 && byte >= 0x80 && byte < 0xa0;
    if (is_c1) printable.pop_back();
    printable.push_back(byte < 0x20 || byte == 0x7f || is_c1 ? '?' : c);
    before = byte;
  }
  return printable;
}

std::string Grouped(uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text.push_back(',');
    text.push_back(digits[i]);
  }
  return text;
}

std::string RenderFindings(const Result& result, const std::string& out_directory,
                           ConsoleStyle style) {
  std::string text;
  for (const Finding& finding : result.findings) {
    text += fmt::format("{}  {}\n", Paint(Name(finding.violation), "1;31", style),
                        Printable(finding.message));
    if (finding.cycle > 1) {
      text += fmt::format("  when       in cycle {}{}\n", finding.cycle,
                          finding.in_use ? ", while the store was used after the crash below"
                                         : ", on a store that has survived crashes");
    }
    text += fmt::format(
        "  crash      after operation {}; transaction {} acknowledged, {} attempted\n",
        finding.crash_point, finding.transactions_acknowledged, finding.transactions_attempted);
    for (size_t i = 0; i < finding.lost.size() && i < kMostLostLines; ++i) {
      text += fmt::format("  {:<10} {}\n", i == 0 ? "lost" : "", Printable(finding.lost[i]));
    }
    if (finding.lost.size() > kMostLostLines) {
      text += fmt::format("  {:<10} and {} more\n", "", finding.lost.size() - kMostLostLines);
    }
    if (finding.lost.empty()) text += "  lost       nothing\n";
    text += fmt::format("  needs      {}{}\n", Name(finding.fault_level),
                        InfoOf(finding.fault_level).legal ? "" : ", beyond the disk's contract");
    if (!finding.fault.empty()) {
      text += fmt::format("  fault      {}\n", Printable(finding.fault));
    }
    if (!finding.errors.empty()) text += fmt::format("  errors     {}\n", finding.errors);
    if (!finding.recoverability.empty()) {
      text += fmt::format("  recover    {}\n", Printable(finding.recoverability));
    }
    text += fmt::format("  models     {}\n", DescribeModels(finding));
    text += fmt::format("  seen       {} times\n", Grouped(finding.count));
    text += fmt::format("  reproduce  plugpull replay {}\n\n",
                        Quoted(out_directory + "/" + finding.case_path));
  }
  return text;
}

std::string RenderModels(const Result& result) {
  const std::string verdicts = DescribeVerdicts(result);
  return verdicts.empty() ? "" : verdicts + "\n";
}

std::string RenderFaults(const Result& result) {
  std::string text;
  for (const FaultTally& tally : result.faults_fired) {
    text += fmt::format("{}: fired in {} of {} instances ({} there are), {} recoveries; {}\n",
                        Printable(tally.fault), Grouped(tally.fired), Grouped(tally.instances),
                        Grouped(tally.of), Grouped(tally.recoveries),
                        InfoOf(tally.level).legal ? "legal" : "beyond the disk's contract");
  }
  return text;
}

std::string RenderRecoverability(const Result& result) {
  std::string text;
  for (const RecoverabilityTally& tally : result.recoverability) {
    text += fmt::format("{:>8}  {}", Grouped(tally.images), Printable(tally.name));
    if (tally.transactions_lost > 0) {
      text += fmt::format(
          ", {:.1f} acknowledged transactions lost each",
          static_cast<double>(tally.transactions_lost) / static_cast<double>(tally.images));
    }
    if (tally.keys > 0) {
      text +=
          fmt::format(", {:.1f} % of the keys lost", 100.0 * static_cast<double>(tally.keys_lost) /
                                                         static_cast<double>(tally.keys));
    }
    text += "\n";
  }
  if (text.empty()) return "";
  text.insert(0, "Violated images, and what can be done about them:\n");
  for (const RepairTally& tally : result.repairs) {
    text += fmt::format("{:>8}  of them are cured by {} alone\n", Grouped(tally.cures),
                        Printable(tally.repair));
  }
  return text;
}

std::string RenderLastLine(const Result& result, const std::string& report_path,
                           ConsoleStyle style) {
  const Coverage& coverage = result.coverage;
  const std::string how = coverage.bounds.empty() ? coverage.mode
                                                  : fmt::format("{}: {}", coverage.mode,
                                                                fmt::join(coverage.bounds, ", "));
  std::string verdict(Name(result.verdict));
  if (result.verdict == Verdict::kUnknown) {
    verdict += fmt::format(" ({})", fmt::join(coverage.unknown, "; "));
  }
  if (!result.findings.empty()) {
    verdict += fmt::format(", {} finding{}", result.findings.size(),
                           result.findings.size() == 1 ? "" : "s");
  }
  const std::string_view color = result.verdict == Verdict::kHeld ? "1;32" : "1;31";
  return fmt::format(
      "{}: {} transactions, {} crash points, {} crash states in {} recoveries ({}) in {:.1f} s; "
      "promise {}: {}; report in {}",
      Printable(result.target), Grouped(result.trace.transactions), Grouped(coverage.crash_points),
      States(coverage), Grouped(coverage.recoveries), how, result.elapsed_s, Name(result.promise),
      Paint(verdict, color, style), report_path);
}

}  // namespace plugpull
