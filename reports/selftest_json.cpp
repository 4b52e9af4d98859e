// The selftest as JSON, schema plugpull.selftest/1.
#include <nlohmann/json.hpp>

#include "reports/selftest_report.h"

namespace plugpull {
namespace {

using nlohmann::ordered_json;

ordered_json ToJson(const SelftestRow& row) {
  return {{"name", row.name},
          {"bug", row.bug},
          {"target", row.target},
          {"run", row.run},
          {"coverage", row.coverage},
          {"outcome", Name(row.outcome)},
          {"good", IsGood(row.outcome)},
          {"first_schedule", row.first_schedule},
          {"recoveries_to_first", row.recoveries ? ordered_json(*row.recoveries) : nullptr},
          {"oracles", row.oracles},
          {"level", row.level},
          {"message", row.message},
          {"note", row.note},
          {"recoveries", row.total_recoveries},
          {"elapsed_s", row.elapsed_s}};
}

}  // namespace

std::string RenderSelftestJson(const SelftestReport& report) {
  ordered_json json = {{"schema", "plugpull.selftest/1"},
                       {"version", report.version},
                       {"commit", report.commit},
                       {"passed", report.passed()},
                       {"interrupted", report.interrupted},
                       {"litmus", {{"cells", report.litmus_cells}, {"wrong", report.litmus_wrong}}},
                       {"elapsed_s", report.elapsed_s},
                       {"rows", ordered_json::array()}};
  for (const SelftestRow& row : report.rows) json["rows"].push_back(ToJson(row));
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace plugpull
