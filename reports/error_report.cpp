#include "reports/error_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "reports/console.h"

namespace plugpull {

using nlohmann::ordered_json;

ordered_json ToJson(const ErrorReport& report) {
  ordered_json points = ordered_json::array();
  for (const ErrorRow& row : report.rows) {
    points.push_back({{"point", row.point},
                      {"errno", row.failure},
                      {"calls", row.calls},
                      {"plans", row.plans},
                      {"fired", row.fired},
                      {"absorbed", row.absorbed},
                      {"failed", row.failed},
                      {"refused", row.refused},
                      {"violations", row.violations}});
  }
  return {{"plans", report.plans}, {"calls", report.calls}, {"calls_failed", report.calls_failed},
          {"plain", report.plain}, {"runs", report.runs},   {"points", points}};
}

std::string RenderErrors(const ErrorReport& report) {
  std::string text =
      fmt::format("{:<22} {:<16} {:>7} {:>7} {:>7} {:>9} {:>7} {:>8} {:>11}\n", "calls that fail",
                  "how", "calls", "plans", "fired", "absorbed", "failed", "refused", "violations");
  for (const ErrorRow& row : report.rows) {
    text += fmt::format("{:<22} {:<16} {:>7} {:>7} {:>7} {:>9} {:>7} {:>8} {:>11}\n", row.point,
                        row.failure, row.calls, row.plans, row.fired, row.absorbed, row.failed,
                        row.refused, row.violations);
  }
  // Counted where each call fails in turn; a plan of the user's names what it fails itself.
  const std::string calls = report.calls == 0 || report.calls_failed == 0
                                ? ""
                                : fmt::format("{} of {} calls failed at least once; ",
                                              Grouped(report.calls_failed), Grouped(report.calls));
  text += fmt::format("{}plans: {}, {} of which changed nothing on disk; crashes of {} runs\n\n",
                      calls, Grouped(report.plans), Grouped(report.plain), Grouped(report.runs));
  return text;
}

}  // namespace plugpull
