// Goal: contents are legal exactly when they are those after some transaction of the window, and
// every other content gets the class that it deserves.
//
// Method: contents made by hand for each class; then random histories from which one thing is taken
// away, against a plain search over all sets of whole transactions.
#include "harness/reference_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "faults/base/random.h"
#include "harness/testing.h"
#include "workloads/workload.h"

namespace plugpull {
namespace {

using testing::HasSubstr;

ContentFault Diagnosis(const std::vector<Transaction>& transactions, const Content& content,
                       Window window) {
  const ReferenceModel model(transactions);
  return model.Diagnose(content, DigestOf(content), window);
}

TEST(Find, TakesTheNewestOfEqualStatesWithinTheBounds) {
  const std::vector<Transaction> transactions = {Put("a", "1"), {}, Put("b", "1"), Delete("b")};
  const ReferenceModel model(transactions);
  EXPECT_EQ(model.transactions(), 4u);
  const ContentDigest digest = DigestOf({{"a", "1"}});
  EXPECT_EQ(model.Find(digest, 0, 4), 4u);
  EXPECT_EQ(model.Find(digest, 0, 3), 2u);
  EXPECT_EQ(model.Find(digest, 1, 1), 1u);
  EXPECT_EQ(model.Find(digest, 3, 3), std::nullopt);
  EXPECT_EQ(model.Find(ContentDigest(), 0, 4), 0u);
  EXPECT_EQ(model.Find(ContentDigest(), 1, 4), std::nullopt);
}

TEST(Diagnose, LostCommitIsAnOlderStateInFull) {
  const ContentFault fault =
      Diagnosis({Put("a", "1"), Put("b", "2"), Put("c", "3")}, {{"a", "1"}}, {2, 3});
  EXPECT_EQ(fault.violation, ViolationClass::kLostCommit);
  EXPECT_EQ(fault.message,
            "recovered the state after transaction 1, but transaction 2 was acknowledged");
}

TEST(Diagnose, WrongValueIsOneThatNobodyWrote) {
  const std::vector<Transaction> transactions = {Put("a", "1"), Put("b", "2")};
  EXPECT_EQ(Diagnosis(transactions, {{"a", "1"}, {"b", "x"}}, {2, 2}).violation,
            ViolationClass::kWrongValue);
  const ContentFault fault = Diagnosis(transactions, {{"a", "1"}, {"z\n", "123"}}, {1, 2});
  EXPECT_EQ(fault.violation, ViolationClass::kWrongValue);
  EXPECT_EQ(fault.message, "key 'z\\x0a' shows a value of 3 bytes that no transaction wrote");
  // A value that is only written later was written by nobody yet.
  EXPECT_EQ(Diagnosis(transactions, {{"a", "1"}, {"b", "2"}}, {1, 1}).violation,
            ViolationClass::kWrongValue);
}

TEST(Diagnose, ResurrectedIsADeletedKeyThatIsBack) {
  const ContentFault fault = Diagnosis({Put("a", "1"), Put("b", "2"), Delete("a"), Put("c", "3")},
                                       {{"a", "1"}, {"b", "2"}, {"c", "3"}}, {4, 4});
  EXPECT_EQ(fault.violation, ViolationClass::kResurrected);
  EXPECT_EQ(fault.message,
            "key 'a' is back with the value of transaction 1, though it was deleted before "
            "transaction 4 was acknowledged");
}

TEST(Diagnose, PartialCommitIsHalfATransaction) {
  const std::vector<Transaction> transactions = {Put("a", "1"),
                                                 {.changes = {{"a", "2"}, {"b", "2"}}}};
  const ContentFault fault = Diagnosis(transactions, {{"a", "1"}, {"b", "2"}}, {1, 2});
  EXPECT_EQ(fault.violation, ViolationClass::kPartialCommit);
  EXPECT_EQ(fault.message, "transaction 2 is there in key 'b' and missing in key 'a'");
}

TEST(Diagnose, AKeyThatIsBackAloneIsHalfOfATransactionThatDeletedTwo) {
  const std::vector<Transaction> transactions = {{.changes = {{"a", "1"}, {"b", "1"}}},
                                                 {.changes = {{"a", std::nullopt}, {"b", "2"}}}};
  EXPECT_EQ(Diagnosis(transactions, {{"a", "1"}, {"b", "2"}}, {2, 2}).violation,
            ViolationClass::kPartialCommit);
}

TEST(Diagnose, HoleIsAMissingTransactionBeforeOneThatIsThere) {
  const ContentFault fault =
      Diagnosis({Put("a", "1"), Put("b", "2"), Put("c", "3")}, {{"a", "1"}, {"c", "3"}}, {1, 3});
  EXPECT_EQ(fault.violation, ViolationClass::kHole);
  EXPECT_EQ(fault.message,
            "transaction 2 is missing (key 'b'), but transaction 3 is there (key 'c')");
}

TEST(Diagnose, AHoleIsSeenWhereTheOnlyTraceOfTheLaterTransactionIsADeletion) {
  EXPECT_EQ(
      Diagnosis({Put("j", "0"), Put("k", "1"), Put("k", "2"), Delete("j")}, {{"k", "1"}}, {2, 4})
          .violation,
      ViolationClass::kHole);
}

TEST(Diagnose, EmptyValuesThatSeveralTransactionsWroteHideNothing) {
  const std::vector<Transaction> transactions = {
      Put("a", ""), Put("a", "x"), Put("a", ""), {.changes = {{"a", "y"}, {"b", "y"}}}};
  EXPECT_EQ(Diagnosis(transactions, {{"a", ""}, {"b", "y"}}, {3, 4}).violation,
            ViolationClass::kPartialCommit);
}

// --- Random histories ---

std::vector<Transaction> RandomHistory(Random& random, bool unique_values) {
  std::vector<Transaction> transactions(2 + random.Below(7));
  int next_value = 0;
  for (Transaction& transaction : transactions) {
    const uint64_t changes = random.Below(4);
    for (uint64_t i = 0; i < changes; ++i) {
      Change change{std::string(1, static_cast<char>('a' + random.Below(5))), std::nullopt};
      const int value = unique_values ? next_value++ : static_cast<int>(random.Below(2));
      if (!random.OneIn(1, 4)) change.value = std::to_string(value);
      transaction.changes.push_back(std::move(change));
    }
  }
  return transactions;
}

Content ContentOfSet(const std::vector<Transaction>& transactions, uint32_t attempted,
                     uint32_t set) {
  Content content;
  for (uint32_t i = 0; i < attempted; ++i) {
    if ((set >> i & 1) != 0) ApplyTo(content, transactions[i]);
  }
  return content;
}

bool IsSomeSetOfWholeTransactions(const std::vector<Transaction>& transactions, uint32_t attempted,
                                  const Content& content) {
  for (uint32_t set = 0; set < 1U << attempted; ++set) {
    if (ContentOfSet(transactions, attempted, set) == content) return true;
  }
  return false;
}

TEST(ReferenceModel, FindsItsOwnStatesAndNamesOlderOnesLostCommits) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed, "states");
    const std::vector<Transaction> transactions = RandomHistory(random, seed % 2 == 0);
    const ReferenceModel model(transactions);
    const uint32_t attempted = model.transactions();
    const uint32_t acknowledged = static_cast<uint32_t>(random.Below(attempted + 1));
    for (uint32_t number = 0; number <= attempted; ++number) {
      const Content content = ContentOfSet(transactions, number, UINT32_MAX);
      EXPECT_EQ(model.After(number), content);
      const ContentDigest digest = DigestOf(content);
      const auto found = model.Find(digest, acknowledged, attempted);
      if (number >= acknowledged) {
        ASSERT_TRUE(found.has_value()) << seed;
        EXPECT_EQ(model.After(*found), content);
      } else if (!found) {
        EXPECT_EQ(model.Diagnose(content, digest, {acknowledged, attempted}).violation,
                  ViolationClass::kLostCommit);
      }
    }
  }
}

TEST(ReferenceModel, DigestAfterIsThatOfTheContentsWithMoreOnTop) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed, "more");
    const std::vector<Transaction> transactions = RandomHistory(random, seed % 2 == 0);
    const std::vector<Transaction> more = RandomHistory(random, true);
    const ReferenceModel model(transactions);
    for (uint32_t number = 0; number <= model.transactions(); ++number) {
      Content content = model.After(number);
      for (const Transaction& transaction : more) ApplyTo(content, transaction);
      EXPECT_EQ(model.DigestAfter(number, more), DigestOf(content)) << seed << " " << number;
    }
  }
}

// Any contents made of attempted values: the class says truly whether transactions are whole.
TEST(Diagnose, SaysPartialCommitExactlyWhereNoSetOfWholeTransactionsExplainsTheContents) {
  std::map<ViolationClass, int> seen;
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    Random random(seed, "mixture");
    const std::vector<Transaction> transactions = RandomHistory(random, seed % 2 == 0);
    const ReferenceModel model(transactions);
    const uint32_t attempted = model.transactions();
    const uint32_t acknowledged = static_cast<uint32_t>(random.Below(attempted + 1));
    // Each key as some set of transactions leaves it.
    const Content left =
        ContentOfSet(transactions, attempted, static_cast<uint32_t>(random.Next()));
    const Content right =
        ContentOfSet(transactions, attempted, static_cast<uint32_t>(random.Next()));
    Content content;
    for (char key = 'a'; key <= 'e'; ++key) {
      const Content& from = random.OneIn(2, 3) ? left : right;
      const auto found = from.find(std::string(1, key));
      if (found != from.end()) content.insert(*found);
    }
    const ContentDigest digest = DigestOf(content);
    if (model.Find(digest, acknowledged, attempted)) continue;
    const ContentFault fault = model.Diagnose(content, digest, {acknowledged, attempted});
    ++seen[fault.violation];
    if (fault.violation == ViolationClass::kLostCommit) continue;
    EXPECT_EQ(fault.violation == ViolationClass::kPartialCommit,
              !IsSomeSetOfWholeTransactions(transactions, attempted, content))
        << seed << ": " << fault.message;
    EXPECT_NE(fault.violation, ViolationClass::kWrongValue) << seed;
  }
  EXPECT_GT(seen[ViolationClass::kPartialCommit], 100);
  EXPECT_GT(seen[ViolationClass::kHole], 100);
  EXPECT_GT(seen[ViolationClass::kResurrected], 3);
  EXPECT_GT(seen[ViolationClass::kLostCommit], 10);
}

TEST(Diagnose, ATransactionDroppedFromTheMiddleOfAWorkloadIsAHoleOrResurrected) {
  const std::vector<Transaction> transactions =
      FindWorkload("mixed")->generate({.seed = 4, .transactions = 60, .keys = 12});
  const ReferenceModel model(transactions);
  int holes = 0;
  for (uint32_t dropped = 2; dropped < 60; ++dropped) {
    const uint32_t attempted = std::min(60U, dropped + 3);
    Content content;
    for (uint32_t number = 1; number <= attempted; ++number) {
      if (number != dropped) ApplyTo(content, transactions[number - 1]);
    }
    const ContentDigest digest = DigestOf(content);
    if (model.Find(digest, 0, attempted)) continue;  // the later ones cover it up
    const ContentFault fault = model.Diagnose(content, digest, {attempted - 1, attempted});
    EXPECT_TRUE(fault.violation == ViolationClass::kHole ||
                fault.violation == ViolationClass::kResurrected)
        << dropped << ": " << fault.message;
    ++holes;
  }
  EXPECT_GT(holes, 20);
}

TEST(Diagnose, OneRevertedKeyOfATransactionIsAPartialCommit) {
  const std::vector<Transaction> transactions =
      FindWorkload("mixed")->generate({.seed = 4, .transactions = 80, .keys = 12});
  const ReferenceModel model(transactions);
  int partial = 0;
  for (uint32_t number = 2; number <= 80; ++number) {
    const Content before = model.After(number - 1);
    const Content after = model.After(number);
    std::vector<std::string> long_values;  // that only this transaction wrote
    for (const auto& [key, value] : after) {
      const auto old = before.find(key);
      const bool is_new = old == before.end() || old->second != value;
      if (is_new && value.size() >= 12) long_values.push_back(key);
    }
    if (long_values.size() < 2) continue;
    Content content = after;
    const std::string& reverted = long_values.front();
    content.erase(reverted);
    if (before.contains(reverted)) content[reverted] = before.at(reverted);
    const ContentFault fault = model.Diagnose(content, DigestOf(content), {number - 1, number});
    EXPECT_EQ(fault.violation, ViolationClass::kPartialCommit) << fault.message;
    EXPECT_THAT(fault.message, HasSubstr("missing in key '" + reverted + "'"));
    ++partial;
  }
  EXPECT_GT(partial, 20);
}

// Three transactions and what a crash had undone before the third: two changes and a deletion.
const std::vector<Transaction> kWithUndone = {
    Put("a", "1"), Put("b", "2"), Put("c", "3"), {.changes = {{"a", "undone"}, {"d", "undone"}}},
    Delete("b"),
};
constexpr size_t kUndone = 2;

ContentFault DiagnoseUndone(const Content& content) {
  const ReferenceModel model(kWithUndone, kUndone);
  EXPECT_EQ(model.transactions(), 3u);
  return model.Diagnose(content, DigestOf(content), {2, 3});
}

TEST(ReferenceModel, CallsWhatAnEarlierCrashHadUndoneResurrected) {
  const Content one = {{"a", "undone"}, {"b", "2"}, {"d", "undone"}};
  EXPECT_EQ(DiagnoseUndone(one).violation, ViolationClass::kResurrected);
  const Content both = {{"a", "undone"}, {"d", "undone"}};
  EXPECT_EQ(DiagnoseUndone(both).violation, ViolationClass::kResurrected);
  const Content on_the_last = {{"a", "undone"}, {"b", "2"}, {"c", "3"}, {"d", "undone"}};
  EXPECT_EQ(DiagnoseUndone(on_the_last).violation, ViolationClass::kResurrected);
  const Content a_deletion = {{"a", "1"}, {"c", "3"}};
  EXPECT_EQ(DiagnoseUndone(a_deletion).violation, ViolationClass::kResurrected);
}

TEST(ReferenceModel, CallsAPartOfWhatWasUndoneAPartialCommit) {
  const ContentFault fault = DiagnoseUndone({{"a", "undone"}, {"b", "2"}});
  EXPECT_EQ(fault.violation, ViolationClass::kPartialCommit);
  EXPECT_NE(fault.message.find("key 'a'"), std::string::npos) << fault.message;
}

TEST(ReferenceModel, CallsAValueThatNobodyWroteWrongAlsoBesideOneThatWasUndone) {
  const Content content = {{"a", "undone"}, {"b", "nobody's"}, {"d", "undone"}};
  EXPECT_EQ(DiagnoseUndone(content).violation, ViolationClass::kWrongValue);
}

}  // namespace
}  // namespace plugpull
