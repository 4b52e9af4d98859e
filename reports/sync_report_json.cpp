// What `plugpull syncs` tells as JSON, schema plugpull.syncs/1.
#include <nlohmann/json.hpp>

#include "reports/sync_report.h"
#include "reports/sync_report_text.h"

namespace plugpull {
namespace {

using nlohmann::ordered_json;

ordered_json TextOrNull(const std::string& text) {
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}

ordered_json ToJson(const SyncVerdict& verdict) {
  const bool is_held = verdict.verdict == Verdict::kHeld;
  return {{"model", verdict.model},
          {"verdict", Name(verdict.verdict)},
          {"exhaustive", is_held && verdict.bound.empty()},
          {"bound", TextOrNull(verdict.bound)}};
}

ordered_json ToJson(const SyncDamage& damage) {
  return {{"id", damage.id},
          {"class", Name(damage.violation)},
          {"promise", Name(BrokenPromise(damage.violation))},
          {"fault_level", static_cast<int>(damage.fault_level)},
          {"models", damage.models},
          {"message", damage.message},
          {"signature", damage.signature},
          {"lost", damage.lost},
          {"case", TextOrNull(damage.case_path)}};
}

ordered_json ToJson(const SyncPlaceReport& place);
ordered_json ToJson(const SpareSyncs& spare);
ordered_json ToJson(const MissingSync& missing);
ordered_json ToJson(const UnhelpedDamage& unhelped);

template <typename T>
ordered_json ListOf(const std::vector<T>& all) {
  ordered_json list = ordered_json::array();
  for (const T& each : all) list.push_back(ToJson(each));
  return list;
}

ordered_json ToJson(const SyncPlaceReport& place) {
  return {{"call", place.call},
          {"role", place.role},
          {"frames", place.frames},
          {"place", TextOrNull(place.place)},
          {"executions", place.executions},
          {"in_transactions", place.in_transactions},
          {"idle", place.idle},
          {"use", Name(place.use)},
          {"redundant_under", HeldSurely(place.without)},
          {"protects", ProtectsText(place)},
          {"without", ListOf(place.without)},
          {"breaks", ListOf(place.breaks)}};
}

ordered_json ToJson(const SpareSyncs& spare) {
  return {{"places", spare.places},
          {"models", spare.models},
          {"without", ListOf(spare.without)},
          {"breaks", ListOf(spare.breaks)}};
}

ordered_json ToJson(const MissingSync& missing) {
  return {{"call", missing.call},
          {"thing", missing.thing},
          {"place", missing.place},
          {"executions", missing.executions},
          {"first_operation", missing.first_operation},
          {"models", missing.models},
          {"removes", missing.removes}};
}

ordered_json ToJson(const UnhelpedDamage& unhelped) {
  return {{"finding", ToJson(unhelped.damage)}, {"models", unhelped.models}, {"why", unhelped.why}};
}

}  // namespace

std::string RenderSyncsJson(const SyncReport& report) {
  const ordered_json json = {
      {"schema", "plugpull.syncs/1"},
      {"command", "syncs"},
      {"version", report.version},
      {"commit", report.commit},
      {"target", report.target},
      {"door", report.door},
      {"seed", report.seed},
      {"transactions", report.transactions},
      {"syncs", report.syncs},
      {"tear", report.tear},
      {"promise",
       report.is_checked_by_command ? ordered_json(nullptr) : ordered_json(Name(report.promise))},
      {"models", ListOf(report.models)},
      {"findings", ListOf(report.findings)},
      {"missing", ListOf(report.missing)},
      {"with_missing", ListOf(report.with_missing)},
      {"unhelped", ListOf(report.unhelped)},
      {"judged_from", report.judged_from},
      {"with_missing_from_there", ListOf(report.with_missing_from_there)},
      {"judged_with_missing", report.judged_with_missing},
      {"places", ListOf(report.places)},
      {"together", ListOf(report.spare)},
      {"explorations", report.explorations},
      {"recoveries", report.recoveries},
      {"interrupted", report.interrupted},
      {"out_of_budget", report.out_of_budget},
      {"elapsed_s", report.elapsed_s}};
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace plugpull
