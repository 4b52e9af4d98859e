// Goal: pages come back in the order and at the time in which bbolt's array freelist gives them
// back, and never twice.
#include "engine/cow_tree/free_list.h"

#include <numeric>

#include "engine/cow_tree/test_support.h"

namespace plugpull::cow_tree {
namespace {

FreeList ListOf(std::vector<PageId> ids) {
  FreeList list(/*reuse_freed_pages_at_once=*/false);
  EXPECT_TRUE(list.Assign(std::move(ids), /*high_water_mark=*/1000000).has_value());
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
  EXPECT_TRUE(list.Free(7, /*overflow=*/2).has_value());
  EXPECT_EQ(list.Allocate(1), 0U);
  list.ReleasePending();
  EXPECT_EQ(list.Allocate(3), 7U);
}

TEST(FreeList, MutantM5ReusesAtOnce) {
  FreeList list(/*reuse_freed_pages_at_once=*/true);
  EXPECT_TRUE(list.Free(7, /*overflow=*/0).has_value());
  EXPECT_EQ(list.Allocate(1), 7U);
}

TEST(FreeList, RefusesWhatCannotBeFree) {
  FreeList list = ListOf({5});
  EXPECT_EQ(list.Free(5, 0).error().context, "page 5 already freed");
  EXPECT_EQ(list.Free(4, 1).error().context, "page 5 already freed");
  EXPECT_EQ(list.Free(1, 0).error().context, "cannot free page 0 or 1: 1");
  FreeList other(/*reuse_freed_pages_at_once=*/false);
  EXPECT_EQ(other.Assign({0}, 10).error().context, "invalid page allocation: 0");
  EXPECT_EQ(other.Assign({10}, 10).error().context, "page 10: out of bounds: 10");
  EXPECT_EQ(other.Assign({4, 3, 4}, 10).error().context, "page 4: already freed");
}

// More ids than 16 bits count: the true number goes into the first slot.
TEST(FreeList, LongListsEscapeTheirCount) {
  for (const size_t count : {0xFFFEU, 0xFFFFU, 0x10000U, 70000U}) {
    SCOPED_TRACE(count);
    std::vector<PageId> ids(count);
    std::iota(ids.begin(), ids.end(), PageId{2000});
    const FreeList list = ListOf(ids);
    const uint64_t page_count = list.PageCountFor(1024);
    std::vector<std::byte> run(page_count * 1024);
    StorePageHeader(run.data(), PageHeader{.overflow = static_cast<uint32_t>(page_count - 1)});
    list.Serialize(/*id=*/2, run);
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
