// Goal: the sync that is named is the one that the program forgot, at its place; where the bug is
// none that a sync could mend, none is named.
#include "harness/missing_sync.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/explain_testing.h"
#include "harness/user_program.h"

namespace plugpull {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

SyncAdvice AdviceFor(const Case& saved) {
  const Expected<std::unique_ptr<PointSearch>> search = MakeSearch(saved.trace, saved.settings, 1);
  EXPECT_TRUE(search.has_value());
  const Expected<SyncAdvice> advice =
      FindMissingSync(saved, **TypeOfTarget(saved.settings), **search);
  EXPECT_TRUE(advice.has_value());
  return advice.value_or(SyncAdvice());
}

TEST(MissingSyncTest, SqliteLacksASyncOfTheDirectoryBeforeItAcknowledges) {
  const Case saved = SqliteCase();
  const SyncAdvice advice = AdviceFor(saved);
  const size_t acknowledged = LastOp(saved.trace, saved.trace.ops.size(), OpKind::kAcknowledge);
  EXPECT_EQ(advice.turned_by, acknowledged);
  EXPECT_THAT(
      advice.syncs,
      ElementsAre(SavingSync{.is_directory = true, .inode = kRootInode, .before = acknowledged}));
}

TEST(MissingSyncTest, M1LacksASyncOfThePagesBeforeTheMeta) {
  const Case saved = CaseOfM1();
  const SyncAdvice advice = AdviceFor(saved);
  const size_t meta = LastOp(saved.trace, saved.trace.ops.size(), IsMetaWrite);
  EXPECT_EQ(advice.turned_by, meta);
  EXPECT_THAT(advice.syncs,
              ElementsAre(SavingSync{.inode = saved.trace.ops[meta].inode, .before = meta}));
}

TEST(MissingSyncTest, M19LacksASyncOfTheMetaBeforeItAcknowledges) {
  const Case saved = CaseOfM19();
  const SyncAdvice advice = AdviceFor(saved);
  const size_t meta = LastOp(saved.trace, saved.trace.ops.size(), IsMetaWrite);
  const size_t acknowledged = LastOp(saved.trace, saved.trace.ops.size(), OpKind::kAcknowledge);
  EXPECT_THAT(advice.syncs, ElementsAre(SavingSync{.inode = saved.trace.ops[meta].inode,
                                                   .before = acknowledged}));
}

// Without a journal, pages of a transaction that are there while its last one is not are damage,
// whatever is synced when: the last one was not even issued a moment before.
TEST(MissingSyncTest, WhereNoSyncHelpsNoneIsNamed) {
  const std::string target = "sqlite:journal=off,sync=full";
  std::vector<Transaction> transactions = SmallTransactions(2);
  Transaction wide;
  for (uint32_t i = 0; i < 40; ++i) {
    wide.changes.push_back({.key = "wide-" + std::to_string(i), .value = std::string(400, 'w')});
  }
  transactions.push_back(wide);
  const Trace trace = TraceOf(target, transactions);
  const size_t last = LastOp(trace, trace.ops.size(), OpKind::kWrite);
  const Case saved =
      CaseOf(target, trace, last + 1, {{static_cast<uint32_t>(last), AtomKind::kData, 0}});
  const SyncAdvice advice = AdviceFor(saved);
  EXPECT_TRUE(advice.was_searched);
  EXPECT_FALSE(advice.turned_by.has_value());
  EXPECT_THAT(advice.syncs, IsEmpty());
}

TEST(MissingSyncTest, ASyncMoreStandsBeforeItsOperation) {
  const Case saved = SqliteCase();
  const size_t count = saved.trace.ops.size();
  const Trace more =
      WithSync(saved.trace, {.is_directory = true, .inode = kRootInode, .before = count - 1});
  ASSERT_EQ(more.ops.size(), count + 1);
  EXPECT_EQ(more.ops[count - 1].kind, OpKind::kSyncDirectory);
  EXPECT_EQ(more.ops[count], saved.trace.ops[count - 1]);
}

}  // namespace
}  // namespace plugpull
