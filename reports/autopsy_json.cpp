#include <nlohmann/json.hpp>

#include "reports/autopsy_report.h"

namespace plugpull {
namespace bbolt_file {
namespace {

using nlohmann::ordered_json;

ordered_json ToJson(const MetaFinding& item);
ordered_json ToJson(const Violation& item);
ordered_json ToJson(const TreeFinding& item);
ordered_json ToJson(const Duplicate& item);
ordered_json ToJson(const Suspect& item);
ordered_json ToJson(const Diagnosis& item);
ordered_json ToJson(const GraphPage& item);
ordered_json ToJson(const GraphEdge& item);

template <typename Items>
ordered_json Array(const Items& items) {
  ordered_json array = ordered_json::array();
  for (const auto& item : items) array.push_back(ToJson(item));
  return array;
}

ordered_json ToJson(const MetaFinding& finding) {
  ordered_json meta = nullptr;
  if (finding.meta) {
    const bool has_freelist = finding.meta->freelist != cow_tree::kNoFreelist;
    meta = {{"page_size_bytes", finding.meta->page_size_bytes},
            {"root", finding.meta->root.root},
            {"sequence", finding.meta->root.sequence},
            {"freelist", has_freelist ? ordered_json(finding.meta->freelist) : nullptr},
            {"high_water_mark", finding.meta->high_water_mark},
            {"txid", finding.meta->transaction_id}};
  }
  return {{"slot", finding.slot},
          {"valid", finding.fault.empty()},
          {"fault", finding.fault},
          {"active", finding.is_active},
          {"meta", meta}};
}

ordered_json ToJson(const Violation& violation) {
  return {{"rule", violation.rule},   {"text", violation.text}, {"page", violation.page},
          {"stack", violation.stack}, {"key", violation.key},   {"bucket", violation.bucket}};
}

ordered_json ToJson(const TreeFinding& tree) {
  return {{"slot", tree.slot},
          {"active", tree.is_active},
          {"whole", tree.is_whole},
          {"pages", tree.pages},
          {"buckets", tree.buckets},
          {"keys", tree.keys},
          {"bytes", tree.bytes},
          {"depth", tree.depth},
          {"violations", Array(tree.violations)},
          {"more_violations", tree.more_violations}};
}

ordered_json ToJson(const Duplicate& duplicate) {
  return {{"pages", duplicate.pages}, {"kind", duplicate.kind}, {"elements", duplicate.elements}};
}

ordered_json ToJson(const Suspect& suspect) {
  return {{"page", suspect.page},
          {"kind", suspect.kind},
          {"evidence", suspect.evidence},
          {"stack", suspect.stack}};
}

ordered_json ToJson(const FreelistFinding& freelist) {
  return {{"persisted", freelist.is_persisted},
          {"page", freelist.is_persisted ? ordered_json(freelist.page) : nullptr},
          {"ids", freelist.ids},
          {"reachable_freed", freelist.reachable_freed},
          {"reachable_freed_count", freelist.reachable_freed_count},
          {"unreachable_unfreed", freelist.unreachable_unfreed},
          {"unreachable_unfreed_count", freelist.unreachable_unfreed_count}};
}

ordered_json ToJson(const Comparison& comparison) {
  if (!comparison.is_possible) return nullptr;
  return {{"shared_pages", comparison.shared_pages},
          {"only_active", comparison.only_active},
          {"only_previous", comparison.only_previous},
          {"previous_whole", comparison.previous_is_whole}};
}

ordered_json ToJson(const Diagnosis& diagnosis) {
  const bool is_known = diagnosis.level.has_value();
  return {{"fault", diagnosis.fault},
          {"fault_level", is_known ? ordered_json(InfoOf(*diagnosis.level).number) : nullptr},
          {"fault_level_name", is_known ? ordered_json(Name(*diagnosis.level)) : nullptr},
          {"page", diagnosis.page == 0 ? ordered_json(nullptr) : ordered_json(diagnosis.page)},
          {"confidence", Name(diagnosis.confidence)},
          {"possible_on_honest_disk", diagnosis.possible_on_honest_disk},
          {"sentence", diagnosis.sentence},
          {"advice", diagnosis.advice}};
}

ordered_json ToJson(const GraphPage& page) {
  return {{"page", page.page},         {"kind", page.kind},
          {"elements", page.elements}, {"first_key", page.first_key},
          {"last_key", page.last_key}, {"damaged", page.is_damaged},
          {"active", page.in_active},  {"previous", page.in_previous}};
}

ordered_json ToJson(const GraphEdge& edge) {
  return {{"from", edge.from},
          {"to", edge.to},
          {"damaged", edge.is_damaged},
          {"active", edge.in_active},
          {"previous", edge.in_previous}};
}

}  // namespace
}  // namespace bbolt_file

std::string_view Name(bbolt_file::Recoverability recoverability) {
  using enum bbolt_file::Recoverability;
  switch (recoverability) {
    case kSound:
      return "sound";
    case kPreviousMeta:
      return "previous-meta";
    case kFreelistScan:
      return "freelist-scan";
    case kPageSurgery:
      return "page-surgery";
    case kNothingLeft:
      return "nothing-left";
  }
  return "";
}

std::string_view Name(bbolt_file::Confidence confidence) {
  using enum bbolt_file::Confidence;
  switch (confidence) {
    case kCertain:
      return "certain";
    case kLikely:
      return "likely";
    case kPossible:
      return "possible";
  }
  return "";
}

std::string RenderAutopsyJson(const bbolt_file::Autopsy& autopsy) {
  using namespace bbolt_file;
  const ordered_json json = {{"schema", "plugpull.autopsy/1"},
                             {"path", autopsy.path},
                             {"verdict", autopsy.is_sound() ? "sound" : "damaged"},
                             {"sentence", AutopsyVerdict(autopsy)},
                             {"recoverability", Name(autopsy.recoverability)},
                             {"file_bytes", autopsy.file_bytes},
                             {"page_size_bytes", autopsy.page_size_bytes},
                             {"file_pages", autopsy.file_pages},
                             {"changed_while_read", autopsy.changed_while_read},
                             {"diagnoses", Array(autopsy.diagnoses)},
                             {"metas", Array(autopsy.metas)},
                             {"active_reason", autopsy.active_reason},
                             {"file_violations", Array(autopsy.file_violations)},
                             {"trees", Array(autopsy.trees)},
                             {"comparison", ToJson(autopsy.comparison)},
                             {"freelist", ToJson(autopsy.freelist)},
                             {"suspects", Array(autopsy.suspects)},
                             {"duplicates", Array(autopsy.duplicates)},
                             {"duplicate_count", autopsy.duplicate_count},
                             {"graph",
                              {{"pages", Array(autopsy.graph.pages)},
                               {"edges", Array(autopsy.graph.edges)},
                               {"cut", autopsy.graph.is_cut}}}};
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace plugpull
