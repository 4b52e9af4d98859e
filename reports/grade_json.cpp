// The grade as JSON: an object of schema plugpull.result/1 with two fields more. `grade` holds the
// number of the weakest level that breaks each promise, `grade_grid` every cell.
#include <nlohmann/json.hpp>

#include "reports/grade.h"
#include "reports/report_format.h"

namespace plugpull {
namespace {

using nlohmann::ordered_json;

ordered_json TextOrNull(const std::string& text) {
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}

ordered_json ToJson(const GradeCell& cell) {
  const bool is_known = cell.state != GradeState::kUnknown;
  const bool is_broken =
      cell.state == GradeState::kBroken || cell.state == GradeState::kBrokenBelow;
  const Finding* finding = cell.finding ? &*cell.finding : nullptr;
  const auto of_finding = [finding](const auto& value_of) {
    return finding == nullptr ? ordered_json(nullptr) : ordered_json(value_of(*finding));
  };
  return {{"state", Name(cell.state)},
          {"broken", is_known ? ordered_json(is_broken) : ordered_json(nullptr)},
          {"broken_by", cell.broken_by ? ordered_json(Name(*cell.broken_by)) : nullptr},
          {"mode", TextOrNull(cell.mode)},
          {"bounds", cell.bounds},
          {"unknown", TextOrNull(cell.unknown)},
          {"class", of_finding([](const Finding& each) { return Name(each.violation); })},
          {"fault", of_finding([](const Finding& each) { return each.fault; })},
          {"message", of_finding([](const Finding& each) { return each.message; })},
          {"finding", of_finding([](const Finding& each) { return each.id; })},
          {"case", of_finding([](const Finding& each) { return each.case_path; })}};
}

ordered_json ToJson(const GradeLevel& level) {
  ordered_json cells = ordered_json::object();
  for (const Promise promise : kPromises) cells[Name(promise)] = ToJson(level.at(promise));
  return {{"level", InfoOf(level.level).number},
          {"fault", level.fault},
          {"legal", level.legal()},
          {"beyond_contract", !level.legal()},
          {"cells", cells}};
}

}  // namespace

std::string RenderGradeJson(const Grade& grade) {
  ordered_json json = ordered_json::parse(RenderJson(grade.result));
  json["grade"] = ordered_json::object();
  for (const Promise promise : kPromises) {
    const GradeLevel* level = WeakestBreaking(grade, promise);
    json["grade"][Name(promise)] =
        level == nullptr ? ordered_json(nullptr) : ordered_json(InfoOf(level->level).number);
  }
  json["grade_sentence"] = Sentence(grade);
  json["grade_grid"] = ordered_json::array();
  for (const GradeLevel& level : grade.levels) json["grade_grid"].push_back(ToJson(level));
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace plugpull
