// A search for a symptom as JSON: an object of schema plugpull.result/1 with one field more.
#include <nlohmann/json.hpp>

#include "reports/report_format.h"
#include "reports/reproduction.h"

namespace plugpull {
namespace {

using nlohmann::ordered_json;

ordered_json TextOrNull(const std::string& text) {
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}

ordered_json ToJson(const SymptomSearch& search) {
  return {{"level", InfoOf(search.level).number},
          {"fault", search.fault},
          {"legal", search.legal()},
          {"workload", search.workload},
          {"shows_symptom", search.shows_symptom},
          {"other_violations", search.without_symptom},
          {"mode", TextOrNull(search.coverage.mode)},
          {"bounds", search.coverage.bounds},
          {"crash_points", search.coverage.crash_points},
          {"states", search.coverage.states},
          {"recoveries", search.coverage.recoveries},
          {"unknown", TextOrNull(search.unknown)}};
}

ordered_json ToJson(const Explanation& explanation) {
  const Finding& finding = explanation.finding;
  return {{"level", InfoOf(finding.fault_level).number},
          {"fault", InfoOf(finding.fault_level).name},
          {"instance", TextOrNull(finding.fault)},
          {"message", finding.message},
          {"workload", explanation.workload},
          {"pages", explanation.pages},
          {"image", TextOrNull(explanation.image)},
          {"case", finding.case_path}};
}

}  // namespace

std::string RenderReproductionJson(const Reproduction& reproduction) {
  ordered_json json = ordered_json::parse(RenderJson(reproduction.result));
  const Explanation* weakest = reproduction.weakest();
  ordered_json level = nullptr;
  if (weakest != nullptr) level = InfoOf(weakest->finding.fault_level).number;
  ordered_json explanations = ordered_json::array();
  for (const Explanation& each : reproduction.explanations) explanations.push_back(ToJson(each));
  ordered_json searches = ordered_json::array();
  for (const SymptomSearch& search : reproduction.searches) searches.push_back(ToJson(search));
  json["reproduction"] = {{"symptom", reproduction.symptom},
                          {"reproduced", weakest != nullptr},
                          {"level", level},
                          {"sentence", Sentence(reproduction)},
                          {"explanations", explanations},
                          {"searches", searches}};
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace plugpull
