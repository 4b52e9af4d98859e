// The result as JSON, schema plugpull.result/1. Every other format says less than this one.
#include <nlohmann/json.hpp>

#include "reports/report_format.h"

namespace plugpull {
namespace {

using nlohmann::ordered_json;

ordered_json ToJson(const Finding& finding) {
  ordered_json json = {
      {"id", finding.id},
      {"signature", finding.signature},
      {"class", Name(finding.violation)},
      {"promise", Name(BrokenPromise(finding.violation))},
      {"fault_level", InfoOf(finding.fault_level).number},
      {"fault", Name(finding.fault_level)},
      {"fault_instance",
       finding.fault.empty() ? ordered_json(nullptr) : ordered_json(finding.fault)},
      {"legal", InfoOf(finding.fault_level).legal},
      {"models", finding.models},
      {"contract_models", finding.contract_models},
      {"crash_point", finding.crash_point},
      {"transactions_attempted", finding.transactions_attempted},
      {"transactions_acknowledged", finding.transactions_acknowledged},
      {"lost", finding.lost},
      {"kept", finding.kept},
      {"message", finding.message},
      {"recoverability", finding.recoverability.empty() ? ordered_json(nullptr)
                                                        : ordered_json(finding.recoverability)},
      {"count", finding.count},
      {"case", finding.case_path},
      {"cycle", finding.cycle},
      {"in_use", finding.in_use}};
  if (!finding.errors.empty()) json["errors"] = finding.errors;
  if (finding.minimised) {
    const MinimisedFinding& size = *finding.minimised;
    json["minimised"] = {{"transactions", {size.transactions_before, size.transactions_after}},
                         {"lost_atoms", {size.lost_atoms_before, size.lost_atoms_after}},
                         {"minimal", size.is_minimal}};
  }
  return json;
}

ordered_json ToJson(const CycleCoverage& cycle) {
  const bool is_first = cycle.cycle == 1;
  const auto after_crash = [is_first](uint64_t number) {
    return is_first ? ordered_json(nullptr) : ordered_json(number);
  };
  return {{"cycle", cycle.cycle},
          {"crash_point", after_crash(cycle.crash_point)},
          {"lost_atoms", after_crash(cycle.lost_atoms)},
          {"recovered_transaction", after_crash(cycle.recovered_transaction)},
          {"transactions", cycle.transactions},
          {"crash_points", cycle.crash_points},
          {"recoveries", cycle.recoveries},
          {"states", cycle.states},
          {"mode", cycle.mode}};
}

}  // namespace

std::string RenderJson(const Result& result) {
  const Coverage& coverage = result.coverage;
  const double rate =
      result.elapsed_s > 0 ? static_cast<double>(coverage.recoveries) / result.elapsed_s : 0;
  ordered_json findings = ordered_json::array();
  for (const Finding& finding : result.findings) findings.push_back(ToJson(finding));
  const ordered_json always = {
      {"schema", "plugpull.result/1"},
      {"command", result.command},
      {"version", result.version},
      {"commit", result.commit},
      {"target", result.target},
      {"door", result.door},
      {"seed", result.seed},
      {"model", result.model},
      {"tear", result.tear},
      {"faults", result.faults},
      {"promise", Name(result.promise)},
      {"verdict", Name(result.verdict)},
      {"interrupted", result.interrupted},
      {"trace",
       {{"ops", result.trace.operations},
        {"syncs", result.trace.syncs},
        {"acks", result.trace.acknowledgements},
        {"bytes", result.trace.bytes},
        {"transactions", result.trace.transactions}}},
      {"coverage",
       {{"mode", coverage.mode},
        {"crash_points", coverage.crash_points},
        {"states", coverage.states},
        {"states_exact", coverage.states_exact},
        {"states_log10", coverage.states_log10},
        {"recoveries", coverage.recoveries},
        {"distinct_images", coverage.distinct_images},
        {"reruns", coverage.reruns},
        {"uses", coverage.uses},
        {"bounds", coverage.bounds},
        {"unknown", coverage.unknown}}},
      {"rates", {{"elapsed_s", result.elapsed_s}, {"recoveries_per_s", rate}}},
      {"findings", findings}};
  ordered_json json = always;
  for (const FaultTally& tally : result.faults_fired) {
    json["faults_fired"].push_back({{"fault", tally.fault},
                                    {"level", InfoOf(tally.level).number},
                                    {"legal", InfoOf(tally.level).legal},
                                    {"instances", tally.instances},
                                    {"fired", tally.fired},
                                    {"of", tally.of},
                                    {"recoveries", tally.recoveries}});
  }
  for (const RecoverabilityTally& tally : result.recoverability) {
    json["recoverability"].push_back({{"class", tally.name},
                                      {"images", tally.images},
                                      {"transactions_lost", tally.transactions_lost},
                                      {"keys_lost", tally.keys_lost},
                                      {"keys", tally.keys}});
  }
  for (const RepairTally& tally : result.repairs) {
    json["repairs"].push_back({{"repair", tally.repair}, {"cures", tally.cures}});
  }
  for (const DepthCoverage& depth : coverage.depth) {
    json["coverage"]["depth"].push_back({{"crashes", depth.crashes},
                                         {"crash_points", depth.crash_points},
                                         {"recoveries", depth.recoveries},
                                         {"exhausted", depth.exhausted}});
  }
  if (result.errors) json["errors"] = ToJson(*result.errors);
  for (const auto& [model, verdict] : result.models) json["models"][model] = Name(verdict);
  for (const CycleCoverage& cycle : coverage.cycles) {
    json["coverage"]["cycles"].push_back(ToJson(cycle));
  }
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace plugpull
