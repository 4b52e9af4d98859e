// Goal: salvage brings over what either root proves and nothing else, lists the rest, and writes a
// sound file whatever it is given. Method: stores and files with nested buckets, damaged on
// purpose; what comes out is opened, checked and compared with the model.
#include "engine/bbolt_file/file_testing.h"
#include "faults/base/random.h"

namespace plugpull::bbolt_file {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SalvageTest : public testing::Test {
 protected:
  // Salvages the store of `vfs_` into a store of its own.
  Expected<SalvageReport> Run() {
    saved_ = std::make_unique<MemoryVfs>();
    return Salvage(*StoreFileOf(vfs_), *StoreFileOf(*saved_));
  }

  SalvageReport RunOk() {
    const Expected<SalvageReport> report = Run();
    EXPECT_TRUE(report) << Describe(report.error());
    return report ? *report : SalvageReport{};
  }

  // The page below the root of the bucket in which the key lies.
  PageId LeafOf(const std::string& key) {
    StoreImage image(vfs_);
    PageId id = image.BucketRoot();
    while (image.Tree(id).IsBranch()) {
      id = image.Tree(id).BranchElement(image.Tree(id).ChildIndexFor(AsBytes(key))).child;
    }
    return id;
  }

  void Zero(PageId page) {
    StoreImage image(vfs_);
    std::fill_n(image.Page(page), image.page_size, std::byte{0});
    image.Save();
  }

  MemoryVfs vfs_;
  std::unique_ptr<MemoryVfs> saved_;
};

TEST_F(SalvageTest, ASoundStoreComesOverWhole) {
  for (const int count : {0, 1, 3, 60, 3000}) {
    SCOPED_TRACE(count);
    ASSERT_TRUE(StoreFileOf(vfs_)->Truncate(0));
    Contents contents = FillStore(vfs_, count, std::string(30, 'v'));
    if (count > 3) {
      contents["key0001"] = std::string(5000, 'l');
      cow_tree::ApplyOk(*cow_tree::OpenStore(vfs_), {{"key0001", contents["key0001"]}});
    }
    const SalvageReport report = RunOk();
    EXPECT_EQ(report.keys, contents.size());
    EXPECT_EQ(report.buckets, count == 0 ? 0U : 1U);
    EXPECT_EQ(report.from_previous, 0U);
    EXPECT_THAT(report.lost, IsEmpty());
    EXPECT_EQ(SoundContentsOf(*saved_), contents);
  }
}

TEST_F(SalvageTest, NestedBucketsKeysOfAllSizesAndSequencesComeOver) {
  TestBucket top;
  for (int index = 0; index < 30; ++index) {
    TestBucket& bucket = top.buckets[fmt::format("bucket{:02}", index)];
    for (int key = 0; key < index * index; ++key)
      bucket.pairs[KeyOf(key)] = std::string(index, 'v');
    if (index % 3 == 0) bucket.buckets["inner"].buckets["innermost"].pairs["k"] = "v";
  }
  TestBucket& large = top.buckets["large"];
  for (char c = 'a'; c <= 'z'; ++c) large.pairs[std::string(32768, c)] = std::string(3000, c);
  for (const uint32_t page_size : {1024U, 4096U, 65536U}) {
    SCOPED_TRACE(page_size);
    ASSERT_TRUE(StoreFileOf(vfs_)->Truncate(0));
    WriteBuckets(vfs_, top, page_size);
    const SalvageReport report = RunOk();
    EXPECT_THAT(report.lost, IsEmpty());
    EXPECT_EQ(report.buckets, 51U);
    EXPECT_EQ(ReadBuckets(*saved_), top);
    SoundContentsOf(*saved_);
  }
  StoreImage image(*saved_);
  const cow_tree::TreePage root = image.Tree(image.Active().root.root);
  ASSERT_TRUE(root.IsLeaf());
  EXPECT_EQ(cow_tree::LoadBucketHeader(root.LeafElement(0).value.data()).sequence, 7U);
}

TEST_F(SalvageTest, NewestValuesWinAndThePreviousTreeFillsGaps) {
  const Contents before = FillStore(vfs_, 300, "old");
  cow_tree::ApplyOk(*cow_tree::OpenStore(vfs_), {{"key0100", "new"}, {"key0250", "new"}});
  const PageId lost = LeafOf("key0100");
  Zero(lost);
  const SalvageReport report = RunOk();
  EXPECT_THAT(report.lost, IsEmpty());
  EXPECT_GT(report.from_previous, 1U);
  EXPECT_LT(report.from_previous, 60U);
  Contents expected = before;
  expected["key0250"] = "new";
  EXPECT_EQ(SoundContentsOf(*saved_), expected);
}

TEST_F(SalvageTest, WhatNeitherRootShowsIsListed) {
  Contents expected = FillStore(vfs_, 300, "old");
  const PageId lost = LeafOf("key0100");
  StoreImage image(vfs_);
  std::string first(AsText(image.Tree(lost).Key(0)));
  const uint32_t count = image.Tree(lost).count();
  Zero(lost);
  const SalvageReport report = RunOk();
  ASSERT_EQ(report.lost.size(), 1U);
  EXPECT_EQ(report.lost[0].bucket, "kv");
  EXPECT_EQ(report.lost[0].page, lost);
  EXPECT_EQ(report.lost[0].first_key, first);
  EXPECT_THAT(report.lost[0].reason, HasSubstr("self identifies as 0"));
  const auto begin = expected.find(first);
  const auto end = std::next(begin, count);
  EXPECT_EQ(report.lost[0].end_key, end->first);
  expected.erase(begin, end);
  EXPECT_EQ(SoundContentsOf(*saved_), expected);
  EXPECT_EQ(report.keys, expected.size());
}

// A page that holds other keys than its parent says is of another time: what it shows is no proof.
TEST_F(SalvageTest, APageWithKeysOfAnotherRangeIsNotBelieved) {
  FillStore(vfs_, 300, "old");
  const PageId target = LeafOf("key0100");
  StoreImage image(vfs_);
  const PageId source = LeafOf("key0200");
  std::copy_n(image.Page(source) + 8, image.page_size - 8, image.Page(target) + 8);
  image.Save();
  const SalvageReport report = RunOk();
  ASSERT_EQ(report.lost.size(), 1U);
  EXPECT_THAT(report.lost[0].reason, HasSubstr("last key is beyond the next one in its parent"));
  const Contents left = SoundContentsOf(*saved_);
  EXPECT_EQ(left.at("key0200"), "old200");
  EXPECT_FALSE(left.contains("key0100"));
}

// The root of all holds nothing but buckets: pairs in it are a page of one of them.
TEST_F(SalvageTest, ALeafOfABucketInThePlaceOfTheRootIsNotBelieved) {
  const Contents contents = FillStore(vfs_, 300, std::string(30, 'v'));
  cow_tree::ApplyOk(*cow_tree::OpenStore(vfs_), {{"key0001", "of the newest transaction"}});
  const PageId leaf = LeafOf("key0100");
  StoreImage image(vfs_);
  const PageId root = image.Active().root.root;
  std::copy_n(image.Page(leaf), image.page_size, image.Page(root));
  cow_tree::Store(image.Page(root), root);
  image.Save();
  const SalvageReport report = RunOk();
  EXPECT_EQ(report.keys, contents.size());
  EXPECT_EQ(report.from_previous, contents.size());
  EXPECT_EQ(SoundContentsOf(*saved_), contents);
}

TEST_F(SalvageTest, ACycleIsAGap) {
  FillStore(vfs_, 3000, "old");
  StoreImage image(vfs_);
  const PageId root = image.BucketRoot();
  const PageId child = image.Tree(root).BranchElement(1).child;
  ASSERT_TRUE(image.Tree(child).IsBranch());
  cow_tree::Store(image.Page(child) + 16 + 8, uint64_t{root});
  image.Save();
  const SalvageReport report = RunOk();
  ASSERT_EQ(report.lost.size(), 1U);
  EXPECT_EQ(report.lost[0].page, root);
  EXPECT_GT(report.keys, 2900U);
  EXPECT_EQ(SoundContentsOf(*saved_).size(), report.keys);
}

TEST_F(SalvageTest, APageThatFitsTwoBucketsProvesNeither) {
  TestBucket top;
  for (const char* name : {"one", "two", "three"}) {
    for (int key = 0; key < 20; ++key) top.buckets[name].pairs[KeyOf(key)] = std::string(20, 'v');
  }
  WriteBuckets(vfs_, top);
  StoreImage image(vfs_);
  const PageId root = image.Active().root.root;
  const cow_tree::TreePage leaf = image.Tree(root);
  const auto header_at = [&](uint32_t index) {
    return const_cast<std::byte*>(leaf.LeafElement(index).value.data());
  };
  const PageId shared = cow_tree::LoadBucketHeader(header_at(0)).root;
  cow_tree::Store(header_at(2), uint64_t{shared});
  image.Save();
  const SalvageReport report = RunOk();
  ASSERT_EQ(report.lost.size(), 2U);
  EXPECT_EQ(report.lost[0].bucket, "one");
  EXPECT_EQ(report.lost[1].bucket, "two");
  for (const LostRange& lost : report.lost) {
    EXPECT_THAT(lost.reason, HasSubstr("multiple references"));
    EXPECT_EQ(lost.first_key + lost.end_key, "");
  }
  EXPECT_EQ(report.buckets, 3U);
  TestBucket expected = top;
  expected.buckets["one"].pairs.clear();
  expected.buckets["two"].pairs.clear();
  EXPECT_EQ(ReadBuckets(*saved_), expected);
}

// Two buckets that hold each other would be entered for ever.
TEST_F(SalvageTest, ABucketInsideItselfEnds) {
  TestBucket top;
  for (int key = 0; key < 20; ++key) {
    top.buckets["outer"].buckets[KeyOf(key)].pairs["k"] = std::string(200, 'v');
  }
  WriteBuckets(vfs_, top);
  StoreImage image(vfs_);
  const cow_tree::TreePage leaf = image.Tree(image.Active().root.root);
  PageId page = cow_tree::LoadBucketHeader(leaf.LeafElement(0).value.data()).root;
  const PageId outer = page;
  while (image.Tree(page).IsBranch()) page = image.Tree(page).BranchElement(0).child;
  for (uint32_t index = 0; index < image.Tree(page).count(); ++index) {
    cow_tree::Store(const_cast<std::byte*>(image.Tree(page).LeafElement(index).value.data()),
                    uint64_t{outer});
  }
  image.Save();
  const Expected<SalvageReport> report = Run();
  ASSERT_FALSE(report.has_value() && report->lost.empty());
  if (report) SoundContentsOf(*saved_);
}

// The path of each bucket in a deep chain with long names would be as long as the file.
TEST_F(SalvageTest, PathsOfLostRangesStayShort) {
  TestBucket top;
  TestBucket* bucket = &top;
  for (int level = 0; level < 60; ++level) bucket = &bucket->buckets[std::string(20'000, 'n')];
  for (int key = 0; key < 200; ++key) bucket->pairs[KeyOf(key)] = std::string(20, 'v');
  WriteBuckets(vfs_, top);
  StoreImage image(vfs_);
  std::fill_n(image.Page(2), image.page_size, std::byte{0});  // the first leaf, of the innermost
  image.Save();
  const SalvageReport report = RunOk();
  ASSERT_EQ(report.lost.size(), 1U);
  EXPECT_THAT(report.lost[0].bucket, testing::StartsWith(std::string(64, 'n') + "../nnn"));
  EXPECT_LT(report.lost[0].bucket.size(), 2000U);
  EXPECT_EQ(report.buckets, 60U);
}

TEST_F(SalvageTest, OneMetaIsEnough) {
  const Contents contents = FillStore(vfs_, 100, "old");
  StoreImage image(vfs_);
  const PageId other = 1 - image.ActiveSlot();
  std::fill_n(image.Page(other), image.page_size, std::byte{0});
  image.Save();
  EXPECT_THAT(RunOk().lost, IsEmpty());
  EXPECT_EQ(SoundContentsOf(*saved_), contents);
  std::fill_n(image.Page(1 - other), image.page_size, std::byte{0});
  image.Save();
  const Expected<SalvageReport> report = Run();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kCorrupt);
}

TEST_F(SalvageTest, ANewFileIsNeeded) {
  FillStore(vfs_, 10, "old");
  saved_ = std::make_unique<MemoryVfs>();
  const auto to = StoreFileOf(*saved_);
  ASSERT_TRUE(to->Write(0, AsBytes("x")));
  const Expected<SalvageReport> report = Salvage(*StoreFileOf(vfs_), *to);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kInvalidArgument);
}

// Whatever the bytes are, salvage ends, and what it writes is sound.
TEST_F(SalvageTest, HostileFilesGiveSoundOnesOrAnError) {
  const Contents contents = FillStore(vfs_, 400, "old");
  cow_tree::ApplyOk(*cow_tree::OpenStore(vfs_), {{"large", std::string(3000, 'v')}});
  const StoreImage original(vfs_);
  constexpr uint64_t kNasty[] = {0, 1, 2, 3, 0x7F, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, ~0ULL};
  const uint64_t page_count = original.bytes.size() / original.page_size;
  int saved = 0;
  for (uint64_t seed = 0; seed < 600; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed, "salvage");
    StoreImage image = original;
    for (uint64_t hit = random.Below(6) + 1; hit > 0; --hit) {
      const PageId page = random.Below(page_count);
      std::byte* at = image.Page(page) + 4 * random.Below(page < 2 ? 20 : 60);
      switch (random.Below(4)) {
        case 0:
          cow_tree::Store(at, static_cast<uint32_t>(kNasty[random.Below(std::size(kNasty))]));
          break;
        case 1:
          cow_tree::Store(at, random.Below(page_count));
          break;
        case 2:
          std::copy_n(original.bytes.data() + random.Below(page_count) * image.page_size,
                      image.page_size, image.Page(page));
          break;
        case 3:
          std::copy_n(original.bytes.data() + random.Below(page_count) * image.page_size + 8,
                      image.page_size - 8, image.Page(page) + 8);
          break;
      }
    }
    for (PageId slot = 0; slot < 2 && random.OneIn(3, 4); ++slot) {
      std::byte* meta = image.Page(slot);
      cow_tree::Store(meta + 72, cow_tree::Fnv1a64(cow_tree::Bytes(meta + 16, 56)));
    }
    image.Save();
    if (!Run()) continue;
    ++saved;
    SoundContentsOf(*saved_);
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GT(saved, 300);
}

}  // namespace
}  // namespace plugpull::bbolt_file
