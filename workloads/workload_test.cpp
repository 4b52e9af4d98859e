// Goal: a workload is the same for the same options, everywhere and next year, and it asks of an
// engine all that its description says.
#include "workloads/workload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <xxhash.h>

#include <map>
#include <set>
#include <string>

namespace plugpull {
namespace {

std::vector<Transaction> Generate(std::string_view name, const WorkloadOptions& options) {
  return FindWorkload(name)->generate(options);
}

// A hash of everything that a generator says.
uint64_t HashOf(const std::vector<Transaction>& transactions) {
  std::string text;
  for (const Transaction& transaction : transactions) {
    for (const Change& change : transaction.changes) {
      text += change.key + (change.value ? "=" + *change.value : "-") + '\0';
    }
    text += '\n';
  }
  return XXH3_64bits(text.data(), text.size());
}

TEST(Workloads, HaveDistinctNamesAndAreFoundByThem) {
  std::set<std::string_view> names;
  for (const Workload& workload : Workloads()) {
    EXPECT_TRUE(names.insert(workload.name).second) << workload.name;
    EXPECT_FALSE(workload.description.empty());
    EXPECT_EQ(FindWorkload(workload.name), &workload);
  }
  EXPECT_EQ(FindWorkload("mixd"), nullptr);
  EXPECT_EQ(FindWorkload(""), nullptr);
}

TEST(Workloads, DependOnTheSeedAndOnNothingElse) {
  for (const Workload& workload : Workloads()) {
    const WorkloadOptions options{.seed = 7, .transactions = 50, .keys = 20};
    EXPECT_EQ(workload.generate(options), workload.generate(options)) << workload.name;
    WorkloadOptions other = options;
    other.seed = 8;
    EXPECT_NE(workload.generate(options), workload.generate(other)) << workload.name;
  }
}

// A generator that draws differently is another generator: change these and kGeneratorVersion
// together, so that recorded runs can say which one made them.
TEST(Workloads, DrawWhatTheirVersionSays) {
  ASSERT_EQ(kGeneratorVersion, 1u);
  std::map<std::string, uint64_t> hashes;
  for (const Workload& workload : Workloads()) {
    hashes[std::string(workload.name)] =
        HashOf(workload.generate({.seed = 1, .transactions = 200, .keys = 40}));
  }
  hashes["use"] = HashOf(UseAfterRecovery(1, 40));
  EXPECT_EQ(hashes, (std::map<std::string, uint64_t>{{"append", 8959624496635028517U},
                                                     {"falcon", 6994297161168608712U},
                                                     {"falcon-delete", 1756364287968535124U},
                                                     {"falcon-overwrite", 3365113294117848670U},
                                                     {"falcon-three", 2333709857202370297U},
                                                     {"mixed", 10233578279982710017U},
                                                     {"roles", 17254569364570840188U},
                                                     {"single", 4178760057777749753U},
                                                     {"use", 14088602706607708091U}}));
}

TEST(Workloads, AreAsLongAsAskedForAlsoWhenThatIsNothing) {
  for (const Workload& workload : Workloads()) {
    for (const uint32_t transactions : {0U, 1U, 17U}) {
      EXPECT_EQ(workload.generate({.transactions = transactions}).size(), transactions)
          << workload.name;
    }
  }
}

TEST(Workloads, WorkWithOneKey) {
  for (const Workload& workload : Workloads()) {
    const auto transactions = workload.generate({.seed = 3, .transactions = 300, .keys = 1});
    EXPECT_EQ(transactions.size(), 300u) << workload.name;
    if (workload.name == "append" || !workload.engine.empty()) continue;
    for (const Transaction& transaction : transactions) {
      for (const Change& change : transaction.changes) EXPECT_EQ(change.key, "key-000000");
    }
  }
}

TEST(Workloads, StayWithinTheirKeys) {
  for (const std::string_view name : {"mixed", "single", "roles"}) {
    std::set<std::string> keys;
    for (const Transaction& transaction :
         Generate(name, {.seed = 5, .transactions = 400, .keys = 12})) {
      for (const Change& change : transaction.changes) keys.insert(change.key);
    }
    EXPECT_EQ(keys.size(), 12u) << name;
    EXPECT_EQ(*keys.begin(), "key-000000") << name;
    EXPECT_EQ(*keys.rbegin(), "key-000011") << name;
  }
}

// What a workload does, counted.
struct Census {
  std::set<size_t> footprints;
  size_t empty = 0;
  size_t large = 0;    // over a page
  size_t deletes = 0;  // of one key
  size_t emptied = 0;  // ranges of more than three neighbours deleted in one transaction
};

Census Take(const std::vector<Transaction>& transactions) {
  Census census;
  for (const Transaction& transaction : transactions) {
    census.footprints.insert(transaction.changes.size());
    size_t deleted = 0;
    for (const Change& change : transaction.changes) {
      if (!change.value) {
        ++deleted;
      } else if (change.value->empty()) {
        ++census.empty;
      } else if (change.value->size() > 4096) {
        ++census.large;
      }
    }
    const bool range = deleted == transaction.changes.size() && deleted > 3;
    if (range) ++census.emptied;
    if (!range) census.deletes += deleted;
  }
  return census;
}

TEST(Mixed, VariesFootprintsFromNoneToHundreds) {
  const Census census = Take(Generate("mixed", {.seed = 1, .transactions = 2000, .keys = 1000}));
  EXPECT_TRUE(census.footprints.contains(0));
  EXPECT_TRUE(census.footprints.contains(1));
  EXPECT_GT(*census.footprints.rbegin(), 300u);
  EXPECT_GT(census.footprints.size(), 40u);
}

TEST(Mixed, TakesEveryPathOfAnEnginesPageCode) {
  for (const uint64_t seed : {1U, 2U, 3U}) {
    const Census census = Take(Generate("mixed", {.seed = seed, .transactions = 200, .keys = 40}));
    EXPECT_GT(census.empty, 0u) << seed;
    EXPECT_GT(census.large, 0u) << seed;
    EXPECT_GT(census.deletes, 0u) << seed;
    EXPECT_GT(census.emptied, 0u) << seed;
  }
}

TEST(Mixed, FewKeysBoundTheFootprint) {
  const Census census = Take(Generate("mixed", {.seed = 1, .transactions = 2000, .keys = 3}));
  EXPECT_LE(*census.footprints.rbegin(), 6u);
}

TEST(Single, ChangesOneKeyATransaction) {
  for (const Transaction& transaction : Generate("single", {.transactions = 100})) {
    ASSERT_EQ(transaction.changes.size(), 1u);
    EXPECT_TRUE(transaction.changes[0].value.has_value());
  }
}

TEST(Append, WritesNewKeysInAscendingOrder) {
  std::string last;
  for (const Transaction& transaction : Generate("append", {.transactions = 500, .keys = 1})) {
    ASSERT_EQ(transaction.changes.size(), 1u);
    EXPECT_GT(transaction.changes[0].key, last);
    last = transaction.changes[0].key;
  }
}

TEST(Roles, BeginsWithAllKeysAndVariesItsFootprint) {
  const std::vector<Transaction> transactions =
      Generate("roles", {.seed = 1, .transactions = 300, .keys = 20'000});
  EXPECT_EQ(transactions.front().changes.size(), 20'000u);
  const Census census = Take({transactions.begin() + 1, transactions.end()});
  EXPECT_EQ(census.footprints, (std::set<size_t>{1, 5, 10, 50, 200, 1000}));
  EXPECT_GT(census.emptied, 10u);
}

// The reference model can tell who wrote a value only where values differ.
TEST(Workloads, NeverWriteALongerValueTwice) {
  for (const Workload& workload : Workloads()) {
    std::set<std::string> values;
    for (const Transaction& transaction : workload.generate({.transactions = 500})) {
      for (const Change& change : transaction.changes) {
        if (!change.value || change.value->size() < 12) continue;
        EXPECT_TRUE(values.insert(*change.value).second) << workload.name;
      }
    }
  }
}

TEST(UseAfterRecovery, WritesDeletesAndOverflowsAPageWithinTheKeys) {
  for (const uint32_t keys : {1U, 40U}) {
    const std::vector<Transaction> transactions = UseAfterRecovery(9, keys);
    EXPECT_EQ(transactions, UseAfterRecovery(9, keys));
    const Census census = Take(transactions);
    EXPECT_EQ(transactions.size(), 2u);
    EXPECT_GT(census.large, 0u);
    EXPECT_GT(census.deletes, 0u);
    for (const Transaction& transaction : transactions) {
      for (const Change& change : transaction.changes) {
        EXPECT_GE(change.key, "key-000000");
        EXPECT_LT(change.key, keys == 1 ? "key-000001" : "key-000040");
      }
    }
  }
}

}  // namespace
}  // namespace plugpull
