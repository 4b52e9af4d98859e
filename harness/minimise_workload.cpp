#include "harness/minimise_workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace plugpull {
namespace {

// Most findings need no more than the last few transactions.
constexpr size_t kLastFew = 3;

// Reducing changes may make a transaction superfluous, and the other way round.
constexpr int kMostRounds = 8;

std::string TextOf(const std::vector<Transaction>& transactions) {
  std::string text;
  const auto add = [&text](std::string_view part) {
    text += fmt::format("{}:{}", part.size(), part);
  };
  for (const Transaction& transaction : transactions) {
    text += '(';
    for (const Change& change : transaction.changes) {
      add(change.key);
      change.value ? add(*change.value) : add("deleted");
      text += change.value ? '=' : '-';
    }
  }
  return text;
}

class WorkloadReducer {
 public:
  WorkloadReducer(std::vector<Transaction> transactions, TestLimit& limit,
                  const WorkloadTest& does_it)
      : best_(std::move(transactions)), limit_(limit), does_it_(does_it) {}

  Expected<ReducedWorkload> Run() {
    if (const Expected<void> cut = CutToTheLast(); !cut) return std::unexpected(cut.error());
    bool is_minimal = false;
    for (int round = 0; round < kMostRounds && !is_minimal; ++round) {
      const std::vector<Transaction> before = best_;
      for (const auto reduce :
           {&WorkloadReducer::ReduceTransactions, &WorkloadReducer::MergeTransactions,
            &WorkloadReducer::ReduceChanges}) {
        const Expected<bool> done = (this->*reduce)();
        if (!done) return std::unexpected(done.error());
        if (!*done) return ReducedWorkload{.transactions = std::move(best_)};
      }
      if (const Expected<void> done = ShrinkValues(); !done) return std::unexpected(done.error());
      if (const Expected<void> done = ShrinkKeys(); !done) return std::unexpected(done.error());
      is_minimal = before == best_ && limit_.bound().empty();
    }
    return ReducedWorkload{.transactions = std::move(best_), .is_minimal = is_minimal};
  }

 private:
  // Takes the candidate where it does it and is no larger. Returns: whether it does it.
  Expected<bool> Try(std::vector<Transaction> candidate) {
    if (candidate.empty()) return false;
    if (candidate == best_) return true;
    const auto [known, is_new] = needed_.try_emplace(TextOf(candidate), 0);
    if (is_new) {
      const Expected<size_t> needed = does_it_(candidate);
      if (!needed) return std::unexpected(needed.error());
      known->second = *needed;
    }
    if (known->second == 0) return false;
    candidate.resize(std::min(candidate.size(), known->second));
    if (SizeOf(candidate) <= SizeOf(best_)) best_ = std::move(candidate);
    return true;
  }

  Expected<void> CutToTheLast() {
    for (size_t count = 1; count <= kLastFew && count < best_.size(); ++count) {
      if (!limit_.Spend()) return {};
      const Expected<bool> done = Try({best_.end() - static_cast<ptrdiff_t>(count), best_.end()});
      if (!done) return std::unexpected(done.error());
      if (*done) return {};
    }
    return {};
  }

  // Returns: false when the limit was reached.
  Expected<bool> ReduceTransactions() {
    while (true) {
      const std::vector<Transaction> all = best_;
      const Expected<ReducedList> reduced =
          ReduceList(all.size(), limit_, [&](const std::vector<size_t>& kept) {
            std::vector<Transaction> candidate;
            candidate.reserve(kept.size());
            for (const size_t index : kept) candidate.push_back(all[index]);
            return Try(std::move(candidate));
          });
      if (!reduced) return std::unexpected(reduced.error());
      if (!reduced->is_minimal) return false;
      // A candidate may have done it before its end: then there are fewer to try again.
      if (best_.size() >= reduced->kept.size()) return true;
    }
  }

  // Makes one transaction of several, where none can be left out: those that built the store, then
  // neighbours. Returns: false when the limit was reached.
  Expected<bool> MergeTransactions() {
    for (size_t apart = 1; apart <= 2 && apart + 1 < best_.size(); ++apart) {
      if (!limit_.Spend()) return false;
      const Expected<bool> done = Try(Merged(best_, 0, best_.size() - apart));
      if (!done) return done;
      if (*done) break;
    }
    for (size_t first = 0; first + 1 < best_.size();) {
      if (!limit_.Spend()) return false;
      const Expected<bool> done = Try(Merged(best_, first, 2));
      if (!done) return done;
      if (!*done) ++first;
    }
    return true;
  }

  static std::vector<Transaction> Merged(const std::vector<Transaction>& all, size_t first,
                                         size_t count) {
    std::vector<Transaction> merged;
    merged.reserve(all.size());
    for (size_t i = 0; i < all.size(); ++i) {
      if (i <= first || i >= first + count) {
        merged.push_back(all[i]);
      } else {
        merged.back().changes.insert(merged.back().changes.end(), all[i].changes.begin(),
                                     all[i].changes.end());
      }
    }
    return merged;
  }

  Expected<bool> ReduceChanges() {
    const std::vector<Transaction> all = best_;
    std::vector<std::pair<size_t, size_t>> changes;
    for (size_t i = 0; i < all.size(); ++i) {
      for (size_t j = 0; j < all[i].changes.size(); ++j) changes.emplace_back(i, j);
    }
    const Expected<ReducedList> reduced =
        ReduceList(changes.size(), limit_, [&](const std::vector<size_t>& kept) -> Expected<bool> {
          std::vector<Transaction> candidate(all.size());
          for (const size_t index : kept) {
            const auto [i, j] = changes[index];
            candidate[i].changes.push_back(all[i].changes[j]);
          }
          // One without changes is a transaction less, which was tried.
          for (size_t i = 0; i < all.size(); ++i) {
            if (candidate[i].changes.empty() != all[i].changes.empty()) return false;
          }
          return Try(std::move(candidate));
        });
    if (!reduced) return std::unexpected(reduced.error());
    return reduced->is_minimal;
  }

  // Tries all values as `shorten` makes them, or that of one change.
  Expected<bool> TryValues(const std::function<void(size_t, std::string&)>& shorten,
                           std::optional<std::pair<size_t, size_t>> only = {}) {
    std::vector<Transaction> candidate = best_;
    size_t number = 0;
    for (size_t i = 0; i < candidate.size(); ++i) {
      for (size_t j = 0; j < candidate[i].changes.size(); ++j) {
        std::optional<std::string>& value = candidate[i].changes[j].value;
        const bool is_meant = !only || *only == std::pair(i, j);
        if (is_meant && value && value->size() > 1) shorten(number, *value);
        ++number;
      }
    }
    if (candidate == best_ || !limit_.Spend()) return false;
    return Try(std::move(candidate));
  }

  Expected<void> ShrinkValues() {
    // Values that differ stay so, for as long as there are letters.
    const auto to_byte = [](size_t number, std::string& value) {
      value.assign(1, static_cast<char>('a' + number % 26));
    };
    const auto to_half = [](size_t /*number*/, std::string& value) {
      value.resize(value.size() / 2);
    };
    Expected<bool> done = TryValues(to_byte);
    if (!done) return std::unexpected(done.error());
    if (*done) return {};
    for (size_t i = 0; i < best_.size(); ++i) {
      for (size_t j = 0; i < best_.size() && j < best_[i].changes.size(); ++j) {
        done = TryValues(to_byte, std::pair(i, j));
        while (done && !*done) {
          done = TryValues(to_half, std::pair(i, j));
          if (!done || !*done) break;
          done = false;  // once more
        }
        if (!done) return std::unexpected(done.error());
      }
    }
    return {};
  }

  // Gives keys short names in the order that they have, all at once, then one by one.
  Expected<void> ShrinkKeys() {
    std::set<std::string> keys;
    for (const Transaction& transaction : best_) {
      for (const Change& change : transaction.changes) keys.insert(change.key);
    }
    std::map<std::string, std::string> renamed;
    const size_t width = keys.size() <= 26 ? 1 : 4;
    for (const std::string& key : keys) {
      std::string name;
      for (size_t rest = renamed.size(), i = 0; i < width; ++i, rest /= 26) {
        name.insert(name.begin(), static_cast<char>('a' + rest % 26));
      }
      if (name.size() > key.size() || (name.size() == key.size() && width > 1)) name = key;
      renamed[key] = name;
    }
    Expected<bool> done = Rename(renamed);
    if (!done) return std::unexpected(done.error());
    if (*done) return {};
    for (const auto& [key, name] : renamed) {
      if (!limit_.bound().empty()) break;
      if (key == name || keys.contains(name)) continue;
      const auto before = keys.lower_bound(key);
      const bool keeps_order = (before == keys.begin() || *std::prev(before) < name) &&
                               (std::next(before) == keys.end() || name < *std::next(before));
      if (!keeps_order) continue;
      done = Rename({{key, name}});
      if (!done) return std::unexpected(done.error());
      if (!*done) continue;
      keys.erase(key);
      keys.insert(name);
    }
    return {};
  }

  Expected<bool> Rename(const std::map<std::string, std::string>& names) {
    std::vector<Transaction> candidate = best_;
    for (Transaction& transaction : candidate) {
      for (Change& change : transaction.changes) {
        const auto name = names.find(change.key);
        if (name != names.end()) change.key = name->second;
      }
    }
    if (candidate == best_) return true;
    if (!limit_.Spend()) return false;
    return Try(std::move(candidate));
  }

  std::vector<Transaction> best_;
  std::map<std::string, size_t> needed_;  // what the test said, by TextOf
  TestLimit& limit_;
  const WorkloadTest& does_it_;
};

}  // namespace

WorkloadSize SizeOf(std::span<const Transaction> transactions) {
  WorkloadSize size{.transactions = transactions.size()};
  for (const Transaction& transaction : transactions) {
    size.changes += transaction.changes.size();
    for (const Change& change : transaction.changes) {
      size.bytes += change.key.size() + change.value.value_or("").size();
    }
  }
  return size;
}

Expected<ReducedWorkload> ReduceWorkload(std::vector<Transaction> transactions, TestLimit& limit,
                                         const WorkloadTest& does_it) {
  return WorkloadReducer(std::move(transactions), limit, does_it).Run();
}

}  // namespace plugpull
