// Goal: pages come back in the order and at the time in which bbolt's array freelist gives them
// back, and never twice.
#include "engine/cow_tree/free_list.h"

#include <numeric>

#include "engine/cow_tree/test_support.h"

namespace plugpull::cow_tree {
namespace {

FreeList ListOf(std::vector<PageId> ids) {
  FreeList list{Options{}};
  EXPECT_TRUE(
      list.Assign(std::move(ids), /*high_water_mark=*/1000000, /*committed=*/1).has_value());
  return list;
}

TEST(FreeList, LowestContiguousRunFirst) {
  FreeList list = ListOf({3, 5, 6, 9, 10, 11, 20});
  EXPECT_EQ(list.Allocate(2), 5U);
  EXPECT_EQ(list.Allocate(1), 3U);
  EXPECT_EQ(list.Allocate(4), 0U);
  EXPECT_EQ(list.Allocate(2), 9U);
  EXPECT_EQ(list.Allocate(1), 11U);
  EXPECT_EQ(list.Allocate(1), 20U);
  EXPECT_EQ(list.Allocate(1), 0U);
}

TEST(FreeList, FreedPagesArePendingUntilReleased) {
  FreeList list = ListOf({});
  list.Begin(/*transaction_id=*/1, {});
  EXPECT_TRUE(list.Free(7, /*overflow=*/2).has_value());
  EXPECT_EQ(list.Allocate(1), 0U);
  list.Begin(/*transaction_id=*/2, {});
  EXPECT_EQ(list.Allocate(3), 7U);
}

TEST(FreeList, MutantM5ReusesAtOnce) {
  Options options;
  options.protocol.reuse_freed_pages_at_once = true;
  FreeList list(options);
  EXPECT_TRUE(list.Free(7, /*overflow=*/0).has_value());
  EXPECT_EQ(list.Allocate(1), 7U);
}

TEST(FreeList, RefusesWhatCannotBeFree) {
  FreeList list = ListOf({5});
  EXPECT_EQ(list.Free(5, 0).error().context, "page 5 already freed");
  EXPECT_EQ(list.Free(4, 1).error().context, "page 5 already freed");
  EXPECT_EQ(list.Free(1, 0).error().context, "cannot free page 0 or 1: 1");
  FreeList other{Options{}};
  EXPECT_EQ(other.Assign({0}, 10, 1).error().context, "invalid page allocation: 0");
  EXPECT_EQ(other.Assign({10}, 10, 1).error().context, "page 10: out of bounds: 10");
  EXPECT_EQ(other.Assign({4, 3, 4}, 10, 1).error().context, "page 4: already freed");
}

// Which pages may go when: bbolt's release up to the oldest reader, and its release of what was
// both allocated and freed between two readers.
class ReaderRulesTest : public testing::Test {
 protected:
  // Transaction 5 allocates pages 10 and 11; 7 frees 10, 9 frees 11; 50 was there before.
  void Make(FreePolicy policy = FreePolicy::kStock) {
    list_ = FreeList(Options{.free_policy = policy});
    ASSERT_TRUE(list_.Assign({10, 11}, /*high_water_mark=*/100, /*committed=*/4).has_value());
    list_.Begin(5, {});
    ASSERT_EQ(list_.Allocate(1), 10U);
    ASSERT_EQ(list_.Allocate(1), 11U);
  }

  // Returns: the pages that are free when transaction 10 starts under these readers, which are
  // there since transaction 6.
  std::vector<PageId> FreeUnder(const ReaderSet& readers, FreePolicy policy = FreePolicy::kStock) {
    Make(policy);
    list_.Begin(7, readers);
    EXPECT_TRUE(list_.Free(10, 0).has_value());
    EXPECT_TRUE(list_.Free(50, 0).has_value());
    list_.Begin(9, readers);
    EXPECT_TRUE(list_.Free(11, 0).has_value());
    list_.Begin(10, readers);
    std::vector<PageId> free_pages;
    while (const PageId id = list_.Allocate(1)) free_pages.push_back(id);
    return free_pages;
  }

  FreeList list_{Options{}};
};

TEST_F(ReaderRulesTest, NoReaders) { EXPECT_EQ(FreeUnder({}), (std::vector<PageId>{10, 11, 50})); }

TEST_F(ReaderRulesTest, OldestReaderHoldsBackWhatItMayRead) {
  EXPECT_EQ(FreeUnder({6}), (std::vector<PageId>{}));
  EXPECT_EQ(FreeUnder({8}), (std::vector<PageId>{10, 50}));
  EXPECT_EQ(FreeUnder({9}), (std::vector<PageId>{10, 50}));
}

// Nobody knows who allocated page 50: it waits for the reader, and the others do not.
TEST_F(ReaderRulesTest, PagesYoungerThanEveryReaderDoNotWait) {
  EXPECT_EQ(FreeUnder({4}), (std::vector<PageId>{10, 11}));
}

TEST_F(ReaderRulesTest, PagesBetweenTwoReadersDoNotWait) {
  EXPECT_EQ(FreeUnder({4, 8}), (std::vector<PageId>{10}));
  EXPECT_EQ(FreeUnder({4, 4, 8}), (std::vector<PageId>{10}));
  EXPECT_EQ(FreeUnder({5, 8}), (std::vector<PageId>{}));
}

TEST_F(ReaderRulesTest, TwoGenerationsWaitForOneTransactionMore) {
  EXPECT_EQ(FreeUnder({}, FreePolicy::kHoldTwoGenerations), (std::vector<PageId>{10, 50}));
  EXPECT_EQ(FreeUnder({4}, FreePolicy::kHoldTwoGenerations), (std::vector<PageId>{10}));
}

TEST_F(ReaderRulesTest, UndoKeepsWhatIsKnownOfAges) {
  Make();
  list_.Begin(6, {});
  ASSERT_TRUE(list_.Free(10, 0).has_value());
  list_.Undo();
  list_.Begin(6, {5});
  ASSERT_TRUE(list_.Free(10, 0).has_value());
  list_.Begin(7, {5});
  EXPECT_EQ(list_.Allocate(1), 0U);  // allocated by 5, which is read
  list_.Begin(7, {4});
  EXPECT_EQ(list_.Allocate(1), 10U);
}

TEST_F(ReaderRulesTest, UndoGivesBackWhatWasAllocated) {
  FreeList list = ListOf({5, 6, 9});
  list.Begin(2, {});
  EXPECT_EQ(list.Allocate(2), 5U);
  EXPECT_TRUE(list.Free(20, /*overflow=*/1).has_value());
  list.Undo();
  EXPECT_EQ(list.StoredIds(), (std::vector<PageId>{5, 6, 9}));
  EXPECT_EQ(list.StoredCount(), 3U);
  EXPECT_FALSE(list.Has(20));
  EXPECT_FALSE(list.Has(21));
}

// After a commit that failed, the file says which of the two revisions counts.
TEST_F(ReaderRulesTest, AssignForgetsWhatDidNotCommit) {
  for (const uint64_t committed : {6, 7}) {
    Make();
    list_.Begin(7, {});
    ASSERT_TRUE(list_.Free(10, 0).has_value());
    ASSERT_TRUE(list_.Assign({20, 21}, /*high_water_mark=*/100, committed).has_value());
    EXPECT_EQ(list_.Has(10), committed == 7);
    list_.Begin(8, {6});
    EXPECT_EQ(list_.Allocate(1), 20U);
    EXPECT_EQ(list_.Allocate(1), 21U);
    EXPECT_EQ(list_.Allocate(1), 0U);
  }
}

TEST_F(ReaderRulesTest, HeldPagesAreOnlyThoseThatAreFree) {
  FreeList list(Options{.free_policy = FreePolicy::kHoldTwoGenerations});
  ASSERT_TRUE(list.Assign({5, 6, 9}, /*high_water_mark=*/100, /*committed=*/3).has_value());
  list.Hold({4, 6, 7}, /*freed_by=*/3);
  EXPECT_EQ(list.StoredIds(), (std::vector<PageId>{5, 6, 9}));
  list.Begin(4, {});
  EXPECT_EQ(list.Allocate(1), 5U);
  EXPECT_EQ(list.Allocate(1), 9U);
  EXPECT_EQ(list.Allocate(1), 0U);
  list.Begin(5, {});
  EXPECT_EQ(list.Allocate(1), 6U);
}

// More ids than 16 bits count: the true number goes into the first slot.
TEST(FreeList, LongListsEscapeTheirCount) {
  for (const size_t count : {0xFFFEU, 0xFFFFU, 0x10000U, 70000U}) {
    SCOPED_TRACE(count);
    std::vector<PageId> ids(count);
    std::iota(ids.begin(), ids.end(), PageId{2000});
    const uint64_t page_count = FreelistPageCount(count, 1024);
    std::vector<std::byte> run(page_count * 1024);
    StorePageHeader(run.data(), PageHeader{.overflow = static_cast<uint32_t>(page_count - 1)});
    SerializeFreelist(ids, /*id=*/2, run);
    EXPECT_EQ(LoadPageHeader(run.data()).count, std::min<size_t>(count, 0xFFFF));

    MemoryVfs vfs;
    const auto file = *vfs.Open("store.db", OpenOptions{.create = true});
    ASSERT_TRUE(file->Write(2 * 1024, run).has_value());
    PageCache pages;
    pages.Attach(*file, 1024, page_count + 2);
    const Expected<FreelistPage> page = FreelistPage::Read(pages, 2, page_count + 2);
    ASSERT_TRUE(page.has_value()) << Describe(page.error());
    ASSERT_EQ(page->count(), count);
    EXPECT_EQ(page->At(0), 2000U);
    EXPECT_EQ(page->At(count - 1), 2000U + count - 1);
  }
}

}  // namespace
}  // namespace plugpull::cow_tree
