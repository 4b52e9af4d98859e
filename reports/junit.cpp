// JUnit XML, as CI servers read it: one suite for the run, one case for each promise asked about. A
// case for each crash point would break every viewer.
#include <fmt/format.h>

#include "reports/report_format.h"

namespace plugpull {
namespace {

// Escapes text for XML. Control characters have no place in XML 1.0 and become '?'.
std::string Escape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default: {
        const unsigned char byte = static_cast<unsigned char>(c);
        const bool legal = byte >= 0x20 || c == '\n' || c == '\t';
        escaped.push_back(legal && byte < 0x7f ? c : '?');
      }
    }
  }
  return escaped;
}

std::string Body(const Finding& finding) {
  std::string text = fmt::format("{}\nlost:\n", finding.message);
  for (const std::string& line : finding.lost) text += "  " + line + "\n";
  text += fmt::format("weakest fault: {}{}\n", Name(finding.fault_level),
                      InfoOf(finding.fault_level).legal ? "" : ", beyond the disk's contract");
  if (!finding.fault.empty()) text += fmt::format("fault: {}\n", finding.fault);
  text += fmt::format("reproduce: plugpull replay {}\n", finding.case_path);
  return text;
}

std::string CaseOf(const Result& result, Promise promise) {
  std::string inside;
  for (const Finding& finding : result.findings) {
    if (BrokenPromise(finding.violation) != promise) continue;
    inside += fmt::format("      <failure type=\"{}\" message=\"{}\">{}</failure>\n",
                          Name(finding.violation), Escape(finding.message), Escape(Body(finding)));
  }
  if (promise > result.promise) {
    inside += "      <skipped message=\"not promised\"/>\n";
  } else if (inside.empty() && result.verdict == Verdict::kUnknown) {
    std::string reasons;
    for (const std::string& reason : result.coverage.unknown) reasons += reason + "\n";
    inside = fmt::format("      <error type=\"unknown\" message=\"{}\"/>\n", Escape(reasons));
  }
  return fmt::format(
      "    <testcase classname=\"{}\" name=\"{}\"{}", Escape(result.target), Name(promise),
      inside.empty() ? std::string("/>\n") : fmt::format(">\n{}    </testcase>\n", inside));
}

}  // namespace

std::string RenderJunit(const Result& result) {
  size_t failures = 0;
  size_t errors = 0;
  size_t skipped = 0;
  std::string cases;
  for (size_t i = 0; i <= static_cast<size_t>(kLastPromise); ++i) {
    const std::string text = CaseOf(result, static_cast<Promise>(i));
    if (text.find("<failure") != std::string::npos) ++failures;
    if (text.find("<error") != std::string::npos) ++errors;
    if (text.find("<skipped") != std::string::npos) ++skipped;
    cases += text;
  }
  const std::string counts = fmt::format(
      "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.3f}\"",
      static_cast<size_t>(kLastPromise) + 1, failures, errors, skipped, result.elapsed_s);
  const auto property = [](std::string_view name, const std::string& value) {
    return fmt::format("      <property name=\"{}\" value=\"{}\"/>\n", name, Escape(value));
  };
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {}>\n"
      "  <testsuite name=\"plugpull {}\" {}>\n    <properties>\n{}{}{}{}{}    </properties>\n"
      "{}  </testsuite>\n</testsuites>\n",
      counts, Escape(result.target), counts, property("seed", std::to_string(result.seed)),
      property("model", result.model), property("tear", result.tear),
      property("coverage", result.coverage.mode), property("states", result.coverage.states),
      cases);
}

}  // namespace plugpull
