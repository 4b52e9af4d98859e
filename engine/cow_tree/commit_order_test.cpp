// Goal: what reaches the file, and in which order, is bbolt's commit protocol to the operation, and
// each mutant deviates in the one way that it is made for. Method: a Vfs that writes down changes
// and syncs. "write 4+1" is one write of one page at page 4.
#include "engine/cow_tree/test_support.h"

namespace plugpull::cow_tree {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CommitOrderTest : public testing::Test {
 protected:
  // Returns: the operations of the first commit of a new store, which grows the file.
  std::vector<std::string> FirstCommit(const OptionList& options) {
    engine_ = OpenStore(vfs_, options);
    vfs_.TakeLog();
    ApplyOk(*engine_, {{"a", "1"}});
    return vfs_.TakeLog();
  }

  std::vector<std::string> NextCommit(std::vector<Change> changes) {
    ApplyOk(*engine_, std::move(changes));
    return vfs_.TakeLog();
  }

  MemoryVfs memory_;
  LoggingVfs vfs_{memory_};
  std::unique_ptr<Engine> engine_;
};

TEST_F(CommitOrderTest, InitialisesWithOneWriteAndSyncsTheName) {
  OpenStore(vfs_);
  EXPECT_THAT(vfs_.TakeLog(), ElementsAre("write 0+4", "fdatasync", "sync directory ''"));
}

TEST_F(CommitOrderTest, DirsyncOffLeavesTheNameUnsynced) {
  OpenStore(vfs_, {{"dirsync", "0"}});
  EXPECT_THAT(vfs_.TakeLog(), ElementsAre("write 0+4", "fdatasync"));
}

TEST_F(CommitOrderTest, OpeningAnExistingStoreWritesNothing) {
  OpenStore(vfs_);
  vfs_.TakeLog();
  const std::unique_ptr<Engine> engine = OpenStore(vfs_);
  ContentsOf(*engine);
  ExpectClean(*engine);
  EXPECT_TRUE(engine->Close().has_value());
  EXPECT_THAT(vfs_.TakeLog(), IsEmpty());
}

TEST_F(CommitOrderTest, GrowsThenWritesPagesThenMeta) {
  EXPECT_THAT(FirstCommit({}), ElementsAre("truncate 32768", "fsync", "write 4+1", "write 5+1",
                                           "fdatasync", "write 0+1", "fdatasync"));
  // The pages that the first commit freed are free for the second, and slots alternate.
  EXPECT_THAT(NextCommit({{"b", "2"}}),
              ElementsAre("write 2+1", "write 3+1", "fdatasync", "write 1+1", "fdatasync"));
  EXPECT_THAT(NextCommit({{"c", "3"}}),
              ElementsAre("write 4+1", "write 5+1", "fdatasync", "write 0+1", "fdatasync"));
}

TEST_F(CommitOrderTest, SpareSyncsAreSyncsForNothing) {
  EXPECT_THAT(FirstCommit({{"spare_sync", "first"}}),
              ElementsAre("truncate 32768", "fsync", "fdatasync", "write 4+1", "write 5+1",
                          "fdatasync", "write 0+1", "fdatasync"));
}

TEST_F(CommitOrderTest, SpareSyncsOfPagesComeTwice) {
  EXPECT_THAT(FirstCommit({{"spare_sync", "twice"}}),
              ElementsAre("truncate 32768", "fsync", "write 4+1", "write 5+1", "fdatasync",
                          "fdatasync", "write 0+1", "fdatasync"));
}

TEST_F(CommitOrderTest, EmptyTransactionWritesFreelistAndMeta) {
  FirstCommit({});
  EXPECT_THAT(NextCommit({}), ElementsAre("write 2+1", "fdatasync", "write 1+1", "fdatasync"));
  EXPECT_THAT(NextCommit({{"absent", std::nullopt}}),
              ElementsAre("write 3+1", "fdatasync", "write 0+1", "fdatasync"));
}

TEST_F(CommitOrderTest, WritesOneRunPerNodeInAscendingOrder) {
  FirstCommit({});
  const std::string large(9000, 'x');
  // One leaf of three pages above the old end, the root leaf and the freelist below it.
  EXPECT_THAT(NextCommit({{"a", large}}),
              ElementsAre("truncate 65536", "fsync", "write 2+1", "write 3+1", "write 6+3",
                          "fdatasync", "write 1+1", "fdatasync"));
}

TEST_F(CommitOrderTest, NoFreelistWritesNone) {
  EXPECT_THAT(
      FirstCommit({{"freelist", "none"}}),
      ElementsAre("truncate 32768", "fsync", "write 4+1", "fdatasync", "write 0+1", "fdatasync"));
  EXPECT_EQ(StoreImage(memory_).Active().freelist, kNoFreelist);
}

TEST_F(CommitOrderTest, NoSyncSkipsBothSyncsButNotThatOfGrowth) {
  EXPECT_THAT(FirstCommit({{"nosync", "1"}}),
              ElementsAre("truncate 32768", "fsync", "write 4+1", "write 5+1", "write 0+1"));
}

TEST_F(CommitOrderTest, NoGrowSyncGrowsByWriting) {
  EXPECT_THAT(FirstCommit({{"nogrowsync", "1"}}),
              ElementsAre("write 4+1", "write 5+1", "fdatasync", "write 0+1", "fdatasync"));
}

// bbolt: opening a file without a freelist, when asked to keep one, commits an empty transaction.
TEST_F(CommitOrderTest, OpeningWritesTheFreelistThatWasMissing) {
  FirstCommit({{"freelist", "none"}});
  engine_.reset();
  engine_ = OpenStore(vfs_, {});
  // The first commit of a process makes sure of the meta that it has found.
  EXPECT_THAT(vfs_.TakeLog(), ElementsAre("write 0+1", "fdatasync", "sync directory ''",
                                          "write 2+1", "fdatasync", "write 1+1", "fdatasync"));
  EXPECT_EQ(ContentsOf(*engine_), (Contents{{"a", "1"}}));
  ExpectClean(*engine_);
}

TEST_F(CommitOrderTest, TheFirstCommitAfterAnOpenMakesSureOfTheMetaUnlessToldNotTo) {
  FirstCommit({});
  engine_ = nullptr;
  engine_ = OpenStore(vfs_, {{"settle", "0"}});
  EXPECT_THAT(NextCommit({{"b", "2"}}),
              ElementsAre("write 2+1", "write 3+1", "fdatasync", "write 1+1", "fdatasync"));
  engine_ = nullptr;
  engine_ = OpenStore(vfs_, {});
  EXPECT_THAT(NextCommit({{"c", "3"}}),
              ElementsAre("write 1+1", "fdatasync", "sync directory ''", "write 4+1", "write 5+1",
                          "fdatasync", "write 0+1", "fdatasync"));
}

TEST_F(CommitOrderTest, MutantM1SkipsTheDataSync) {
  EXPECT_THAT(FirstCommit({{"mutant", "M1"}}), ElementsAre("truncate 32768", "fsync", "write 4+1",
                                                           "write 5+1", "write 0+1", "fdatasync"));
}

TEST_F(CommitOrderTest, MutantM2WritesTheMetaFirst) {
  EXPECT_THAT(FirstCommit({{"mutant", "M2"}}),
              ElementsAre("truncate 32768", "fsync", "write 0+1", "fdatasync", "write 4+1",
                          "write 5+1", "fdatasync"));
}

TEST_F(CommitOrderTest, MutantM5OverwritesTheCommittedTree) {
  EXPECT_THAT(FirstCommit({{"mutant", "M5"}}),
              ElementsAre("write 2+1", "write 3+1", "fdatasync", "write 0+1", "fdatasync"));
}

TEST_F(CommitOrderTest, MutantM10aOpensTheOlderMeta) {
  FirstCommit({{"mutant", "M10a"}});
  NextCommit({{"a", "2"}});
  EXPECT_EQ(ContentsOf(*engine_), (Contents{{"a", "2"}}));
  engine_.reset();
  engine_ = OpenStore(vfs_, {{"mutant", "M10a"}});
  EXPECT_EQ(ContentsOf(*engine_), (Contents{{"a", "1"}}));
  ExpectClean(*engine_);
}

TEST_F(CommitOrderTest, MutantM11UpdatesLeavesInPlace) {
  EXPECT_THAT(FirstCommit({{"mutant", "M11"}}),
              ElementsAre("truncate 32768", "fsync", "write 3+1", "write 4+1", "fdatasync",
                          "write 0+1", "fdatasync"));
}

TEST_F(CommitOrderTest, MutantM15SyncsNothingOfANewStore) {
  OpenStore(vfs_, {{"mutant", "M15"}});
  EXPECT_THAT(vfs_.TakeLog(), ElementsAre("write 0+4"));
}

TEST_F(CommitOrderTest, MutantM18WritesTheFreelistAfterTheDataSync) {
  EXPECT_THAT(FirstCommit({{"mutant", "M18"}}),
              ElementsAre("truncate 32768", "fsync", "write 4+1", "fdatasync", "write 5+1",
                          "write 0+1", "fdatasync"));
}

TEST_F(CommitOrderTest, MutantM19SkipsTheMetaSync) {
  EXPECT_THAT(FirstCommit({{"mutant", "M19"}}), ElementsAre("truncate 32768", "fsync", "write 4+1",
                                                            "write 5+1", "fdatasync", "write 0+1"));
}

TEST_F(CommitOrderTest, MutantC2SyncsOnlyAStoreThatItCreated) {
  EXPECT_THAT(FirstCommit({{"mutant", "C2"}}),
              ElementsAre("truncate 32768", "fsync", "write 4+1", "write 5+1", "fdatasync",
                          "write 0+1", "fdatasync"));
  engine_.reset();
  engine_ = OpenStore(vfs_, {{"mutant", "C2"}});
  EXPECT_THAT(NextCommit({{"b", "2"}}), ElementsAre("write 2+1", "write 3+1", "write 1+1"));
}

// A failed commit is not an aborted one: the next look at the store says which of the two it is.
TEST_F(CommitOrderTest, FailureAtEveryStepLeavesOldOrNew) {
  for (int step = 1; step <= 7; ++step) {
    SCOPED_TRACE(step);
    MemoryVfs memory;
    LoggingVfs vfs(memory);
    const std::unique_ptr<Engine> engine = OpenStore(vfs);
    vfs.fail_at = step;
    const Expected<void> applied = engine->Apply(Transaction{{{"a", "1"}}});
    ASSERT_FALSE(applied.has_value());
    EXPECT_EQ(applied.error().code, ErrorCode::kIo);
    const bool is_meta_written = step == 7;  // only its sync failed
    EXPECT_EQ(ContentsOf(*engine), is_meta_written ? (Contents{{"a", "1"}}) : Contents{});
    ExpectClean(*engine);
    ApplyOk(*engine, {{"b", "2"}});
    EXPECT_EQ(ContentsOf(*engine).count("b"), 1U);
    ExpectClean(*engine);
    const Contents before = ContentsOf(*engine);
    const std::unique_ptr<Engine> other = MakeStore(vfs);
    EXPECT_THAT(other->Open().error().context, HasSubstr("timeout"));  // the lock is still held
    EXPECT_TRUE(engine->Close().has_value());
    EXPECT_EQ(ContentsOf(*OpenStore(vfs)), before);
  }
}

TEST_F(CommitOrderTest, GrowthDoublesTheMapping) {
  engine_ = OpenStore(vfs_);
  vfs_.TakeLog();
  std::vector<std::string> sizes;
  for (int round = 0; round < 60; ++round) {
    for (const std::string& operation :
         NextCommit({{fmt::format("key{}", round), std::string(4000, 'x')}})) {
      if (operation.starts_with("truncate")) sizes.push_back(operation);
    }
  }
  EXPECT_THAT(sizes, ElementsAre("truncate 32768", "truncate 65536", "truncate 131072",
                                 "truncate 262144", "truncate 524288"));
}

}  // namespace
}  // namespace plugpull::cow_tree
