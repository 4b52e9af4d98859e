// Goal: a store's file is bbolt's to the byte. Method: fields of a fresh file and of a first
// commit, read at the offsets that the format gives them, without help from the code under test.
#include "engine/cow_tree/format.h"

#include "engine/cow_tree/test_support.h"

namespace plugpull::cow_tree {
namespace {

class FormatTest : public testing::Test {
 protected:
  uint64_t U64(size_t at) const { return Number<uint64_t>(at); }
  uint32_t U32(size_t at) const { return Number<uint32_t>(at); }
  uint16_t U16(size_t at) const { return Number<uint16_t>(at); }

  template <typename T>
  T Number(size_t at) const {
    T value{};
    std::memcpy(&value, &bytes_[at], sizeof(T));
    return value;
  }

  void Take() { bytes_ = StoreImage(vfs_).bytes; }

  MemoryVfs vfs_;
  std::vector<std::byte> bytes_;
};

TEST(Fnv1a64, KnownValues) {
  EXPECT_EQ(Fnv1a64({}), 0xcbf29ce484222325ULL);
  EXPECT_EQ(Fnv1a64(AsBytes("a")), 0xaf63dc4c8601ec8cULL);
  EXPECT_EQ(Fnv1a64(AsBytes("foobar")), 0x85944171f73967e8ULL);
}

TEST_F(FormatTest, FreshFile) {
  OpenStore(vfs_);
  Take();
  ASSERT_EQ(bytes_.size(), 4 * 4096U);
  for (size_t slot = 0; slot < 2; ++slot) {
    const size_t page = slot * 4096;
    EXPECT_EQ(U64(page), slot);
    EXPECT_EQ(U16(page + 8), 0x04);
    EXPECT_EQ(U16(page + 10), 0);
    EXPECT_EQ(U32(page + 12), 0U);
    EXPECT_EQ(U32(page + 16), 0xED0CDAEDU);
    EXPECT_EQ(U32(page + 20), 2U);
    EXPECT_EQ(U32(page + 24), 4096U);
    EXPECT_EQ(U32(page + 28), 0U);
    EXPECT_EQ(U64(page + 32), 3U);    // root
    EXPECT_EQ(U64(page + 40), 0U);    // sequence
    EXPECT_EQ(U64(page + 48), 2U);    // freelist
    EXPECT_EQ(U64(page + 56), 4U);    // high-water mark
    EXPECT_EQ(U64(page + 64), slot);  // txid
    EXPECT_EQ(U64(page + 72), Fnv1a64(Bytes(bytes_).subspan(page + 16, 56)));
  }
  EXPECT_EQ(U64(2 * 4096), 2U);
  EXPECT_EQ(U16(2 * 4096 + 8), 0x10);
  EXPECT_EQ(U64(3 * 4096), 3U);
  EXPECT_EQ(U16(3 * 4096 + 8), 0x02);
  EXPECT_EQ(U16(3 * 4096 + 10), 0);
}

// One small pair: the bucket is inline, in a leaf page image of its own inside the root's leaf.
TEST_F(FormatTest, InlineBucket) {
  ApplyOk(*OpenStore(vfs_), {{"key", "value"}});
  Take();
  const size_t meta = 0;  // txid 2
  EXPECT_EQ(U64(meta + 64), 2U);
  EXPECT_EQ(U64(meta + 32), 4U);
  EXPECT_EQ(U64(meta + 48), 5U);
  EXPECT_EQ(U64(meta + 56), 6U);
  const size_t leaf = 4 * 4096;
  EXPECT_EQ(U64(leaf), 4U);
  EXPECT_EQ(U16(leaf + 8), 0x02);
  EXPECT_EQ(U16(leaf + 10), 1);
  EXPECT_EQ(U32(leaf + 16), 0x01U);  // a bucket
  EXPECT_EQ(U32(leaf + 20), 16U);    // pos, from the element's start
  EXPECT_EQ(U32(leaf + 24), 2U);
  EXPECT_EQ(U32(leaf + 28), 16U + 16 + 16 + 3 + 5);
  EXPECT_EQ(std::memcmp(&bytes_[leaf + 32], "kv", 2), 0);
  const size_t bucket = leaf + 34;
  EXPECT_EQ(U64(bucket), 0U);      // root: inline
  EXPECT_EQ(U64(bucket + 8), 0U);  // sequence
  const size_t image = bucket + 16;
  EXPECT_EQ(U64(image), 0U);
  EXPECT_EQ(U16(image + 8), 0x02);
  EXPECT_EQ(U16(image + 10), 1);
  EXPECT_EQ(U32(image + 16), 0U);
  EXPECT_EQ(U32(image + 20), 16U);
  EXPECT_EQ(U32(image + 24), 3U);
  EXPECT_EQ(U32(image + 28), 5U);
  EXPECT_EQ(std::memcmp(&bytes_[image + 32], "keyvalue", 8), 0);
  const size_t freelist = 5 * 4096;
  EXPECT_EQ(U64(freelist), 5U);
  EXPECT_EQ(U16(freelist + 8), 0x10);
  EXPECT_EQ(U16(freelist + 10), 2);
  EXPECT_EQ(U64(freelist + 16), 2U);
  EXPECT_EQ(U64(freelist + 24), 3U);
}

TEST_F(FormatTest, InlineUpToAQuarterOfAPage) {
  const std::unique_ptr<Engine> engine = OpenStore(vfs_);
  const size_t fits_bytes = 4096 / 4 - 16 - 16 - 3;  // page header, element, key
  ApplyOk(*engine, {{"key", std::string(fits_bytes, 'x')}});
  EXPECT_EQ(StoreImage(vfs_).BucketRoot(), 0U);
  ApplyOk(*engine, {{"key", std::string(fits_bytes + 1, 'x')}});
  EXPECT_NE(StoreImage(vfs_).BucketRoot(), 0U);
  ApplyOk(*engine, {{"key", std::string(fits_bytes, 'x')}});
  EXPECT_EQ(StoreImage(vfs_).BucketRoot(), 0U);
  ExpectClean(*engine);
}

// A page is split when it has more than four elements and is not smaller than a page, where half a
// page is passed.
TEST_F(FormatTest, BranchOfASplitLeaf) {
  const std::unique_ptr<Engine> engine = OpenStore(vfs_);
  std::vector<Change> changes;
  for (int index = 0; index < 5; ++index) {  // 5 * (16 + 4 + 796) + 16 is a page exactly
    changes.push_back({fmt::format("key{}", index), std::string(796, 'x')});
  }
  ApplyOk(*engine, changes);
  StoreImage image(vfs_);
  const TreePage root = image.Tree(image.BucketRoot());
  ASSERT_TRUE(root.IsBranch());
  ASSERT_EQ(root.count(), 2U);
  EXPECT_EQ(AsText(root.Key(0)), "key0");
  EXPECT_EQ(AsText(root.Key(1)), "key2");
  EXPECT_EQ(image.Tree(root.BranchElement(0).child).count(), 2U);
  EXPECT_EQ(image.Tree(root.BranchElement(1).child).count(), 3U);
  ApplyOk(*engine, {{"key0", std::nullopt}, {"key1", std::nullopt}});
  EXPECT_TRUE(StoreImage(vfs_).Tree(StoreImage(vfs_).BucketRoot()).IsLeaf());
  ExpectClean(*engine);
}

}  // namespace
}  // namespace plugpull::cow_tree
