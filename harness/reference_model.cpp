#include "harness/reference_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <string_view>

#include "faults/base/assert.h"

namespace plugpull {
namespace {

// One key of the recovered contents, against everything that was attempted.
struct KeyHistory {
  std::vector<uint32_t> touched;  // transactions that changed the key, ascending
  std::set<uint32_t> writers;     // of them, those that left it as it is now
  bool present = false;           // in the recovered contents
};

// Of the transactions that crashes undid, those of the last crashes are the ones that may be back.
constexpr size_t kMostUndoneTried = 16;

// Sorted by key, so that the same contents always get the same message.
using Histories = std::map<std::string, KeyHistory>;

Histories HistoriesOf(const Content& content, std::span<const Transaction> attempted) {
  Histories histories;
  for (const auto& [key, value] : content) histories[key].present = true;
  for (uint32_t number = 1; number <= attempted.size(); ++number) {
    std::map<std::string_view, const Change*> last_change;
    for (const Change& change : attempted[number - 1].changes) last_change[change.key] = &change;
    for (const auto& [key, change] : last_change) {
      const auto observed = content.find(std::string(key));
      const bool absent = observed == content.end();
      const bool same = change->value ? !absent && observed->second == *change->value : absent;
      KeyHistory& history = histories[std::string(key)];
      history.touched.push_back(number);
      if (same) history.writers.insert(number);
    }
  }
  return histories;
}

// Which transactions the contents can hold, each wholly or not at all.
//
// Where two sets of transactions explain the contents, so does their union: the newest transaction
// of a key in the union is the newest in one of them. So there is a largest set, and it is found
// from above: begin with all, and drop each transaction that is the newest for some key but is not
// what that key shows. Every transaction dropped is certainly missing; and where all that could
// have written what a key shows are dropped, nothing explains the contents.
class Explanation {
 public:
  // A transaction that is there in one key and missing in another.
  struct Torn {
    uint32_t transaction;
    std::string there;
    std::string missing;
  };

  Explanation(const Histories& histories, uint32_t attempted) : kept_(attempted + 1, true) {
    for (bool changed = true; changed;) {
      changed = false;
      for (const auto& [key, history] : histories) {
        const auto is_kept = [this](uint32_t number) { return kept_[number]; };
        if (history.present && std::ranges::none_of(history.writers, is_kept)) {
          const uint32_t writer = *history.writers.rbegin();
          torn_ = {writer, key, missing_.at(writer)};
          return;
        }
        for (uint32_t newest = Newest(history); newest != 0 && !history.writers.contains(newest);
             newest = Newest(history)) {
          kept_[newest] = false;
          missing_.emplace(newest, key);
          changed = true;
        }
      }
    }
  }

  // Returns: the newest transaction of the set that touched the key, 0 for none.
  uint32_t Newest(const KeyHistory& history) const {
    for (size_t i = history.touched.size(); i-- > 0;) {
      if (kept_[history.touched[i]]) return history.touched[i];
    }
    return 0;
  }

  // The transactions that are missing, and a key of each that shows it.
  const std::map<uint32_t, std::string>& missing() const { return missing_; }

  // Set where no set of whole transactions explains the contents.
  const std::optional<Torn>& torn() const { return torn_; }

 private:
  std::vector<bool> kept_;  // [n]: transaction n is in the set
  std::map<uint32_t, std::string> missing_;
  std::optional<Torn> torn_;
};

// Returns: a key that differs from what was promised only in being back, when all that differ do.
std::optional<std::string> OnlyReturned(const Content& content, const Content& promised) {
  std::optional<std::string> returned;
  for (const auto& [key, value] : content) {
    const auto found = promised.find(key);
    if (found == promised.end()) {
      returned = key;
    } else if (found->second != value) {
      return std::nullopt;
    }
  }
  for (const auto& [key, value] : promised) {
    if (!content.contains(key)) return std::nullopt;
  }
  return returned;
}

}  // namespace

ReferenceModel::ReferenceModel(const std::vector<Transaction>& transactions, size_t undone)
    : transactions_(transactions), undone_(undone) {
  digests_.reserve(transactions.size() + 1);
  digests_.emplace_back();
  for (uint32_t number = 1; number <= this->transactions(); ++number) {
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
        const auto next =
            std::ranges::upper_bound(found->second, transaction, {}, &Version::transaction);
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

std::optional<ContentFault> ReferenceModel::FindUndone(const ContentDigest& digest,
                                                       uint32_t attempted) const {
  const size_t end = transactions_.size();
  const size_t first = end - std::min(undone_, kMostUndoneTried);
  for (size_t begin = first; begin < end; ++begin) {
    std::vector<Transaction> back;
    for (size_t last = begin; last < end; ++last) {
      back.push_back(transactions_[last]);
      for (uint32_t number = attempted + 1; number-- > 0;) {
        if (DigestAfter(number, back) != digest) continue;
        return ContentFault{ViolationClass::kResurrected,
                            fmt::format("shows the state after transaction {} and, on top of it, "
                                        "what an earlier crash had undone",
                                        number)};
      }
    }
  }
  return std::nullopt;
}

bool ReferenceModel::WasUndone(const std::string& key, const std::string& value) const {
  const auto undone = std::span(transactions_).last(undone_);
  return std::ranges::any_of(undone, [&](const Transaction& transaction) {
    return std::ranges::any_of(transaction.changes, [&](const Change& change) {
      return change.key == key && change.value == value;
    });
  });
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
      return {window.after_failure ? ViolationClass::kAcknowledgedAfterError
                                   : ViolationClass::kLostCommit,
              fmt::format("recovered the state after transaction {}, but transaction {} was "
                          "acknowledged",
                          *older, window.acknowledged)};
    }
  }
  if (auto back = FindUndone(digest, window.attempted)) return *back;
  const Histories histories =
      HistoriesOf(content, std::span(transactions_).first(window.attempted));
  std::optional<std::string> undone;
  for (const auto& [key, history] : histories) {
    if (history.present && history.writers.empty()) {
      if (WasUndone(key, content.at(key))) {
        undone = key;
        continue;
      }
      return {ViolationClass::kWrongValue,
              fmt::format("key '{}' shows a value of {} bytes that no transaction wrote",
                          ShownKey(key), content.at(key).size())};
    }
  }
  if (undone) {
    return {ViolationClass::kPartialCommit,
            fmt::format("key '{}' shows a value that an earlier crash had undone, and the rest of "
                        "its transaction is missing",
                        ShownKey(*undone))};
  }
  // The weakest promise that is broken decides: first whether transactions are whole, then whether
  // some are missing.
  const Explanation explanation(histories, window.attempted);
  if (const auto& torn = explanation.torn()) {
    return {ViolationClass::kPartialCommit,
            fmt::format("transaction {} is there in key '{}' and missing in key '{}'",
                        torn->transaction, ShownKey(torn->there), ShownKey(torn->missing))};
  }
  uint32_t newest = 0;  // that some key shows
  std::string shown_in;
  for (const auto& [key, history] : histories) {
    const uint32_t writer = explanation.Newest(history);
    if (writer > newest) {
      newest = writer;
      shown_in = key;
    }
  }
  const std::optional<std::string> returned = OnlyReturned(content, After(window.acknowledged));
  const uint32_t origin = returned ? explanation.Newest(histories.at(*returned)) : 0;
  if (origin != 0 && origin <= window.acknowledged) {
    return {ViolationClass::kResurrected,
            fmt::format("key '{}' is back with the value of transaction {}, though it was deleted "
                        "before transaction {} was acknowledged",
                        ShownKey(*returned), origin, window.acknowledged)};
  }
  Assert(!explanation.missing().empty() && explanation.missing().begin()->first < newest,
         "contents to diagnose are none of the legal ones");
  const auto& [missing, missing_in] = *explanation.missing().begin();
  return {
      ViolationClass::kHole,
      fmt::format("transaction {} is missing (key '{}'), but transaction {} is there (key '{}')",
                  missing, ShownKey(missing_in), newest, ShownKey(shown_in))};
}

}  // namespace plugpull
