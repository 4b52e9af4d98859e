// Goal: syncs that come from one place in a program are one, others are not, with call sites and
// without; and a sync with nothing to do is noticed.
#include "harness/sync_sites.h"

#include <gmock/gmock.h>

#include "harness/testing.h"
#include "harness/user_program.h"

namespace plugpull {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Op SyncOf(InodeId inode, OpKind kind = OpKind::kSync) { return {.kind = kind, .inode = inode}; }
Op Begin(uint32_t number) { return {.kind = OpKind::kBegin, .transaction = number}; }
Op Write(InodeId inode) { return {.kind = OpKind::kWrite, .inode = inode, .size_bytes = 4}; }

// A file that is made and synced, and two transactions that write and sync it twice.
Trace TwoTransactions() {
  Trace trace;
  trace.transactions = {Put("a", "1"), Put("b", "2")};
  trace.payload.resize(4);
  trace.ops = {{.kind = OpKind::kCreate, .inode = 2, .directory = kRootInode, .name = "f"},
               SyncOf(2),
               SyncOf(kRootInode, OpKind::kSyncDirectory),
               Begin(1),
               Write(2),
               SyncOf(2),
               SyncOf(2),
               Begin(2),
               Write(2),
               SyncOf(2),
               Write(2),
               SyncOf(2)};
  return trace;
}

TEST(SyncSites, WithoutFramesTheOrderInATransactionTellsThemApart) {
  const std::vector<SyncSite> sites = SyncSitesOf(TwoTransactions(), UserProgramType());
  ASSERT_EQ(sites.size(), 4U);
  EXPECT_EQ(sites[0].place, "the 1st before any transaction");
  EXPECT_THAT(sites[0].ops, ElementsAre(1));
  EXPECT_EQ(sites[0].transactions, 0U);
  EXPECT_EQ(sites[1].kind, OpKind::kSyncDirectory);
  EXPECT_EQ(sites[1].role, ".");
  EXPECT_EQ(sites[2].place, "the 1st of a transaction");
  EXPECT_EQ(sites[2].role, "f");
  EXPECT_THAT(sites[2].ops, ElementsAre(5, 9));
  EXPECT_EQ(sites[2].transactions, 2U);
  EXPECT_THAT(sites[3].ops, ElementsAre(6, 11));
}

TEST(SyncSites, FramesTellThemApartWhereTheyAreKnown) {
  Trace trace = TwoTransactions();
  trace.sites = {{.frames = {"Sync (a.cpp:1)", "Open (a.cpp:9)"}},
                 {.frames = {"Sync (a.cpp:1)", "Commit (a.cpp:5)"}}};
  for (const size_t op : {5, 6, 9, 11}) trace.ops[op].site = 2;
  trace.ops[1].site = 1;
  const std::vector<SyncSite> sites = SyncSitesOf(trace, UserProgramType());
  ASSERT_EQ(sites.size(), 3U);
  EXPECT_THAT(sites[0].frames, ElementsAre("Sync (a.cpp:1)", "Open (a.cpp:9)"));
  EXPECT_EQ(sites[0].place, "");
  EXPECT_EQ(sites[1].place, "the 1st before any transaction") << "nobody knows who called";
  EXPECT_THAT(sites[2].ops, ElementsAre(5, 6, 9, 11));
  EXPECT_EQ(sites[2].transactions, 2U);
}

TEST(SyncSites, FailedSyncsAreNoPlace) {
  Trace trace = TwoTransactions();
  for (Op& op : trace.ops) {
    if (IsSync(op.kind)) op.result_errno = 5;
  }
  EXPECT_THAT(SyncSitesOf(trace, UserProgramType()), IsEmpty());
}

TEST(SyncSites, ASyncWithNothingToDoIsIdle) {
  const Model& model = Models().front();
  EXPECT_THAT(IdleSyncs(TwoTransactions(), model, {1, 2, 5, 6, 9, 11}), ElementsAre(6));
}

}  // namespace
}  // namespace plugpull
