// Goal: what reaches the file, and in which order, is the report's protocol to the operation, and
// each mutant deviates in the one way that it is made for. Method: a Vfs that writes down changes
// and syncs. "write 4+1" is one write of PageIO 4; "+0" is less than one: a header slot (0 or 1),
// or a link in a free PageIO.
#include "engine/revision_tree/engine_testing.h"

namespace plugpull::revision_tree {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

class RevisionOrderTest : public testing::Test {
 protected:
  RevisionOrderTest() { vfs_.page_size = 512; }

  // Returns: the operations of the first commit of a new store.
  std::vector<std::string> FirstCommit(const OptionList& options) {
    engine_ = OpenTree(vfs_, options);
    vfs_.TakeLog();
    return NextCommit({{"a", "1"}});
  }

  std::vector<std::string> NextCommit(std::vector<Change> changes) {
    ApplyOk(*engine_, std::move(changes));
    return vfs_.TakeLog();
  }

  MemoryVfs memory_;
  LoggingVfs vfs_{memory_};
  std::unique_ptr<Engine> engine_;
};

TEST_F(RevisionOrderTest, ANewStoreIsOneWriteUnderAnotherName) {
  OpenTree(vfs_);
  EXPECT_THAT(vfs_.TakeLog(), ElementsAre("write 0+3", "fsync", "sync directory ''"));
}

TEST_F(RevisionOrderTest, ProposalEIsOngoingPagesCurrent) {
  EXPECT_THAT(FirstCommit({}), ElementsAre("sync directory ''", "write 1+0", "fsync", "write 3+1",
                                           "fsync", "write 0+0", "fsync"));
  // What the first commit freed is written by the second, and slots alternate.
  EXPECT_THAT(NextCommit({{"b", "2"}}),
              ElementsAre("write 1+0", "fsync", "write 2+1", "fsync", "write 0+0", "fsync"));
  EXPECT_THAT(NextCommit({{"c", "3"}}),
              ElementsAre("write 1+0", "fsync", "write 3+1", "fsync", "write 0+0", "fsync"));
}

TEST_F(RevisionOrderTest, WithoutABarrierTheFileIsMarkedOnce) {
  EXPECT_THAT(FirstCommit({{"barrier", "off"}}),
              ElementsAre("write 1+0", "fsync", "sync directory ''", "write 0+0", "write 3+1",
                          "fsync", "write 1+0", "fsync"));
  EXPECT_THAT(NextCommit({{"b", "2"}}),
              ElementsAre("write 0+0", "write 2+1", "fsync", "write 1+0", "fsync"));
}

TEST_F(RevisionOrderTest, ProposalKWritesTheHeaderOnceAndHoldsTwoGenerations) {
  EXPECT_THAT(FirstCommit({{"proposal", "K"}}),
              ElementsAre("write 1+0", "fsync", "sync directory ''", "write 3+1", "fsync",
                          "write 0+0", "fsync"));
  EXPECT_THAT(NextCommit({{"b", "2"}}), ElementsAre("write 4+1", "fsync", "write 1+0", "fsync"));
  EXPECT_THAT(NextCommit({{"c", "3"}}), ElementsAre("write 2+1", "fsync", "write 0+0", "fsync"));
}

TEST_F(RevisionOrderTest, PagesThatStayFreeJoinTheChainBeforeTheHeader) {
  FirstCommit({});
  NextCommit({{"b", std::string(1500, 'b')}});  // pages 2, 4, 5, 6
  EXPECT_THAT(NextCommit({{"b", std::nullopt}}),
              ElementsAre("write 1+0", "fsync", "write 3+1", "fsync", "write 0+0", "fsync"));
  EXPECT_THAT(NextCommit({}), ElementsAre("write 1+0", "fsync", "write 2+0", "write 4+0",
                                          "write 5+0", "write 6+0", "fsync", "write 0+0", "fsync"));
  ExpectClean(*engine_);
}

TEST_F(RevisionOrderTest, RecoverySettlesThenChainsThenSaysClean) {
  FirstCommit({});
  engine_.reset();
  engine_ = OpenTree(vfs_);
  EXPECT_THAT(vfs_.TakeLog(), ElementsAre("write 1+0", "fsync", "sync directory ''", "write 2+0",
                                          "fsync", "write 0+0", "fsync", "write 1+0", "fsync"));
  engine_.reset();
  engine_ = OpenTree(vfs_);
  EXPECT_THAT(vfs_.TakeLog(), IsEmpty());  // clean: nothing to do
}

TEST_F(RevisionOrderTest, ClosingChainsThenSaysClean) {
  FirstCommit({});
  CloseOk(engine_);
  EXPECT_THAT(vfs_.TakeLog(),
              ElementsAre("write 2+0", "fsync", "write 1+0", "fsync", "write 0+0", "fsync"));
  engine_ = OpenTree(vfs_);
  ContentsOf(*engine_);
  ExpectClean(*engine_);
  CloseOk(engine_);
  EXPECT_THAT(vfs_.TakeLog(), IsEmpty());
}

TEST_F(RevisionOrderTest, CompactionSyncsTheFileAndThenItsName) {
  FirstCommit({{"compact_every", "2"}, {"slots", "1"}});
  EXPECT_THAT(NextCommit({}), ElementsAre("write 0+0", "fsync", "write 1+0", "fsync", "write 0+0",
                                          "fsync", "write 0+2", "fsync", "sync directory ''"));
}

TEST_F(RevisionOrderTest, MutantMV1SkipsTheSyncOfThePages) {
  EXPECT_THAT(
      FirstCommit({{"mutant", "MV1"}}),
      ElementsAre("sync directory ''", "write 1+0", "fsync", "write 3+1", "write 0+0", "fsync"));
}

TEST_F(RevisionOrderTest, MutantMV2WritesTheHeaderFirst) {
  EXPECT_THAT(FirstCommit({{"mutant", "MV2"}}),
              ElementsAre("sync directory ''", "write 1+0", "fsync", "write 0+0", "fsync",
                          "write 3+1", "fsync"));
}

TEST_F(RevisionOrderTest, MutantMV3DoesNotRecover) {
  FirstCommit({{"mutant", "MV3"}});
  engine_.reset();
  engine_ = OpenTree(vfs_, {{"mutant", "MV3"}});
  EXPECT_THAT(vfs_.TakeLog(), IsEmpty());
  EXPECT_THAT(ReportOf(*engine_).leaks, Not(IsEmpty()));
  EXPECT_EQ(ContentsOf(*engine_), (Contents{{"a", "1"}}));
}

TEST_F(RevisionOrderTest, MutantMV4WritesOverTheCommittedTree) {
  EXPECT_THAT(FirstCommit({{"mutant", "MV4"}}), Contains("write 2+1"));
}

TEST_F(RevisionOrderTest, MutantMV6ChainsAPageTwice) {
  FirstCommit({{"mutant", "MV6"}});
  CloseOk(engine_);
  engine_ = OpenTree(vfs_);
  EXPECT_THAT(ReportOf(*engine_).structure, Contains(testing::HasSubstr("cycle")));
}

TEST_F(RevisionOrderTest, MutantMV7HasABareHeader) {
  FirstCommit({{"mutant", "MV7"}});
  EXPECT_EQ(HeaderOf(memory_).flags, kInUseFlag);
}

TEST_F(RevisionOrderTest, MutantMV9LeavesOutWhatWasChained) {
  FirstCommit({{"mutant", "MV9"}});
  CloseOk(engine_);
  EXPECT_EQ(HeaderOf(memory_).first_free, kNoOffset);
  engine_ = OpenTree(vfs_);
  EXPECT_THAT(ReportOf(*engine_).leaks, ElementsAre(testing::HasSubstr("page 2 ")));
  EXPECT_THAT(ReportOf(*engine_).structure, IsEmpty());
}

TEST_F(RevisionOrderTest, MutantMV10RenamesWhatWasNeverSynced) {
  FirstCommit({{"compact_every", "2"}, {"slots", "1"}, {"mutant", "MV10"}});
  EXPECT_THAT(NextCommit({}), ElementsAre("write 0+0", "fsync", "write 1+0", "fsync", "write 0+0",
                                          "fsync", "write 0+2"));
}

TEST_F(RevisionOrderTest, MutantMV12SaysCleanBeforeTheChainIsDurable) {
  FirstCommit({{"mutant", "MV12"}});
  engine_.reset();
  engine_ = OpenTree(vfs_, {{"mutant", "MV12"}});
  EXPECT_THAT(vfs_.TakeLog(), ElementsAre("write 1+0", "fsync", "sync directory ''", "write 2+0",
                                          "write 0+0", "write 1+0", "fsync"));
}

// A failed commit is not an aborted one: the next look at the store says which of the two it is.
TEST_F(RevisionOrderTest, FailureAtEveryStepLeavesOldOrNew) {
  for (const char* proposal : {"E", "K"}) {
    for (int step = 1; step <= 7; ++step) {
      SCOPED_TRACE(fmt::format("{} {}", proposal, step));
      MemoryVfs memory;
      LoggingVfs vfs(memory);
      std::unique_ptr<Engine> engine = OpenTree(vfs, {{"proposal", proposal}});
      vfs.fail_at = step;
      const Expected<void> applied = engine->Apply(Transaction{{{"a", "1"}}});
      ASSERT_FALSE(applied.has_value());
      EXPECT_EQ(applied.error().code, ErrorCode::kIo);
      const bool is_header_written = step == 7;  // only its sync failed
      EXPECT_EQ(ContentsOf(*engine), is_header_written ? (Contents{{"a", "1"}}) : Contents{});
      ExpectClean(*engine);
      ApplyOk(*engine, {{"b", "2"}});
      EXPECT_EQ(ContentsOf(*engine).count("b"), 1U);
      ExpectClean(*engine);
      const Contents before = ContentsOf(*engine);
      CloseOk(engine);
      EXPECT_EQ(ContentsOf(*OpenTree(vfs)), before);
    }
  }
}

}  // namespace
}  // namespace plugpull::revision_tree
