// Goal: every rule of the checker fires, with bbolt's words where bbolt has words. Method: a sound
// store of small pages is damaged by hand in one place, then opened and checked.
#include "engine/cow_tree/checker.h"

#include "engine/cow_tree/test_support.h"
#include "engine/cow_tree/tree_reader.h"

namespace plugpull::cow_tree {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const OptionList kSmallPages = {{"page_size", "1024"}};

// 60 keys in one branch page and its leaves, one value of several pages, some free pages.
class CheckerTest : public testing::Test {
 protected:
  CheckerTest() {
    {
      const std::unique_ptr<Engine> engine = OpenStore(vfs_, kSmallPages);
      for (int index = 0; index < 60; ++index) {
        ApplyOk(*engine, {{fmt::format("key{:02}", index), std::string(40, 'v')}});
      }
      ApplyOk(*engine, {{"large", std::string(3000, 'v')}});
      ApplyOk(*engine, {{"key00", "changed"}});
      ExpectClean(*engine);
    }
    image_ = std::make_unique<StoreImage>(vfs_);
    branch_ = image_->BucketRoot();
    leaf_ = Child(1);
    freelist_ = image_->Active().freelist;
    EXPECT_TRUE(image_->Tree(branch_).IsBranch());
    EXPECT_GE(image_->Tree(branch_).count(), 4U);
    EXPECT_GE(FreeCount(), 3U);
  }

  PageId Child(uint32_t index) { return image_->Tree(branch_).BranchElement(index).child; }
  void SetChild(uint32_t index, PageId id) {
    Store(image_->Page(branch_) + 16 + 16 * index + 8, id);
  }
  std::byte* LastKeyByte(PageId page, uint32_t index) {
    const Bytes key = image_->Tree(page).Key(index);
    return image_->bytes.data() + (key.data() + key.size() - 1 - image_->bytes.data());
  }
  uint16_t FreeCount() { return LoadPageHeader(image_->Page(freelist_)).count; }
  std::byte* FreeSlot(size_t index) { return image_->Page(freelist_) + 16 + 8 * index; }
  void SetHeader(PageId page, PageHeader header) { StorePageHeader(image_->Page(page), header); }
  PageHeader Header(PageId page) { return LoadPageHeader(image_->Page(page)); }

  // Takes a page off the freelist, for a test to use.
  PageId TakeFreePage() {
    const uint16_t count = FreeCount();
    const PageId id = Load<uint64_t>(FreeSlot(count - 1));
    PageHeader header = Header(freelist_);
    header.count = static_cast<uint16_t>(count - 1);
    SetHeader(freelist_, header);
    return id;
  }

  CheckReport Report() {
    image_->Save();
    return ReportOf(*OpenStore(vfs_, kSmallPages));
  }
  std::vector<std::string> Structure() {
    const CheckReport report = Report();
    EXPECT_LE(report.structure.size(), kProblemsMax);
    return report.structure;
  }

  MemoryVfs vfs_;
  std::unique_ptr<StoreImage> image_;
  PageId branch_ = 0;
  PageId leaf_ = 0;
  PageId freelist_ = 0;
};

TEST_F(CheckerTest, SoundStoreIsClean) {
  const CheckReport report = Report();
  EXPECT_THAT(report.structure, IsEmpty());
  EXPECT_THAT(report.leaks, IsEmpty());
}

// Freelist.

TEST_F(CheckerTest, AlreadyFreed) {
  Store(FreeSlot(1), Load<uint64_t>(FreeSlot(0)));
  const CheckReport report = Report();
  EXPECT_THAT(report.structure,
              ElementsAre(fmt::format("page {}: already freed", Load<uint64_t>(FreeSlot(0)))));
  EXPECT_THAT(report.leaks, SizeIs(1));
}

TEST_F(CheckerTest, FreeIdOutOfBounds) {
  const PageId high_water_mark = image_->Active().high_water_mark;
  Store(FreeSlot(FreeCount() - 1), high_water_mark);
  EXPECT_THAT(Structure(),
              ElementsAre(fmt::format("page {0}: out of bounds: {0}", high_water_mark)));
}

TEST_F(CheckerTest, FreeIdOfAMeta) {
  Store(FreeSlot(0), PageId{1});
  EXPECT_THAT(Structure(), ElementsAre("cannot free page 0 or 1: 1"));
}

TEST_F(CheckerTest, UnsortedFreelist) {
  const PageId first = Load<uint64_t>(FreeSlot(0));
  Store(FreeSlot(0), Load<uint64_t>(FreeSlot(1)));
  Store(FreeSlot(1), first);
  EXPECT_THAT(Structure(), ElementsAre(HasSubstr("freelist is not sorted")));
}

TEST_F(CheckerTest, ReachableFreed) {
  Store(FreeSlot(0), leaf_);
  EXPECT_THAT(Structure(), Contains(fmt::format("page {}: reachable freed", leaf_)));
}

TEST_F(CheckerTest, FreelistFreesItself) {
  Store(FreeSlot(0), freelist_);
  EXPECT_THAT(Structure(), Contains(fmt::format("page {}: reachable freed", freelist_)));
}

TEST_F(CheckerTest, UnreachableUnfreedIsALeak) {
  const PageId lost = TakeFreePage();
  const CheckReport report = Report();
  EXPECT_THAT(report.structure, IsEmpty());
  EXPECT_THAT(report.leaks, ElementsAre(fmt::format("page {}: unreachable unfreed", lost)));
}

TEST_F(CheckerTest, FreelistHeader) {
  SetHeader(freelist_, PageHeader{.id = 77, .flags = 0x12, .count = FreeCount()});
  EXPECT_THAT(
      Structure(),
      ElementsAre(
          fmt::format("assertion failed: Page expected to be: {}, but self identifies as 77",
                      freelist_),
          fmt::format("page {}: has unexpected type/flags: 12", freelist_)));
}

TEST_F(CheckerTest, OpenRefusesAnotherPageAsFreelist) {
  Meta meta = image_->Active();
  meta.freelist = leaf_;
  image_->SetActive(meta);
  image_->Save();
  EXPECT_EQ(OpenError(vfs_), fmt::format("invalid freelist page: {}, page type is leaf", leaf_));
}

TEST_F(CheckerTest, OpenRefusesAFreelistThatDoesNotFit) {
  SetHeader(freelist_, PageHeader{.id = freelist_, .flags = kFreelistFlag, .count = 500});
  image_->Save();
  EXPECT_THAT(OpenError(vfs_), HasSubstr("500 ids do not fit"));
}

// References.

TEST_F(CheckerTest, MultipleReferences) {
  SetChild(2, Child(1));
  EXPECT_THAT(Structure(), Contains(fmt::format("page {}: multiple references (stack: [{} {}])",
                                                leaf_, branch_, leaf_)));
}

TEST_F(CheckerTest, MetaAsChild) {
  SetChild(1, 0);
  const std::vector<std::string> structure = Structure();
  EXPECT_THAT(structure, Contains(HasSubstr("page 0: multiple references (stack: ")));
  EXPECT_THAT(structure, Contains(HasSubstr("page 0: invalid type: meta (stack: ")));
}

TEST_F(CheckerTest, ChildOutOfBounds) {
  SetChild(1, 8314893338927566090ULL);  // the number of a field report: bytes of a key
  EXPECT_THAT(Structure(),
              ElementsAre(fmt::format("page 8314893338927566090: out of bounds: {} (stack: [{} "
                                      "8314893338927566090])",
                                      image_->Active().high_water_mark, branch_)));
}

TEST_F(CheckerTest, Cycle) {
  SetChild(1, branch_);
  EXPECT_THAT(Structure(), ElementsAre(fmt::format("PAGE_CYCLE path=[{0} {0}]", branch_)));
  ContentsVisitor visitor;
  const Expected<void> scanned = OpenStore(vfs_)->Scan(visitor);
  ASSERT_FALSE(scanned.has_value());
  EXPECT_THAT(scanned.error().context, HasSubstr("PAGE_CYCLE path=["));
}

TEST_F(CheckerTest, OverflowLeadsOutOfTheStore) {
  PageHeader header = Header(leaf_);
  header.overflow = 1000000;
  SetHeader(leaf_, header);
  EXPECT_THAT(Structure(), ElementsAre(AllOf(HasSubstr(": out of bounds: "),
                                             HasSubstr(fmt::format("[{} {}]", branch_, leaf_)))));
}

TEST_F(CheckerTest, OverflowCoversAnotherPage) {
  PageHeader header = Header(leaf_);
  header.overflow = static_cast<uint32_t>(image_->Active().high_water_mark - leaf_ - 1);
  SetHeader(leaf_, header);
  EXPECT_THAT(Structure(), Contains(HasSubstr("multiple references")));
}

// A stale leaf is what PR #834 shows; leaves of unequal depth are what a stale branch leaves
// behind.
TEST_F(CheckerTest, LeavesOfUnequalDepth) {
  const PageId moved = TakeFreePage();
  const std::string first(AsText(image_->Tree(leaf_).Key(0)));
  std::copy_n(image_->Page(leaf_), image_->page_size, image_->Page(moved));
  PageHeader header = Header(moved);
  header.id = moved;
  SetHeader(moved, header);
  image_->PutNode(leaf_, /*is_leaf=*/false, {Entry{.key = first, .child_id = moved}});
  EXPECT_THAT(Structure(),
              ElementsAre(fmt::format("page {0}: leaf at depth 3 instead of 2 (stack: [{1} {2} "
                                      "{0}])",
                                      moved, branch_, leaf_)));
}

TEST_F(CheckerTest, TreeTooDeep) {
  const PageId first = image_->Active().high_water_mark;
  const PageId end = first + kTreeDepthMax + 3;
  image_->bytes.resize(end * image_->page_size);
  for (PageId id = first; id < end; ++id) {
    image_->PutNode(id, /*is_leaf=*/false, {Entry{.key = "key00", .child_id = id + 1}});
  }
  Meta meta = image_->Active();
  meta.high_water_mark = end;
  image_->SetActive(meta);
  SetChild(0, first);
  EXPECT_THAT(Structure(), ElementsAre(HasSubstr("the tree is deeper than 64 levels")));
}

// Pages.

TEST_F(CheckerTest, SelfIdentification) {
  PageHeader header = Header(leaf_);
  header.id = 6868074383292906018ULL;
  SetHeader(leaf_, header);
  EXPECT_THAT(Structure(), ElementsAre(fmt::format("assertion failed: Page expected to be: {}, but "
                                                   "self identifies as 6868074383292906018",
                                                   leaf_)));
}

TEST_F(CheckerTest, TwoTypesAtOnce) {
  PageHeader header = Header(leaf_);
  header.flags = 0x03;
  SetHeader(leaf_, header);
  EXPECT_THAT(Structure(),
              ElementsAre(fmt::format("page {}: has unexpected type/flags: 3", leaf_)));
}

TEST_F(CheckerTest, FreelistInTheTree) {
  SetChild(1, TakeFreePage());
  const PageId page = Child(1);
  SetHeader(page, PageHeader{.id = page, .flags = kFreelistFlag});
  EXPECT_THAT(Structure(),
              ElementsAre(fmt::format("page {}: invalid type: freelist (stack: [{} {}])", page,
                                      branch_, page),
                          fmt::format("unexpected page type (flags: 10) for pgId:{}", page)));
}

TEST_F(CheckerTest, ElementOutsideThePage) {
  Store(image_->Page(leaf_) + 16 + 4, uint32_t{100000});  // pos of the first element
  EXPECT_THAT(Structure(),
              ElementsAre(fmt::format("page {}: an element lies outside the page", leaf_)));
}

TEST_F(CheckerTest, EmptyLeafBelowARoot) {
  PageHeader header = Header(leaf_);
  header.count = 0;
  SetHeader(leaf_, header);
  EXPECT_THAT(Structure(), ElementsAre(HasSubstr("empty leaf below a root")));
}

TEST_F(CheckerTest, BranchWithoutElements) {
  PageHeader header = Header(branch_);
  header.count = 0;
  SetHeader(branch_, header);
  EXPECT_THAT(Structure(), Contains(fmt::format("page {}: branch without elements", branch_)));
}

// Keys.

TEST_F(CheckerTest, FirstKeyBelowItsAncestor) {
  *LastKeyByte(leaf_, 0) = std::byte{'!'};
  EXPECT_THAT(
      Structure(),
      ElementsAre(AllOf(HasSubstr("the first key[0]=(hex)6b6579"),
                        HasSubstr(fmt::format(
                            "on leaf page({}) needs to be >= the key in the ancestor (", leaf_)),
                        HasSubstr(fmt::format("). Stack: [{} {}]", branch_, leaf_)))));
}

TEST_F(CheckerTest, KeyBelowThePreviousOne) {
  *LastKeyByte(leaf_, 1) = std::byte{'!'};
  EXPECT_THAT(Structure(),
              ElementsAre(AllOf(HasSubstr("key[1]=(hex)6b6579"),
                                HasSubstr(fmt::format("on leaf page({}) needs to be > (found <) "
                                                      "than previous element (hex)6b6579",
                                                      leaf_)),
                                HasSubstr(fmt::format(". Stack: [{} {}]", branch_, leaf_)))));
}

TEST_F(CheckerTest, KeyTwice) {
  *LastKeyByte(leaf_, 1) = *LastKeyByte(leaf_, 0);
  EXPECT_THAT(Structure(), Contains(HasSubstr("needs to be > (found =) than previous element")));
}

TEST_F(CheckerTest, KeyBeyondTheNextOneOfTheAncestor) {
  *LastKeyByte(leaf_, image_->Tree(leaf_).count() - 1) = std::byte{'~'};
  EXPECT_THAT(
      Structure(),
      ElementsAre(AllOf(HasSubstr(fmt::format("on leaf page({}) needs to be < than key of the next "
                                              "element in ancestor (hex)6b6579",
                                              leaf_)),
                        HasSubstr(fmt::format(". Pages stack: [{} {}]", branch_, leaf_)))));
}

TEST_F(CheckerTest, BranchKeysOutOfOrder) {
  *LastKeyByte(branch_, 2) = *LastKeyByte(branch_, 0);
  *(LastKeyByte(branch_, 2) - 1) = *(LastKeyByte(branch_, 0) - 1);
  EXPECT_THAT(Structure(), Contains(AllOf(HasSubstr("on branch page("), HasSubstr("(found <)"))));
}

TEST_F(CheckerTest, EmptyKeyAndUnknownFlags) {
  const TreePage leaf = image_->Tree(leaf_);
  Store(image_->Page(leaf_) + 16 + 16, uint32_t{6});  // element 1: flags
  const std::string first(AsText(leaf.Key(0)));
  EXPECT_THAT(Structure(), Contains(fmt::format("page {}: element 1: unknown flags 6", leaf_)));
  image_->PutNode(leaf_, /*is_leaf=*/true, {Entry{.key = ""}, Entry{.key = first}});
  EXPECT_THAT(Structure(), Contains(fmt::format("page {}: element 0: key of 0 bytes", leaf_)));
}

TEST_F(CheckerTest, ReportsAreBounded) {
  const uint32_t count = image_->Tree(branch_).count();
  std::vector<Entry> entries;
  for (int index = 0; index < 50; ++index) entries.push_back(Entry{.key = "same"});
  for (uint32_t child = 0; child < count - 1; ++child) {
    image_->PutNode(Child(child), /*is_leaf=*/true, entries);
  }
  EXPECT_THAT(Structure(), SizeIs(kProblemsMax));
}

// Buckets.

TEST_F(CheckerTest, BucketValueTooShort) {
  image_->PutNode(image_->Active().root.root, /*is_leaf=*/true,
                  {Entry{.key = "kv", .value = "12345678", .flags = kBucketElementFlag}});
  const CheckReport report = Report();
  EXPECT_THAT(report.structure, ElementsAre(HasSubstr("misplaced bucket header")));
  EXPECT_THAT(report.leaks, IsEmpty());  // not provable when a bucket is missing
}

std::string InlineBucket(StoreImage& image, std::vector<Entry> entries) {
  const PageId scratch = image.Active().high_water_mark - 1;
  image.PutNode(scratch, /*is_leaf=*/true, std::move(entries));
  PageHeader header = LoadPageHeader(image.Page(scratch));
  header.id = 0;
  StorePageHeader(image.Page(scratch), header);
  return std::string(kBucketHeaderBytes, '\0') +
         std::string(AsText(image.PageSpan(scratch).first(400)));
}

TEST_F(CheckerTest, InlineBucketRules) {
  const std::string bucket_value = InlineBucket(
      *image_, {Entry{.key = "b"}, Entry{.key = "a", .flags = kBucketElementFlag}, Entry{}});
  image_->PutNode(image_->Active().root.root, /*is_leaf=*/true,
                  {Entry{.key = "kv", .value = bucket_value, .flags = kBucketElementFlag}});
  const std::vector<std::string> structure = Structure();
  EXPECT_THAT(structure,
              Contains(HasSubstr("inline bucket of 400 bytes exceeds a quarter of a page")));
  EXPECT_THAT(structure, Contains(HasSubstr("on leaf page(0) needs to be > (found <)")));
  EXPECT_THAT(structure, Contains(HasSubstr("inline bucket: element 1: flags 1")));
  EXPECT_THAT(structure, Contains(HasSubstr("inline bucket: element 2: key of 0 bytes")));
}

TEST_F(CheckerTest, InlineBucketMustBeALeaf) {
  std::string value = InlineBucket(*image_, {Entry{.key = "a"}});
  value[kBucketHeaderBytes + 8] = 0x01;
  image_->PutNode(image_->Active().root.root, /*is_leaf=*/true,
                  {Entry{.key = "kv", .value = value, .flags = kBucketElementFlag}});
  EXPECT_THAT(Structure(), Contains(HasSubstr("inline bucket: ")));
}

TEST_F(CheckerTest, PlainKeyInTheBucketsPlace) {
  Store(image_->Page(image_->Active().root.root) + 16, uint32_t{0});
  image_->Save();
  ContentsVisitor visitor;
  const Expected<void> scanned = OpenStore(vfs_)->Scan(visitor);
  ASSERT_FALSE(scanned.has_value());
  EXPECT_THAT(scanned.error().context, HasSubstr("incompatible value"));
}

// Metas.

TEST_F(CheckerTest, RootAboveHighWaterMark) {
  Meta meta = image_->Active();
  meta.root.root = meta.high_water_mark;
  image_->SetActive(meta);
  EXPECT_THAT(Structure(),
              ElementsAre(fmt::format("root bucket pgid ({0}) above high water mark ({0})",
                                      meta.high_water_mark)));
}

TEST_F(CheckerTest, HighWaterMarkBeyondTheFile) {
  image_->bytes.resize((image_->Active().high_water_mark - 1) * image_->page_size);
  EXPECT_THAT(Structure(), Contains(HasSubstr("file size too small")));
  const Expected<void> applied = OpenStore(vfs_)->Apply(Transaction{{{"a", "1"}}});
  ASSERT_FALSE(applied.has_value());
  EXPECT_THAT(applied.error().context, HasSubstr("file size too small"));
}

TEST_F(CheckerTest, MetasThatDoNotFollowEachOther) {
  const PageId other = 1 - image_->ActiveSlot();
  Meta meta = *LoadMeta(image_->PageSpan(other));
  meta.transaction_id -= 2;
  StoreMeta(image_->PageSpan(other), other, meta);
  EXPECT_THAT(Structure(), ElementsAre(HasSubstr("do not follow each other")));
}

TEST_F(CheckerTest, MetasInTheWrongSlots) {
  const Meta first = *LoadMeta(image_->PageSpan(0));
  const Meta second = *LoadMeta(image_->PageSpan(1));
  StoreMeta(image_->PageSpan(0), 0, second);
  StoreMeta(image_->PageSpan(1), 1, first);
  EXPECT_THAT(Structure(), ElementsAre(HasSubstr("are in the wrong slots")));
}

// After `bbolt surgery revert-meta-page` both slots say the same.
TEST_F(CheckerTest, EqualMetasAreNoDamage) {
  StoreMeta(image_->PageSpan(1 - image_->ActiveSlot()), 1 - image_->ActiveSlot(), image_->Active());
  EXPECT_THAT(Structure(), IsEmpty());
}

TEST_F(CheckerTest, MetaHeader) {
  SetHeader(0, PageHeader{.id = 5, .flags = kLeafFlag});
  EXPECT_THAT(Structure(),
              ElementsAre("assertion failed: Page expected to be: 0, but self identifies as 5",
                          "page 0: has unexpected type/flags: 2"));
}

TEST_F(CheckerTest, MetasLostAfterTheOpen) {
  const std::unique_ptr<Engine> engine = OpenStore(vfs_);
  ApplyOk(*engine, {{"a", "1"}});  // the check trusts no copy of what was written
  const auto file = *vfs_.Open("store.db", {});
  ASSERT_TRUE(file->Write(0, std::vector<std::byte>(2048)).has_value());
  EXPECT_THAT(ReportOf(*engine).structure, Contains(HasSubstr("no valid meta page")));
}

// Without a stored freelist the tree says what is free, and a tree that cannot be walked stops the
// open: bbolt panics there.
TEST_F(CheckerTest, OpenWithoutFreelistNeedsASoundTree) {
  Meta meta = image_->Active();
  meta.freelist = kNoFreelist;
  image_->SetActive(meta);
  image_->Save();
  ExpectClean(*OpenStore(vfs_, {{"freelist", "none"}}));
  *LastKeyByte(leaf_, 1) = std::byte{'!'};
  image_->Save();
  EXPECT_THAT(OpenError(vfs_, {{"freelist", "none"}}),
              AllOf(HasSubstr("freepages: failed to get all reachable pages (key[1]=(hex)"),
                    HasSubstr("found <")));
}

}  // namespace
}  // namespace plugpull::cow_tree
