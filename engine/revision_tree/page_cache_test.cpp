// Goal: chains are followed to the end that their size tells and no further; each page is read
// once; what leads out of the store or back to itself is an error. Method: PageIOs by hand.
#include "engine/revision_tree/page_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "faults/base/bytes.h"
#include "faults/vfs/memory_vfs.h"

namespace plugpull::revision_tree {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RevisionPageCache : public testing::Test {
 protected:
  RevisionPageCache() : bytes_(20 * 64) { header_.page_size_bytes = 64; }

  void SetPage(PageNumber page, int64_t next, std::optional<int32_t> size = {}) {
    StoreInt64(&bytes_[page * 64], next);
    if (size) StoreInt32(&bytes_[page * 64 + 8], *size);
  }

  void Attach() {
    file_ = *vfs_.Open("store", {.create = true});
    EXPECT_TRUE(file_->Write(0, bytes_).has_value());
    cache_->Attach(*file_, header_, 20);
    cache_->ResetReads();
  }

  std::string ErrorOf(int64_t offset) {
    const Expected<Chain> chain = cache_->ReadChain(offset);
    return chain ? std::string() : chain.error().context;
  }

  MemoryVfs vfs_;
  std::unique_ptr<VfsFile> file_;
  std::vector<std::byte> bytes_;
  Header header_{.page_count = 20};
  PooledPageCache cache_;
};

TEST_F(RevisionPageCache, PutsAChainTogetherAndReadsEachPageOnce) {
  SetPage(8, 64 * 12, 52 + 56 + 3);
  SetPage(12, 64 * 9);
  SetPage(9, kNoOffset);
  std::ranges::fill(std::span(bytes_).subspan(8 * 64 + 12, 52), std::byte{'a'});
  std::ranges::fill(std::span(bytes_).subspan(12 * 64 + 8, 56), std::byte{'b'});
  std::ranges::fill(std::span(bytes_).subspan(9 * 64 + 8, 56), std::byte{'c'});
  Attach();
  for (int i = 0; i < 2; ++i) {
    const Expected<Chain> chain = cache_->ReadChain(8 * 64);
    ASSERT_TRUE(chain.has_value());
    EXPECT_EQ(AsText(chain->data), std::string(52, 'a') + std::string(56, 'b') + "ccc");
    EXPECT_THAT(chain->pages, ElementsAre(8, 12, 9));
    EXPECT_EQ(cache_->reads(), 3U);
  }
  EXPECT_EQ(*cache_->ReadNext(12), 9 * 64);
  EXPECT_EQ(cache_->reads(), 3U);
}

TEST_F(RevisionPageCache, RefusesChainsThatMakeNoSense) {
  SetPage(8, kNoOffset, 53);          // ends too early
  SetPage(9, 64 * 10, 52);            // goes on
  SetPage(10, 64 * 10, 52 + 56 * 3);  // comes back to itself
  SetPage(11, 64 * 25, 100);          // leads out of the file
  SetPage(12, 64, 100);               // into the header
  SetPage(13, 65 * 3, 100);           // between pages
  SetPage(14, kNoOffset, -1);
  SetPage(15, 64 * 16, 1 << 30);
  Attach();
  EXPECT_THAT(ErrorOf(8 * 64), HasSubstr("ends too early"));
  EXPECT_THAT(ErrorOf(9 * 64), HasSubstr("goes on behind"));
  EXPECT_THAT(ErrorOf(10 * 64), HasSubstr("goes on behind"));
  EXPECT_THAT(ErrorOf(11 * 64), HasSubstr("end of file"));
  EXPECT_THAT(ErrorOf(12 * 64), HasSubstr("end of file"));
  EXPECT_THAT(ErrorOf(13 * 64), HasSubstr("ends too early"));
  EXPECT_THAT(ErrorOf(14 * 64), HasSubstr("wrong size: -1"));
  EXPECT_THAT(ErrorOf(15 * 64), HasSubstr("wrong size"));
  EXPECT_THAT(ErrorOf(20 * 64), HasSubstr("end of file"));
  EXPECT_THAT(ErrorOf(8 * 64 + 1), HasSubstr("bad offset"));
  EXPECT_THAT(ErrorOf(-64), HasSubstr("bad offset"));
}

TEST_F(RevisionPageCache, ManyChainsThatOverlapDoNotTakeTheSquareOfTheFile) {
  for (PageNumber page = 8; page < 20; ++page) {
    SetPage(page, page == 19 ? kNoOffset : static_cast<int64_t>(64 * (page + 1)),
            static_cast<int32_t>(52 + 56 * (19 - page)));
  }
  Attach();
  int refused = 0;
  for (PageNumber page = 8; page < 20; ++page) {
    refused += ErrorOf(static_cast<int64_t>(64 * page)).ends_with("chains overlap") ? 1 : 0;
  }
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace plugpull::revision_tree
