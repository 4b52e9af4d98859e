#include "harness/reference_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace plugpull {
namespace {

// The transactions after which one key has the value that was observed.
struct KeyHistory {
  std::string key;
  // Transactions that gave the key the value observed; 0 stands for "never touched".
  std::set<uint32_t> writers;
  // All transactions that touched the key.
  std::vector<uint32_t> touched;
};

std::string Shown(const std::string& key) {
  std::string text;
  for (const char c : key) {
    if (c >= 0x20 && c < 0x7f) {
      text.push_back(c);
    } else {
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return text;
}

}  // namespace

ReferenceModel::ReferenceModel(const std::vector<Transaction>& transactions)
    : transactions_(transactions) {
  digests_.reserve(transactions.size() + 1);
  digests_.emplace_back();
  for (uint32_t number = 1; number <= transactions.size(); ++number) {
    ContentDigest digest = digests_.back();
    for (const Change& change : transactions[number - 1].changes) {
      std::vector<Version>& versions = versions_[change.key];
      const auto key = std::as_bytes(std::span(change.key));
      if (!versions.empty() && versions.back().value->has_value()) {
        digest.Remove(key, std::as_bytes(std::span(**versions.back().value)));
      }
      if (change.value) digest.Add(key, std::as_bytes(std::span(*change.value)));
      // Of several changes in one transaction, the last one counts.
      if (!versions.empty() && versions.back().transaction == number) versions.pop_back();
      versions.push_back({number, &change.value});
    }
    digests_.push_back(digest);
  }
}

ContentDigest ReferenceModel::DigestAfter(uint32_t transaction,
                                          const std::vector<Transaction>& more) const {
  ContentDigest digest = digests_[transaction];
  std::map<std::string_view, const std::optional<std::string>*> changed;
  for (const Transaction& each : more) {
    for (const Change& change : each.changes) {
      const auto key = std::as_bytes(std::span(change.key));
      const std::optional<std::string>* before = nullptr;
      if (const auto known = changed.find(change.key); known != changed.end()) {
        before = known->second;
      } else if (const auto found = versions_.find(change.key); found != versions_.end()) {
        const auto next = std::ranges::upper_bound(found->second, transaction, {},
                                                   &Version::transaction);
        if (next != found->second.begin()) before = std::prev(next)->value;
      }
      if (before != nullptr && before->has_value()) {
        digest.Remove(key, std::as_bytes(std::span(**before)));
      }
      if (change.value) digest.Add(key, std::as_bytes(std::span(*change.value)));
      changed[change.key] = &change.value;
    }
  }
  return digest;
}

std::optional<uint32_t> ReferenceModel::Find(const ContentDigest& digest, uint32_t first,
                                             uint32_t last) const {
  for (uint32_t number = last + 1; number-- > first;) {
    if (digests_[number] == digest) return number;
  }
  return std::nullopt;
}

Content ReferenceModel::After(uint32_t transaction) const {
  Content content;
  for (uint32_t i = 0; i < transaction; ++i) ApplyTo(content, transactions_[i]);
  return content;
}

ContentFault ReferenceModel::Diagnose(const Content& content, const ContentDigest& digest,
                                      Window window) const {
  if (window.acknowledged > 0) {
    if (const auto older = Find(digest, 0, window.acknowledged - 1)) {
      return {ViolationClass::kLostCommit,
              fmt::format("recovered the state after transaction {}, but transaction {} was "
                          "acknowledged",
                          *older, window.acknowledged)};
    }
  }
  // Trace every key's history up to what was attempted.
  std::map<std::string, KeyHistory> histories;
  for (const auto& [key, value] : content) histories[key].key = key;
  for (uint32_t number = 1; number <= window.attempted; ++number) {
    std::map<std::string_view, const Change*> last_change;
    for (const Change& change : transactions_[number - 1].changes) {
      last_change[change.key] = &change;
    }
    for (const auto& [key, change] : last_change) {
      KeyHistory& history = histories[std::string(key)];
      history.key = key;
      history.touched.push_back(number);
      const auto observed = content.find(history.key);
      const bool same = change->value ? observed != content.end() && observed->second == *change->value
                                      : observed == content.end();
      if (same) history.writers.insert(number);
    }
  }
  for (auto& [key, history] : histories) {
    if (!content.contains(key)) history.writers.insert(0);
    if (history.writers.empty()) {
      return {ViolationClass::kWrongValue,
              fmt::format("key '{}' shows a value of {} bytes that no transaction wrote",
                          Shown(key), content.at(key).size())};
    }
  }
  // Against what was acknowledged: are the only differences keys that had been deleted?
  const Content promised = After(window.acknowledged);
  bool only_returned = true;
  std::string returned;
  for (const auto& [key, value] : content) {
    const auto found = promised.find(key);
    if (found == promised.end()) {
      returned = key;
    } else if (found->second != value) {
      only_returned = false;
    }
  }
  for (const auto& [key, value] : promised) only_returned = only_returned && content.contains(key);
  if (only_returned && !returned.empty() &&
      *histories[returned].writers.rbegin() <= window.acknowledged) {
    return {ViolationClass::kResurrected,
            fmt::format("key '{}' is back with the value of transaction {}, though it was deleted "
                        "before transaction {} was acknowledged",
                        Shown(returned), *histories[returned].writers.rbegin(),
                        window.acknowledged)};
  }
  // A transaction is seen where only it explains a key, and missed where every explanation of a key
  // that it touched is older.
  std::map<uint32_t, std::string> seen;
  std::map<uint32_t, std::string> missed;
  for (const auto& [key, history] : histories) {
    const uint32_t newest = *history.writers.rbegin();
    if (history.writers.size() == 1 && newest > 0) seen.emplace(newest, key);
    for (const uint32_t number : history.touched) {
      if (number > newest) missed.emplace(number, key);
    }
  }
  for (const auto& [number, key] : seen) {
    if (const auto other = missed.find(number); other != missed.end()) {
      return {ViolationClass::kPartialCommit,
              fmt::format("transaction {} is there in key '{}' and missing in key '{}'", number,
                          Shown(key), Shown(other->second))};
    }
  }
  if (!missed.empty() && !seen.empty() && missed.begin()->first < seen.rbegin()->first) {
    return {ViolationClass::kHole,
            fmt::format("transaction {} is missing (key '{}'), but transaction {} is there (key "
                        "'{}')",
                        missed.begin()->first, Shown(missed.begin()->second), seen.rbegin()->first,
                        Shown(seen.rbegin()->second))};
  }
  return {ViolationClass::kPartialCommit,
          fmt::format("the contents ({} keys) are no state between transactions {} and {}",
                      content.size(), window.acknowledged, window.attempted)};
}

}  // namespace plugpull
