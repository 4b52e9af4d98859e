// Goal: each verb does what bbolt's tool of that name does, says so, and refuses what makes no
// sense. Method: small stores in memory; the engine opens what comes out, and its check is clean
// where it should be.
#include "engine/bbolt_file/file_testing.h"
#include "engine/cow_tree/cow_tree.h"
#include "engine/drivers/driver.h"
#include "engine/target.h"

namespace plugpull::bbolt_file {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SurgeryTest : public testing::Test {
 protected:
  SurgeryTest() : contents_(FillStore(vfs_, 200, "value")) {}

  StoreImage Image() { return StoreImage(vfs_); }
  std::unique_ptr<VfsFile> File() { return StoreFileOf(vfs_); }

  // Returns: the leaf that holds a key of the bucket.
  PageId LeafOf(const std::string& key) {
    StoreImage image = Image();
    PageId id = image.BucketRoot();
    while (image.Tree(id).IsBranch()) {
      const cow_tree::TreePage page = image.Tree(id);
      id = page.BranchElement(page.ChildIndexFor(AsBytes(key))).child;
    }
    return id;
  }

  static std::string ErrorOf(const Expected<SurgeryReport>& report) {
    return report ? "" : report.error().context;
  }

  MemoryVfs vfs_;
  Contents contents_;
};

TEST_F(SurgeryTest, RevertMetaGoesBackOneTransaction) {
  cow_tree::ApplyOk(*cow_tree::OpenStore(vfs_), {{"key0000", "newest"}});
  const uint64_t newest = Image().Active().transaction_id;
  const Expected<SurgeryReport> report = RevertMeta(*File());
  ASSERT_TRUE(report) << Describe(report.error());
  EXPECT_THAT(report->done, ElementsAre(HasSubstr(fmt::format("(txid {})", newest - 1))));
  EXPECT_THAT(report->warnings, IsEmpty());
  StoreImage image = Image();
  for (PageId slot = 0; slot < 2; ++slot) {
    EXPECT_EQ(cow_tree::LoadPageHeader(image.Page(slot)).id, slot);
    EXPECT_EQ(cow_tree::LoadMeta(image.PageSpan(slot))->transaction_id, newest - 1);
  }
  EXPECT_EQ(SoundContentsOf(vfs_), contents_);
  const Expected<SurgeryReport> again = RevertMeta(*File());
  ASSERT_TRUE(again);
  EXPECT_THAT(again->warnings, ElementsAre(HasSubstr("nothing to go back to")));
}

TEST_F(SurgeryTest, RevertMetaValidatesNothingButSaysWhatItDid) {
  StoreImage image = Image();
  const PageId older = 1 - image.ActiveSlot();
  image.Page(older)[40] ^= std::byte{1};
  image.Save();
  const Expected<SurgeryReport> report = RevertMeta(*File());
  ASSERT_TRUE(report) << Describe(report.error());
  EXPECT_THAT(report->warnings, ElementsAre(HasSubstr("now neither is")));
  EXPECT_EQ(cow_tree::OpenError(vfs_), "checksum error");
}

TEST_F(SurgeryTest, RevertMetaRefusesAMetaThatIsOfAnotherPlace) {
  StoreImage image = Image();
  cow_tree::Store(image.Page(1), uint64_t{5});
  image.Save();
  EXPECT_THAT(ErrorOf(RevertMeta(*File())), HasSubstr("page 1 identifies itself as page 5"));
  EXPECT_EQ(Image().bytes, image.bytes);
}

TEST_F(SurgeryTest, ClearPageEmptiesALeaf) {
  const PageId leaf = LeafOf("key0100");
  const cow_tree::TreePage before = Image().Tree(leaf);
  const Expected<SurgeryReport> report = ClearPage(*File(), leaf);
  ASSERT_TRUE(report) << Describe(report.error());
  EXPECT_THAT(
      report->done,
      ElementsAre(HasSubstr(fmt::format("page {} (leaf) had {} elements", leaf, before.count()))));
  EXPECT_THAT(report->warnings, ElementsAre(HasSubstr("freelist-abandon")));
  const Contents left = cow_tree::ContentsOf(*cow_tree::OpenStore(vfs_));
  EXPECT_EQ(left.size(), contents_.size() - before.count());
  EXPECT_FALSE(left.contains("key0100"));
}

TEST_F(SurgeryTest, ClearPageWarnsOfBranches) {
  const Expected<SurgeryReport> report = ClearPage(*File(), Image().BucketRoot());
  ASSERT_TRUE(report) << Describe(report.error());
  EXPECT_THAT(report->warnings, Contains(HasSubstr("branch without elements")));
}

TEST_F(SurgeryTest, PagesThatAreNotThereAreRefused) {
  const std::vector<std::byte> before = Image().bytes;
  const PageId end = before.size() / 1024;
  for (const PageId page : {end, end + 1, PageId{1} << 54, ~PageId{0}}) {
    EXPECT_THAT(ErrorOf(ClearPage(*File(), page)), HasSubstr("there is no page"));
    EXPECT_THAT(ErrorOf(ClearPageElements(*File(), page, 0, -1)), HasSubstr("there is no page"));
    EXPECT_THAT(ErrorOf(CopyPage(*File(), page, 3)), HasSubstr("there is no page"));
    EXPECT_THAT(ErrorOf(CopyPage(*File(), 3, page)), HasSubstr("there is no room"));
  }
  for (const PageId page : {0, 1}) {
    EXPECT_THAT(ErrorOf(ClearPage(*File(), page)), HasSubstr("are the metas"));
    EXPECT_THAT(ErrorOf(ClearPageElements(*File(), page, 0, -1)), HasSubstr("are the metas"));
    EXPECT_THAT(ErrorOf(CopyPage(*File(), 3, page)), HasSubstr("are the metas"));
    EXPECT_THAT(ErrorOf(CopyPage(*File(), page, 3)), HasSubstr("are the metas"));
  }
  EXPECT_THAT(ErrorOf(CopyPage(*File(), 3, 3)), HasSubstr("two different pages"));
  EXPECT_EQ(Image().bytes, before);
}

TEST_F(SurgeryTest, APageOfAnotherPlaceIsRefusedButMayBeReplaced) {
  const PageId leaf = LeafOf("key0100");
  const PageId spare = Image().bytes.size() / 1024;
  ASSERT_TRUE(File()->Truncate((spare + 1) * 1024));
  ASSERT_TRUE(CopyPage(*File(), leaf, spare));
  StoreImage image = Image();
  cow_tree::Store(image.Page(leaf), uint64_t{leaf + 1});
  image.Save();
  EXPECT_THAT(ErrorOf(ClearPage(*File(), leaf)), HasSubstr("identifies itself as page"));
  EXPECT_THAT(ErrorOf(ClearPageElements(*File(), leaf, 0, 1)), HasSubstr("identifies itself"));
  EXPECT_THAT(ErrorOf(CopyPage(*File(), leaf, spare)), HasSubstr("identifies itself as page"));
  const Expected<SurgeryReport> report = CopyPage(*File(), spare, leaf);
  ASSERT_TRUE(report) << Describe(report.error());
  EXPECT_THAT(report->warnings, ElementsAre(HasSubstr("freelist-abandon")));
  EXPECT_EQ(SoundContentsOf(vfs_), contents_);
}

TEST_F(SurgeryTest, CopyPageTakesOverflowAlong) {
  cow_tree::ApplyOk(*cow_tree::OpenStore(vfs_), {{"key0100", std::string(2500, 'x')}});
  const PageId leaf = LeafOf("key0100");
  ASSERT_EQ(Image().Tree(leaf).header().overflow, 2U);
  const PageId spare = Image().bytes.size() / 1024;
  ASSERT_TRUE(File()->Truncate((spare + 3) * 1024));
  EXPECT_THAT(ErrorOf(CopyPage(*File(), leaf, spare + 1)), HasSubstr("no room for 3 pages"));
  EXPECT_THAT(ErrorOf(CopyPage(*File(), leaf, leaf + 2)), HasSubstr("reaches over"));
  const Expected<SurgeryReport> report = CopyPage(*File(), leaf, spare);
  ASSERT_TRUE(report) << Describe(report.error());
  EXPECT_THAT(report->warnings, Contains(HasSubstr("were overwritten with its overflow")));
  StoreImage image = Image();
  EXPECT_EQ(cow_tree::LoadPageHeader(image.Page(spare)).id, spare);
  EXPECT_TRUE(
      std::equal(image.Page(spare) + 8, image.Page(spare) + 3 * 1024, image.Page(leaf) + 8));
}

TEST_F(SurgeryTest, ClearPageElementsDropsSomeAndPacksTheOthers) {
  const PageId leaf = LeafOf("key0100");
  const cow_tree::TreePage before = Image().Tree(leaf);
  const std::string first(AsText(Image().Tree(leaf).Key(0)));
  const Expected<SurgeryReport> report = ClearPageElements(*File(), leaf, 1, 3);
  ASSERT_TRUE(report) << Describe(report.error());
  EXPECT_THAT(report->done, ElementsAre(HasSubstr("lost elements 1 to 2")));
  EXPECT_THAT(report->warnings, IsEmpty());
  auto left = contents_;
  const auto gone = std::next(left.find(first));
  left.erase(gone, std::next(gone, 2));
  EXPECT_EQ(SoundContentsOf(vfs_), left);
  ASSERT_TRUE(ClearPageElements(*File(), leaf, 1, -1));
  left.erase(std::next(left.find(first)), std::next(left.find(first), before.count() - 2));
  EXPECT_EQ(SoundContentsOf(vfs_), left);
}

TEST_F(SurgeryTest, ClearPageElementsRefusesRangesThatAreNotThere) {
  const PageId leaf = LeafOf("key0100");
  const int64_t count = Image().Tree(leaf).count();
  const auto error = [&](int64_t from, int64_t to) {
    return ErrorOf(ClearPageElements(*File(), leaf, from, to));
  };
  for (const int64_t from : {count, count + 1, int64_t{-1}, INT64_MIN, INT64_MAX}) {
    EXPECT_THAT(error(from, -1), HasSubstr(fmt::format("has elements 0 to {}", count - 1)));
  }
  for (const int64_t to : {int64_t{0}, count + 1, int64_t{-2}, INT64_MIN, INT64_MAX}) {
    EXPECT_THAT(error(0, to), HasSubstr("are none of page"));
  }
  EXPECT_THAT(error(2, 1), HasSubstr("are none of page"));
  EXPECT_THAT(ErrorOf(ClearPageElements(*File(), Image().Active().freelist, 0, -1)),
              HasSubstr("is of type freelist"));
}

TEST_F(SurgeryTest, ClearPageElementsGivesUpOverflow) {
  cow_tree::ApplyOk(*cow_tree::OpenStore(vfs_), {{"key0100", std::string(2500, 'x')}});
  const PageId leaf = LeafOf("key0100");
  const Expected<SurgeryReport> report =
      ClearPageElements(*File(), leaf, Image().Tree(leaf).LowerBound(AsBytes("key0100")), -1);
  ASSERT_TRUE(report) << Describe(report.error());
  EXPECT_THAT(report->done, Contains(HasSubstr("gave up 2 pages of overflow")));
  EXPECT_THAT(report->warnings, ElementsAre(HasSubstr("freelist-abandon")));
}

TEST_F(SurgeryTest, ClearPageElementsSaysWhatWasBelow) {
  const PageId branch = Image().BucketRoot();
  ASSERT_TRUE(Image().Tree(branch).IsBranch());
  Expected<SurgeryReport> report = ClearPageElements(*File(), branch, 1, 2);
  ASSERT_TRUE(report) << Describe(report.error());
  EXPECT_THAT(report->warnings, Contains(HasSubstr("1 page below a branch")));
  report = ClearPageElements(*File(), Image().Active().root.root, 0, -1);
  ASSERT_TRUE(report) << Describe(report.error());
  EXPECT_THAT(report->warnings, ElementsAre(HasSubstr("1 bucket with all that was in it")));
}

// Elements that share their bytes would need far more than the page when they are packed.
TEST_F(SurgeryTest, ClearPageElementsRefusesElementsThatShareBytes) {
  const PageId leaf = LeafOf("key0100");
  StoreImage image = Image();
  for (uint32_t index = 0; index < image.Tree(leaf).count(); ++index) {
    std::byte* element = image.Page(leaf) + 16 + 16 * index;
    cow_tree::Store(element + 4, 512 - 16 - 16 * index);
    cow_tree::Store(element + 12, uint32_t{500});
  }
  image.Save();
  EXPECT_THAT(ErrorOf(ClearPageElements(*File(), leaf, 0, 1)), HasSubstr("or on another"));
}

TEST_F(SurgeryTest, FreelistIsAbandonedAndRebuilt) {
  EXPECT_THAT(ErrorOf(FreelistRebuild(*File())), HasSubstr("a freelist is stored already"));
  Expected<SurgeryReport> report = FreelistAbandon(*File());
  ASSERT_TRUE(report) << Describe(report.error());
  EXPECT_EQ(report->done.size(), 2U);
  EXPECT_EQ(Image().Active().freelist, cow_tree::kNoFreelist);
  {
    const auto engine = cow_tree::OpenStore(vfs_, {{"freelist", "none"}});
    cow_tree::ExpectClean(*engine);
    EXPECT_EQ(cow_tree::ContentsOf(*engine), contents_);
  }
  report = FreelistAbandon(*File());
  ASSERT_TRUE(report);
  EXPECT_THAT(report->done, ElementsAre(HasSubstr("nothing to do")));
  const uint64_t before = Image().Active().transaction_id;
  report = FreelistRebuild(*File());
  ASSERT_TRUE(report) << Describe(report.error());
  EXPECT_NE(Image().Active().freelist, cow_tree::kNoFreelist);
  EXPECT_EQ(Image().Active().transaction_id, before + 1);
  EXPECT_EQ(SoundContentsOf(vfs_), contents_);
}

TEST_F(SurgeryTest, FreelistRebuildRefusesADamagedTree) {
  ASSERT_TRUE(FreelistAbandon(*File()));
  StoreImage image = Image();
  const PageId leaf = LeafOf("key0100");
  std::fill_n(image.Page(leaf), 1024, std::byte{0});
  image.Save();
  EXPECT_THAT(ErrorOf(FreelistRebuild(*File())), HasSubstr("freepages: failed"));
  EXPECT_EQ(Image().bytes, image.bytes);
}

TEST_F(SurgeryTest, FreelistAbandonMakesNoInvalidMetaValid) {
  StoreImage image = Image();
  const PageId active = image.ActiveSlot();
  image.Page(active)[40] ^= std::byte{1};
  image.Save();
  const Expected<SurgeryReport> report = FreelistAbandon(*File());
  ASSERT_TRUE(report) << Describe(report.error());
  EXPECT_THAT(report->warnings, ElementsAre(HasSubstr("is not valid (checksum error)")));
  EXPECT_EQ(cow_tree::LoadMeta(Image().PageSpan(active)).error(), cow_tree::MetaFault::kChecksum);
}

TEST(SurgeryOfNoDatabase, IsRefused) {
  for (const std::string text : {"", "short", "0123456789abcdef0123456789abcdef"}) {
    MemoryVfs vfs;
    const auto file = StoreFileOf(vfs);
    ASSERT_TRUE(file->Write(0, AsBytes(text)));
    for (const auto verb : {RevertMeta, FreelistAbandon, FreelistRebuild}) {
      const Expected<SurgeryReport> report = verb(*file);
      ASSERT_FALSE(report);
      EXPECT_EQ(report.error().code, ErrorCode::kCorrupt);
      EXPECT_THAT(report.error().context, HasSubstr("no bbolt file"));
    }
  }
}

// Repairs.

const Repair& RepairNamed(std::string_view name) {
  const auto repairs = CowTreeType().repairs();
  const auto found = std::ranges::find(repairs, name, &Repair::name);
  EXPECT_NE(found, repairs.end()) << name;
  return *found;
}

TEST(RepairsTest, BothEnginesOfTheFormatOfferThemGentlestFirst) {
  for (const char* target : {"cow_tree", "bbolt"}) {
    std::vector<std::string_view> classes;
    for (const Repair& repair : ParseTarget(target)->type->repairs()) {
      classes.push_back(repair.recoverability);
    }
    EXPECT_THAT(classes, ElementsAre("cured by previous meta", "cured by scan of freelist",
                                     "needs page surgery"));
  }
}

TEST_F(SurgeryTest, RevertMetaCuresALossOfTheNewestTransaction) {
  cow_tree::ApplyOk(*cow_tree::OpenStore(vfs_), {{"key0100", "newest"}});
  StoreImage image = Image();
  std::fill_n(image.Page(LeafOf("key0100")), 1024, std::byte{0});
  image.Save();
  ASSERT_TRUE(RepairNamed("revert-meta").mend(vfs_));
  EXPECT_EQ(SoundContentsOf(vfs_), contents_);
}

TEST_F(SurgeryTest, FreelistAbandonCuresALostFreelistAndNothingElse) {
  StoreImage image = Image();
  std::fill_n(image.Page(image.Active().freelist), 1024, std::byte{0});
  image.Save();
  EXPECT_THAT(cow_tree::OpenError(vfs_), HasSubstr("invalid freelist page"));
  ASSERT_TRUE(RepairNamed("freelist-abandon").mend(vfs_));
  EXPECT_EQ(SoundContentsOf(vfs_), contents_);
  ASSERT_TRUE(FreelistAbandon(*File()));
  EXPECT_FALSE(RepairNamed("freelist-abandon").mend(vfs_));
}

TEST_F(SurgeryTest, SalvageReplacesTheFile) {
  StoreImage image = Image();
  const PageId leaf = LeafOf("key0100");
  std::fill_n(image.Page(leaf), 1024, std::byte{0});
  image.Save();
  ASSERT_TRUE(RepairNamed("salvage").mend(vfs_));
  const Contents left = SoundContentsOf(vfs_);
  EXPECT_LT(left.size(), contents_.size());
  EXPECT_GT(left.size(), contents_.size() - 40);
  EXPECT_THAT(*vfs_.List(""), ElementsAre("store.db"));
}

TEST_F(SurgeryTest, SalvageOfNothingLeavesTheFile) {
  StoreImage image = Image();
  std::fill(image.bytes.begin() + 2048, image.bytes.end(), std::byte{0});
  image.Save();
  const Expected<void> mended = RepairNamed("salvage").mend(vfs_);
  ASSERT_FALSE(mended);
  EXPECT_THAT(mended.error().context, HasSubstr("nothing can be read"));
  EXPECT_EQ(Image().bytes, image.bytes);
  EXPECT_THAT(*vfs_.List(""), ElementsAre("store.db"));
}

}  // namespace
}  // namespace plugpull::bbolt_file
