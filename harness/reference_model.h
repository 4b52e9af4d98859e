// The reference model: what a store contains after each transaction, and what a recovered store may
// contain. It never asks the engine for its opinion of itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "faults/trace/transaction.h"
#include "harness/content.h"
#include "reports/verdict.h"

namespace plugpull {

// What is legal after a crash: some state from the last acknowledged transaction to the last
// attempted one.
struct Window {
  uint32_t acknowledged = 0;
  uint32_t attempted = 0;
  bool after_failure = false;  // the last acknowledged one came after a call that had failed
};

// What is wrong with recovered contents.
struct ContentFault {
  ViolationClass violation;
  std::string message;
};

class ReferenceModel {
 public:
  // The last `undone` transactions are not part of the history: a crash undid them before it went
  // on. Requires: `transactions` outlives the model.
  explicit ReferenceModel(const std::vector<Transaction>& transactions, size_t undone = 0);

  // Returns: how many transactions the history has.
  uint32_t transactions() const { return static_cast<uint32_t>(transactions_.size() - undone_); }

  // Returns: the newest transaction in [first, last] after which the contents have this digest.
  std::optional<uint32_t> Find(const ContentDigest& digest, uint32_t first, uint32_t last) const;

  // Returns: the contents after `transaction`.
  Content After(uint32_t transaction) const;

  // Returns: the digest of the contents after `transaction` and then `more`. Costs as much as
  // `more` is long, however long the history is.
  ContentDigest DigestAfter(uint32_t transaction, const std::vector<Transaction>& more) const;

  // Names what is wrong with contents: the class that breaks the weakest promise.
  // Requires: they are those after no transaction in the window.
  ContentFault Diagnose(const Content& content, const ContentDigest& digest, Window window) const;

 private:
  // Returns: what is to be said where some undone transactions, as a whole, are back.
  std::optional<ContentFault> FindUndone(const ContentDigest& digest, uint32_t attempted) const;
  // Returns: whether an undone transaction left the key with this value.
  bool WasUndone(const std::string& key, const std::string& value) const;

  const std::vector<Transaction>& transactions_;
  size_t undone_;
  std::vector<ContentDigest> digests_;  // [n]: after transaction n
  // For each key, what each transaction that touched it left it with, in order.
  struct Version {
    uint32_t transaction;
    const std::optional<std::string>* value;
  };
  std::unordered_map<std::string_view, std::vector<Version>> versions_;
};

}  // namespace plugpull
