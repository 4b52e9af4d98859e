// Reduces a list of transactions: whole transactions first, then changes, then values and keys. It
// knows nothing of engines: a test says whether a list still does it.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "faults/base/error.h"
#include "faults/trace/transaction.h"
#include "harness/minimise_list.h"

namespace plugpull {

// Returns: how many of the transactions it takes, from the first, for the list to still do it; 0:
// it does not.
using WorkloadTest = std::function<Expected<size_t>(const std::vector<Transaction>& transactions)>;

// Smaller is better: transactions, then changes, then bytes of keys and values.
struct WorkloadSize {
  size_t transactions = 0;
  size_t changes = 0;
  size_t bytes = 0;

  auto operator<=>(const WorkloadSize&) const = default;
};

WorkloadSize SizeOf(std::span<const Transaction> transactions);

struct ReducedWorkload {
  std::vector<Transaction> transactions;
  bool is_minimal = false;  // no transaction and no change can be left out alone
};

// Returns: what is left. Never more transactions, changes or bytes than there were.
// Requires: `transactions` do it, all of them. Errors: those of the test.
Expected<ReducedWorkload> ReduceWorkload(std::vector<Transaction> transactions, TestLimit& limit,
                                         const WorkloadTest& does_it);

}  // namespace plugpull
