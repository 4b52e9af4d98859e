// Goal: transactions, changes, values and keys get as small as what is wanted lets them.
#include "harness/minimise_workload.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "harness/testing.h"

namespace plugpull {
namespace {

std::vector<Transaction> Hundred() {
  std::vector<Transaction> transactions;
  for (int i = 0; i < 100; ++i) {
    Transaction& transaction = transactions.emplace_back(Put("key-" + std::to_string(i), "value"));
    transaction.changes.push_back({"other", std::string(1000, 'x')});
  }
  return transactions;
}

ReducedWorkload Reduced(const WorkloadTest& test, uint64_t tests = 10'000) {
  TestLimit limit(tests);
  Expected<ReducedWorkload> reduced = ReduceWorkload(Hundred(), limit, test);
  EXPECT_TRUE(reduced.has_value());
  return std::move(reduced).value_or(ReducedWorkload());
}

TEST(ReduceWorkload, LeavesTheSmallestTransactionWhereAnyDoes) {
  const ReducedWorkload reduced =
      Reduced([](const auto& /*transactions*/) -> Expected<size_t> { return 1; });
  EXPECT_TRUE(reduced.is_minimal);
  EXPECT_EQ(reduced.transactions, std::vector{Put("a", "a")});
}

TEST(ReduceWorkload, KeepsWhatIsNeeded) {
  // A long value somewhere, and a deletion or a value of the same key after it: the order of keys
  // must stay, and the long value may be cut down to 300 bytes, not below.
  const ReducedWorkload reduced = Reduced([](const auto& transactions) -> Expected<size_t> {
    size_t after = 0;
    for (size_t i = 0; i < transactions.size(); ++i) {
      const bool is_long = std::ranges::any_of(
          transactions[i].changes, [](const Change& c) { return c.value->size() >= 300; });
      if (after > 0) return i + 1;
      if (is_long) after = i + 1;
    }
    return 0;
  });
  EXPECT_TRUE(reduced.is_minimal);
  ASSERT_EQ(reduced.transactions.size(), 2U);
  ASSERT_EQ(reduced.transactions[0].changes.size(), 1U);
  EXPECT_EQ(reduced.transactions[0].changes[0].value->size(), 500U);
  EXPECT_EQ(reduced.transactions[1].changes.size(), 1U);
}

TEST(ReduceWorkload, KeepsTheOrderOfKeys) {
  const ReducedWorkload reduced = Reduced([](const auto& transactions) -> Expected<size_t> {
    if (transactions.size() < 2) return 0;
    return transactions[0].changes[0].key < transactions[1].changes[0].key ? 2 : 0;
  });
  ASSERT_EQ(reduced.transactions.size(), 2U);
  EXPECT_EQ(reduced.transactions[0].changes[0].key, "a");
  EXPECT_EQ(reduced.transactions[1].changes[0].key, "b");
}

TEST(ReduceWorkload, SaysThatALimitEndedIt) {
  const ReducedWorkload reduced = Reduced(
      [](const auto& transactions) -> Expected<size_t> {
        return transactions.size() >= 40 ? transactions.size() : 0;
      },
      20);
  EXPECT_FALSE(reduced.is_minimal);
  EXPECT_GE(reduced.transactions.size(), 40U);
  EXPECT_LT(reduced.transactions.size(), 100U);
}

}  // namespace
}  // namespace plugpull
