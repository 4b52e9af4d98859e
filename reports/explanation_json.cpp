// An explanation as JSON: plugpull.explanation/1.
#include <nlohmann/json.hpp>

#include "reports/explanation.h"

namespace plugpull {
namespace {

using nlohmann::ordered_json;

ordered_json TextOrNull(const std::string& text) {
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}

std::string_view WordOf(RowMark mark) {
  switch (mark) {
    case RowMark::kNone:
      return "none";
    case RowMark::kBefore:
      return "before";
    case RowMark::kDurable:
      return "durable";
    case RowMark::kGone:
      return "gone";
    case RowMark::kKept:
      return "kept";
    case RowMark::kLost:
      return "lost";
    case RowMark::kTorn:
      return "torn";
    case RowMark::kPartly:
      return "partly-lost";
    case RowMark::kSync:
      return "sync";
    case RowMark::kBegin:
      return "begin";
    case RowMark::kAcknowledge:
      return "acknowledge";
    case RowMark::kCrash:
      return "crash";
    case RowMark::kLeftOut:
      return "left-out";
    case RowMark::kMissing:
      return "missing-sync";
  }
  return "";
}

ordered_json ToJson(const TimelineRow& row) {
  ordered_json number = nullptr;
  if (row.is_operation) number = row.number;
  ordered_json transaction = nullptr;
  if (row.transaction != 0) transaction = row.transaction;
  return {{"operation", number}, {"transaction", transaction},  {"mark", WordOf(row.mark)},
          {"what", row.what},    {"why", TextOrNull(row.fate)}, {"site", row.site}};
}

}  // namespace

std::string RenderExplanationJson(const CaseExplanation& explanation) {
  ordered_json timeline = ordered_json::array();
  for (const TimelineRow& row : explanation.timeline) timeline.push_back(ToJson(row));
  ordered_json keys = ordered_json::array();
  for (const KeyRow& key : explanation.keys) {
    keys.push_back({{"key", key.key}, {"found", key.found}, {"expected", key.expected}});
  }
  const ordered_json json = {{"schema", "plugpull.explanation/1"},
                             {"id", explanation.id},
                             {"target", explanation.target},
                             {"model", explanation.model},
                             {"promise", Name(explanation.promise)},
                             {"class", Name(explanation.violation)},
                             {"message", explanation.message},
                             {"transactions_acknowledged", explanation.transactions_acknowledged},
                             {"transactions_attempted", explanation.transactions_attempted},
                             {"reproduced", explanation.is_reproduced},
                             {"instead", TextOrNull(explanation.instead)},
                             {"summary", Summary(explanation)},
                             {"promised", TextOrNull(explanation.promised)},
                             {"lost", TextOrNull(explanation.lost)},
                             {"recovered", TextOrNull(explanation.recovered)},
                             {"wrong", TextOrNull(explanation.wrong)},
                             {"missing", TextOrNull(explanation.missing)},
                             {"timeline", timeline},
                             {"recovery", explanation.recovery},
                             {"keys", keys},
                             {"keys_differing", explanation.keys_differing},
                             {"keys_expected", TextOrNull(explanation.expected_state)}};
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace plugpull
