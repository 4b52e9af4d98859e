#include "harness/case_facts.h"

#include <fmt/format.h>

#include <algorithm>

#include "faults/inject/fault_call.h"
#include "harness/messages.h"
#include "harness/strict_json.h"

namespace plugpull {

using nlohmann::json;

namespace {

// No run that was asked for has more.
constexpr uint64_t kMostTimeoutMs = 366ULL * 24 * 3600 * 1000;
constexpr uint64_t kMostTransactions = 1'000'000;
constexpr uint64_t kMostReaders = 1000;

Expected<void> AtMost(uint64_t most, uint64_t number, const char* name) {
  if (number <= most) return {};
  return Fail(ErrorCode::kCorrupt, fmt::format("{} is {}, at most {}", name, number, most));
}

}  // namespace

json LostToJson(const std::vector<AtomId>& lost) {
  json list = json::array();
  for (const AtomId& atom : lost) list.push_back(ToJson(atom));
  return list;
}

Expected<std::vector<AtomId>> LostFromJson(const json& list, size_t begin, size_t end) {
  std::vector<AtomId> lost;
  for (const json& entry : List(list)) {
    const Expected<AtomId> atom = AtomIdFromJson(entry);
    if (!atom) return std::unexpected(atom.error());
    if (atom->op < begin || atom->op >= end) {
      return Fail(ErrorCode::kCorrupt, "it loses an operation that its trace does not have");
    }
    lost.push_back(*atom);
  }
  std::ranges::sort(lost);
  return lost;
}

Expected<void> CheckFacts(const Case& loaded) {
  if (!loaded.fault.empty()) {
    const Expected<FaultCalls> calls = ParseFaults(loaded.fault, FaultForm::kInstance);
    if (!calls) return Fail(ErrorCode::kCorrupt, calls.error().context);
  }
  const bool window_fits = loaded.window.acknowledged <= loaded.window.attempted &&
                           loaded.window.attempted <= loaded.trace.transactions.size();
  if (!window_fits) {
    return Fail(ErrorCode::kCorrupt, "it speaks of transactions that its trace does not have");
  }
  const ExploreSettings& settings = loaded.settings;
  const Expected<void> limits[] = {
      AtMost(kMostTimeoutMs, settings.recovery_timeout_ms, "recovery_timeout_ms"),
      AtMost(kMostReaders, settings.readers, "readers"),
      AtMost(kMostTransactions, loaded.running_transactions, "running_transactions")};
  for (const Expected<void>& limit : limits) {
    if (!limit) return limit;
  }
  return {};
}

}  // namespace plugpull
