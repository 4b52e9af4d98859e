// Goal: freed pages come back, by whichever way they are found, and never while anybody needs them.
// Method: what the file has grown to, what the check says, and readers that look on.
#include "engine/revision_tree/engine_testing.h"
#include "engine/revision_tree/tree_reader.h"

namespace plugpull::revision_tree {
namespace {

using testing::IsEmpty;
using testing::Not;

// Overwrites one of ten keys `commits` times. Returns: the pages of the file then.
int64_t Churn(Engine& engine, Vfs& vfs, int commits) {
  for (int i = 0; i < commits; ++i) {
    ApplyOk(engine, {{fmt::format("key{}", i % 10), std::string(300, static_cast<char>(i))}});
  }
  return HeaderOf(vfs).page_count;
}

TEST(RevisionReclaim, TheFileStopsGrowing) {
  const std::vector<OptionList> all = {
      {},
      {{"proposal", "K"}},
      {{"reclaim", "scan"}},
      {{"reclaim", "scan"}, {"reclaim_step", "2"}},
      {{"reclaim", "scan"}, {"proposal", "K"}},
      {{"bookkeeping", "copied_pages"}},
      {{"bookkeeping", "copied_pages"}, {"reclaim_every", "2"}, {"reclaim_step", "3"}},
  };
  for (const OptionList& options : all) {
    SCOPED_TRACE(options.empty() ? "default" : options.front().second + options.back().second);
    MemoryVfs vfs;
    const auto engine = OpenTree(vfs, options);
    const int64_t early = Churn(*engine, vfs, 60);
    const int64_t late = Churn(*engine, vfs, 60);
    EXPECT_LE(late, early + 5);
    ExpectClean(*engine);
  }
}

TEST(RevisionReclaim, WithoutAReclaimCopiedPagesStayListed) {
  MemoryVfs vfs;
  const auto engine =
      OpenTree(vfs, {{"bookkeeping", "copied_pages"}, {"reclaim_every", "1000000"}});
  const int64_t early = Churn(*engine, vfs, 30);
  const int64_t late = Churn(*engine, vfs, 30);
  EXPECT_GT(late, early + 30);
  ExpectClean(*engine);
}

TEST(RevisionReclaim, ReadersHoldTheirPagesAndLetThemGo) {
  const std::vector<OptionList> all = {{},
                                       {{"reclaim", "scan"}, {"reclaim_every", "1"}},
                                       {{"bookkeeping", "copied_pages"}, {"reclaim_every", "1"}}};
  for (const OptionList& options : all) {
    MemoryVfs vfs;
    const auto engine = OpenTree(vfs, options);
    Churn(*engine, vfs, 20);
    const Contents seen = ContentsOf(*engine);
    std::unique_ptr<Snapshot> reader = cow_tree::OpenSnapshot(*engine);
    Churn(*engine, vfs, 25);
    EXPECT_EQ(ContentsOf(*reader), seen);
    ExpectClean(*engine);
    reader.reset();
    const int64_t early = Churn(*engine, vfs, 20);
    EXPECT_LE(Churn(*engine, vfs, 40), early + 5);
    ExpectClean(*engine);
  }
}

TEST(RevisionReclaim, MutantMV5TakesThePagesOfReaders) {
  for (const char* bookkeeping : {"off", "copied_pages"}) {
    MemoryVfs vfs;
    const auto engine =
        OpenTree(vfs, {{"mutant", "MV5"}, {"bookkeeping", bookkeeping}, {"reclaim_every", "1"}});
    Churn(*engine, vfs, 20);
    const Contents seen = ContentsOf(*engine);
    const std::unique_ptr<Snapshot> reader = cow_tree::OpenSnapshot(*engine);
    Churn(*engine, vfs, 5);
    EXPECT_NE(ContentsOf(*reader), seen);
    EXPECT_THAT(ReportOf(*engine).structure, Not(IsEmpty()));
  }
}

// Proposal K to the letter finds no crash, so it leaks; a scan gets the pages back.
TEST(RevisionReclaim, AScanGetsBackWhatProposalKLeaks) {
  const auto growth = [](const char* reclaim) {
    MemoryVfs vfs;
    const OptionList options = {{"proposal", "K"}, {"trust", "equal"}, {"reclaim", reclaim}};
    int64_t early = 0;
    for (int round = 0; round < 60; ++round) {
      const auto engine = OpenTree(vfs, options);
      Churn(*engine, vfs, 5);
      ExpectClean(*engine);  // a leak that a scan would find is none yet
      if (round == 30) early = HeaderOf(vfs).page_count;
    }
    return HeaderOf(vfs).page_count - early;
  };
  EXPECT_GT(growth("free_list"), 60);
  EXPECT_LT(growth("scan"), 10);
}

TEST(RevisionReclaim, AFailedCommitKeepsThePagesOfReaders) {
  MemoryVfs memory;
  LoggingVfs vfs(memory);
  const auto engine = OpenTree(vfs);
  Churn(*engine, memory, 20);
  const Contents seen = ContentsOf(*engine);
  const std::unique_ptr<Snapshot> reader = cow_tree::OpenSnapshot(*engine);
  Churn(*engine, memory, 5);
  vfs.fail_at = 3;
  EXPECT_FALSE(engine->Apply(Transaction{{{"key1", "lost"}}}).has_value());
  Churn(*engine, memory, 25);
  EXPECT_EQ(ContentsOf(*reader), seen);
  ExpectClean(*engine);
}

TEST(RevisionCompaction, LeavesTheNewestRevisionAlone) {
  for (const char* bookkeeping : {"off", "copied_pages"}) {
    MemoryVfs vfs;
    auto engine = OpenTree(vfs, {{"bookkeeping", bookkeeping}});
    for (int i = 0; i < 60; ++i) ApplyOk(*engine, {{fmt::format("k{}", i), std::string(400, 'x')}});
    for (int i = 5; i < 60; ++i) ApplyOk(*engine, {{fmt::format("k{}", i), std::nullopt}});
    const Contents contents = ContentsOf(*engine);
    CloseOk(engine);
    const Header before = HeaderOf(vfs);
    engine = OpenTree(vfs, {{"bookkeeping", bookkeeping}, {"compact_every", "1"}});
    ApplyOk(*engine, {});
    const Header after = HeaderOf(vfs);
    EXPECT_LT(after.page_count, before.page_count / 3);
    EXPECT_EQ(after.current, before.current + 1);
    EXPECT_EQ(after.first_free, kNoOffset);
    EXPECT_EQ(ContentsOf(*engine), contents);
    ExpectClean(*engine);
    EXPECT_FALSE(*vfs.Exists(kCompactedPath));
    ApplyOk(*engine, {{"more", "1"}});
    CloseOk(engine);
    EXPECT_EQ(ContentsOf(*OpenTree(vfs)).size(), contents.size() + 1);
  }
}

TEST(RevisionCompaction, WaitsForReaders) {
  MemoryVfs vfs;
  const auto engine = OpenTree(vfs, {{"compact_every", "2"}});
  Churn(*engine, vfs, 1);
  std::unique_ptr<Snapshot> reader = cow_tree::OpenSnapshot(*engine);
  const Contents seen = ContentsOf(*reader);
  Churn(*engine, vfs, 10);
  EXPECT_EQ(ContentsOf(*reader), seen);
  EXPECT_GE(HeaderOf(vfs).first_free, kNoOffset);
  reader.reset();
  Churn(*engine, vfs, 1);
  EXPECT_EQ(HeaderOf(vfs).first_free, kNoOffset);
  ExpectClean(*engine);
}

TEST(RevisionCompaction, AFailureAnywhereLeavesTheNewestRevision) {
  for (int step = 1; step <= 12; ++step) {
    SCOPED_TRACE(step);
    MemoryVfs memory;
    LoggingVfs vfs(memory);
    auto engine = OpenTree(vfs, {{"compact_every", "1"}});
    vfs.fail_at = step;
    const bool is_applied = engine->Apply(Transaction{{{"a", "1"}}}).has_value();
    vfs.fail_at = 0;
    ApplyOk(*engine, {{"b", "2"}});
    EXPECT_EQ(ContentsOf(*engine).count("b"), 1U);
    EXPECT_TRUE(!is_applied || ContentsOf(*engine).contains("a"));
    ExpectClean(*engine);
    const Contents before = ContentsOf(*engine);
    engine.reset();
    EXPECT_EQ(ContentsOf(*OpenTree(memory)), before);
  }
}

}  // namespace
}  // namespace plugpull::revision_tree
