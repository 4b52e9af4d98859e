// Goal: each page is read once, runs come whole, and no header makes the cache read or allocate
// beyond the store.
#include "engine/cow_tree/page_cache.h"

#include "engine/cow_tree/test_support.h"

namespace plugpull::cow_tree {
namespace {

using testing::HasSubstr;

constexpr uint32_t kPageSize = 1024;

// Counts reads of the file below.
class CountingFile final : public VfsFile {
 public:
  explicit CountingFile(VfsFile& base) : base_(base) {}
  Expected<size_t> Read(uint64_t offset_bytes, std::span<std::byte> out) override {
    ++read_count;
    return base_.Read(offset_bytes, out);
  }
  Expected<void> Write(uint64_t offset_bytes, std::span<const std::byte> data) override {
    return base_.Write(offset_bytes, data);
  }
  Expected<void> Truncate(uint64_t size_bytes) override { return base_.Truncate(size_bytes); }
  Expected<void> Sync(SyncKind kind) override { return base_.Sync(kind); }
  Expected<void> SyncRange(uint64_t offset_bytes, uint64_t size_bytes) override {
    return base_.SyncRange(offset_bytes, size_bytes);
  }
  Expected<void> Allocate(uint64_t offset_bytes, uint64_t size_bytes) override {
    return base_.Allocate(offset_bytes, size_bytes);
  }
  Expected<uint64_t> Size() override { return base_.Size(); }
  Expected<bool> Lock(LockLevel level) override { return base_.Lock(level); }

  int read_count = 0;

 private:
  VfsFile& base_;
};

class PageCacheTest : public testing::Test {
 protected:
  // Makes a file of pages that each say their number in their first data byte.
  void MakeFile(PageId page_count, uint32_t overflow) {
    memory_file_ = *vfs_.Open("pages", OpenOptions{.create = true});
    for (PageId id = 0; id < page_count; ++id) {
      std::vector<std::byte> page(kPageSize);
      StorePageHeader(page.data(), PageHeader{.id = id, .flags = kLeafFlag, .overflow = overflow});
      page[kPageHeaderBytes] = static_cast<std::byte>(id);
      ASSERT_TRUE(memory_file_->Write(id * kPageSize, page).has_value());
    }
    file_ = std::make_unique<CountingFile>(*memory_file_);
    cache_.Attach(*file_, kPageSize, page_count);
  }

  MemoryVfs vfs_;
  std::unique_ptr<VfsFile> memory_file_;
  std::unique_ptr<CountingFile> file_;
  PageCache cache_;
};

TEST_F(PageCacheTest, ReadsEachPageOnce) {
  MakeFile(500, 0);
  for (int round = 0; round < 3; ++round) {
    for (PageId id = 0; id < 500; ++id) {
      const Expected<Bytes> run = cache_.Read(id);
      ASSERT_TRUE(run.has_value());
      ASSERT_EQ(run->size(), kPageSize);
      ASSERT_EQ((*run)[kPageHeaderBytes], static_cast<std::byte>(id));
    }
  }
  EXPECT_EQ(file_->read_count, 500);
}

TEST_F(PageCacheTest, AttachForgets) {
  MakeFile(2, 0);
  ASSERT_TRUE(cache_.Read(1).has_value());
  const std::byte changed{77};
  ASSERT_TRUE(memory_file_->Write(kPageSize + kPageHeaderBytes, {&changed, 1}).has_value());
  cache_.Attach(*file_, kPageSize, 2);
  EXPECT_EQ((*cache_.Read(1))[kPageHeaderBytes], changed);
}

TEST_F(PageCacheTest, RunsComeWhole) {
  MakeFile(10, 2);
  const Expected<Bytes> run = cache_.Read(4);
  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(run->size(), 3 * kPageSize);
  EXPECT_EQ((*run)[2 * kPageSize + kPageHeaderBytes], std::byte{6});
}

TEST_F(PageCacheTest, StaysInsideTheStore) {
  MakeFile(10, 2);
  EXPECT_THAT(cache_.Read(10).error().context, HasSubstr("page 10: out of bounds: 10"));
  EXPECT_THAT(cache_.Read(~PageId{0}).error().context, HasSubstr("out of bounds"));
  EXPECT_THAT(cache_.Read(8).error().context, HasSubstr("page 10: out of bounds: 10"));
  EXPECT_EQ(cache_.Read(7).has_value(), true);
  ASSERT_TRUE(memory_file_->Truncate(8 * kPageSize).has_value());
  EXPECT_THAT(cache_.Read(6).error().context, HasSubstr("beyond the end of the file"));
}

// Every page claims half of the file: the sum would be the square of its size.
TEST_F(PageCacheTest, OverlappingRunsAreCutOff) {
  MakeFile(1000, 499);
  int refused = 0;
  for (PageId id = 0; id < 500; ++id) {
    if (!cache_.Read(id)) ++refused;
  }
  EXPECT_GE(refused, 490);
  EXPECT_LE(cache_.allocated_bytes(), 4U * 1000 * kPageSize);
}

}  // namespace
}  // namespace plugpull::cow_tree
