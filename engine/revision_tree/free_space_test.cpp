// Goal: a page is written again only when no durable header and no reader needs it, and the free
// chain is in the file what it is in memory. Method: a free space alone.
#include "engine/revision_tree/free_space.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/revision_tree/write_transaction.h"
#include "faults/vfs/memory_vfs.h"

namespace plugpull::revision_tree {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

FreedRun Freed(std::vector<PageNumber> pages, Revision first_use, Revision last_use,
               Revision freed_by) {
  FreedRun run;
  run.pages = std::move(pages);
  run.first_use = first_use;
  run.last_use = last_use;
  run.freed_by = freed_by;
  return run;
}

TEST(RevisionFreeSpace, PagesWaitForTheHeaderThatNoLongerNeedsThem) {
  FreeSpace space;
  Header header{.page_count = 9};
  space.Free(Freed({4, 5}, 1, 2, 3));
  space.Release(2, {});
  EXPECT_EQ(space.Allocate(header), 9U);  // the file grows
  EXPECT_EQ(header.page_count, 10);
  space.Release(3, {});
  EXPECT_EQ(space.Allocate(header), 5U);
  EXPECT_EQ(space.Allocate(header), 4U);
  EXPECT_FALSE(space.HasWaiting());
}

TEST(RevisionFreeSpace, PagesWaitForTheReadersThatReachThem) {
  FreeSpace space;
  space.Free(Freed({4}, 2, 5, 6));
  space.Release(9, ReaderSet{{5, 0}});
  EXPECT_THAT(space.Waiting(), ElementsAre(4));
  Header header{.page_count = 9};
  EXPECT_EQ(space.Allocate(header), 9U);
  space.Release(9, ReaderSet{{1, 0}, {6, 0}});  // one is older than the page, one is younger
  EXPECT_EQ(space.Allocate(header), 4U);
}

TEST(RevisionFreeSpace, TheChainComesBackFromTheFile) {
  MemoryVfs vfs;
  const auto file = *vfs.Open("store", {.create = true});
  Header header{.current = 1, .ongoing = 1, .root = 512, .page_count = 12};
  ASSERT_TRUE(file->Truncate(12 * 512).has_value());
  FreeSpace space;
  const std::vector<PageNumber> pages = {9, 7, 5, 3};
  space.AddLoose(pages);
  const std::vector<Link> links = space.ChainLoose(header);
  EXPECT_EQ(space.HeadBeforeLast(header), kNoOffset);
  ASSERT_TRUE(WriteLinks(*file, 512, links).has_value());
  header.first_free = space.Head(header);
  EXPECT_EQ(header.first_free, 3 * 512);

  PooledPageCache cache;
  cache->Attach(*file, header, 12);
  FreeSpace loaded;
  ASSERT_TRUE(loaded.LoadChain(*cache, header).has_value());
  EXPECT_EQ(loaded.chain(), pages);
  EXPECT_EQ(loaded.Allocate(header), 3U);  // the head first
  EXPECT_EQ(loaded.Head(header), 5 * 512);
  EXPECT_THAT(loaded.Waiting(), IsEmpty());
}

TEST(RevisionFreeSpace, AChainThatMakesNoSenseIsRefused) {
  MemoryVfs vfs;
  const auto file = *vfs.Open("store", {.create = true});
  Header header{.current = 1, .ongoing = 1, .root = 512, .first_free = 1024, .page_count = 12};
  ASSERT_TRUE(file->Truncate(12 * 512).has_value());
  const auto error_with = [&](int64_t next) {
    const std::vector<Link> links = {{.page = 2, .next = 1536}, {.page = 3, .next = next}};
    EXPECT_TRUE(WriteLinks(*file, 512, links).has_value());
    PooledPageCache cache;
    cache->Attach(*file, header, 12);
    const Expected<void> loaded = FreeSpace().LoadChain(*cache, header);
    return loaded ? std::string() : loaded.error().context;
  };
  EXPECT_EQ(error_with(kNoOffset), "");
  EXPECT_THAT(error_with(1024), testing::HasSubstr("page 2 is already in it"));
  EXPECT_THAT(error_with(0), testing::HasSubstr("bad offset"));
  EXPECT_THAT(error_with(12 * 512), testing::HasSubstr("bad offset"));
  EXPECT_THAT(error_with(1537), testing::HasSubstr("bad offset"));
  EXPECT_THAT(error_with(-2), testing::HasSubstr("bad offset"));
}

}  // namespace
}  // namespace plugpull::revision_tree
