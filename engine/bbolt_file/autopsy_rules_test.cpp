// Goal: every invariant of an autopsy fires, alone where it can, and names where. Method: a sound
// file is damaged by hand in one place.
#include "engine/bbolt_file/autopsy_testing.h"

namespace plugpull::bbolt_file {
namespace {

using namespace cow_tree;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;

class RulesTest : public testing::Test {
 protected:
  explicit RulesTest(uint64_t first_keys = 300)
      : history_(WriteHistory({.seed = 11,
                               .key_count = 2 * first_keys,
                               .first_keys = first_keys,
                               .options = {{"page_size", "1024"}, {"freelist", "synced"}}})),
        bytes_(history_.last()),
        pages_(bytes_, history_.page_size),
        meta_(pages_.Active()),
        branch_(pages_.BucketRoot(meta_)) {
    while (pages_.Tree(Child(0)).IsBranch()) branch_ = Child(0);
    leaf_ = Child(1);
  }

  PageId Child(uint32_t index) const { return pages_.Tree(branch_).BranchElement(index).child; }
  std::byte* ElementAt(PageId page, uint32_t index) const {
    return pages_[page].data() + 16 + 16 * index;
  }
  std::byte* KeyAt(PageId page, uint32_t index) const {
    return const_cast<std::byte*>(pages_.Tree(page).Key(index).data());
  }
  void SetChild(uint32_t index, PageId id) const { Store(ElementAt(branch_, index) + 8, id); }
  void SetHeader(PageId page, PageHeader header) const {
    StorePageHeader(pages_[page].data(), header);
  }

  Autopsy Result() const { return scratch_.Examine(bytes_); }

  // Expects a violation of `rule` with `text` in it, in the file or in the active tree.
  void ExpectViolation(const std::string& rule, const std::string& text) const {
    const Autopsy autopsy = Result();
    std::vector<Violation> all = autopsy.file_violations;
    if (!autopsy.trees.empty()) {
      all.insert(all.end(), autopsy.trees[0].violations.begin(), autopsy.trees[0].violations.end());
    }
    EXPECT_THAT(all, Contains(testing::AllOf(Field(&Violation::rule, rule),
                                             Field(&Violation::text, HasSubstr(text)))))
        << TextOf(autopsy);
    EXPECT_FALSE(autopsy.is_sound());
    EXPECT_FALSE(autopsy.diagnoses.empty());
  }

  ScratchFile scratch_;
  History history_;
  FileBytes bytes_;
  FilePages pages_;
  Meta meta_;
  PageId branch_ = 0;  // a branch page above leaves
  PageId leaf_ = 0;    // its second child
};

TEST_F(RulesTest, NothingBroken) { EXPECT_TRUE(Result().is_sound()) << TextOf(Result()); }

TEST_F(RulesTest, I1InvalidMeta) {
  *(pages_[0].data() + 40) ^= std::byte{1};
  ExpectViolation("I1", "meta 0: checksum error");
}

TEST_F(RulesTest, I1ZeroChecksum) {
  Store(pages_[1].data() + 72, uint64_t{0});
  ExpectViolation("I1", "meta 1: checksum error");
}

TEST_F(RulesTest, I1TransactionIdsApart) {
  Meta meta = meta_;
  meta.transaction_id += 2;
  pages_.SetMeta(pages_.ActiveSlot(), meta);
  ExpectViolation("I1", "do not follow each other");
}

TEST_F(RulesTest, I1TransactionIdsInWrongSlots) {
  for (PageId slot = 0; slot < 2; ++slot) {
    Meta meta = pages_.MetaAt(slot);
    ++meta.transaction_id;
    pages_.SetMeta(slot, meta);
  }
  ExpectViolation("I1", "are in the wrong slots");
}

TEST_F(RulesTest, I1EqualTransactionIdsAreLegal) {
  const PageId active = pages_.ActiveSlot();
  Meta meta = meta_;
  pages_.SetMeta(1 - active, meta);
  const Autopsy autopsy = Result();
  EXPECT_TRUE(autopsy.is_sound()) << TextOf(autopsy);
  EXPECT_THAT(autopsy.active_reason, HasSubstr("reverted"));
}

TEST_F(RulesTest, I1MetaHeaders) {
  SetHeader(0, {.id = 1, .flags = kMetaFlag});
  ExpectViolation("I1", "Page expected to be: 0, but self identifies as 1");
  SetHeader(0, {.id = 0, .flags = kLeafFlag});
  ExpectViolation("I1", "page 0: has unexpected type/flags: 2");
  SetHeader(0, {.id = 0, .flags = kMetaFlag, .count = 3});
  ExpectViolation("I1", "a meta page with 3 elements");
}

TEST_F(RulesTest, I2OutOfBounds) {
  SetChild(1, meta_.high_water_mark);
  ExpectViolation("I2",
                  fmt::format("page {0}: out of bounds: {0} (stack: [", meta_.high_water_mark));
}

TEST_F(RulesTest, I2ShortFile) {
  bytes_.resize((meta_.high_water_mark - 1) * history_.page_size);
  ExpectViolation("I2", "file size too small");
}

TEST_F(RulesTest, I2RootAboveHighWaterMark) {
  Meta meta = meta_;
  meta.root.root = meta.high_water_mark + 7;
  pages_.SetMeta(pages_.ActiveSlot(), meta);
  ExpectViolation("I2", "above high water mark");
}

TEST_F(RulesTest, I2Metas) {
  SetChild(1, 1);
  ExpectViolation("I2", "page 1: invalid type: meta");
}

TEST_F(RulesTest, I3SelfIdentification) {
  PageHeader header = pages_.Header(leaf_);
  header.id = 77777;
  SetHeader(leaf_, header);
  ExpectViolation("I3",
                  fmt::format("Page expected to be: {}, but self identifies as 77777", leaf_));
}

TEST_F(RulesTest, I3Flags) {
  PageHeader header = pages_.Header(leaf_);
  header.flags = 0x9F;
  SetHeader(leaf_, header);
  ExpectViolation("I3", fmt::format("page {}: has unexpected type/flags: 9f", leaf_));
  header.flags = kFreelistFlag;
  SetHeader(leaf_, header);
  ExpectViolation("I3", fmt::format("page {}: invalid type: freelist", leaf_));
}

TEST_F(RulesTest, I3Count) {
  PageHeader header = pages_.Header(leaf_);
  ++header.count;
  SetHeader(leaf_, header);
  EXPECT_THAT(BrokenRules(Result()), Contains("I3"));
  header.count = 0xFFFF;
  SetHeader(leaf_, header);
  ExpectViolation("I3", "lies outside the page");
  header.count = static_cast<uint16_t>(pages_.Header(branch_).count - 1);
}

TEST_F(RulesTest, I3Overflow) {
  PageHeader header = pages_.Header(leaf_);
  header.overflow = 1;
  SetHeader(leaf_, header);
  ExpectViolation("I3", "overflow of 1 pages does not fit the contents");
}

TEST_F(RulesTest, I3Packing) {
  const auto position = Load<uint32_t>(ElementAt(leaf_, 1) + 4);
  Store(ElementAt(leaf_, 1) + 4, position + 1);
  ExpectViolation("I3", "does not follow that before it");
}

TEST_F(RulesTest, I3KeySize) {
  Store(ElementAt(leaf_, 0) + 8, uint32_t{0});
  ExpectViolation("I3", "key of 0 bytes");
}

TEST_F(RulesTest, I3ElementFlags) {
  Store(ElementAt(leaf_, 0), uint32_t{2});
  ExpectViolation("I3", "unknown flags 2");
}

TEST_F(RulesTest, I3Tail) {
  pages_[leaf_][history_.page_size - 1] = std::byte{1};
  ExpectViolation("I3", "after the last value is not zero");
}

TEST_F(RulesTest, I4MultipleReferences) {
  SetChild(1, Child(2));
  ExpectViolation("I4", fmt::format("page {}: multiple references (stack: [", Child(2)));
}

TEST_F(RulesTest, I4Cycle) {
  SetChild(1, branch_);
  ExpectViolation("I4", "PAGE_CYCLE path=[");
}

TEST_F(RulesTest, I4RootAndFreelist) {
  Meta meta = meta_;
  meta.root.root = meta.freelist;
  pages_.SetMeta(pages_.ActiveSlot(), meta);
  ExpectViolation("I4", "multiple references: root bucket and freelist");
}

class DeepRulesTest : public RulesTest {
 protected:
  DeepRulesTest() : RulesTest(1500) {}
};

TEST_F(DeepRulesTest, I4Depth) {
  const PageId root = pages_.BucketRoot(meta_);
  ASSERT_NE(root, branch_) << "the tree is too flat for this test";
  const PageId leaf = pages_.Tree(pages_.Tree(root).BranchElement(1).child).BranchElement(0).child;
  Store(ElementAt(root, 1) + 8, leaf);
  EXPECT_THAT(TextOf(Result()),
              HasSubstr(fmt::format("page {}: leaf at depth 2 instead of 3", leaf)));
}

TEST_F(RulesTest, I5Order) {
  Store(KeyAt(leaf_, 1) + 3, uint8_t{0});
  ExpectViolation("I5", "needs to be > (found <) than previous element");
}

TEST_F(RulesTest, I5BelowAncestor) {
  Store(KeyAt(leaf_, 0) + 3, uint8_t{0});
  ExpectViolation("I5", "needs to be >= the key in the ancestor");
}

TEST_F(RulesTest, I5NotTheParentsKey) {
  const TreePage leaf = pages_.Tree(leaf_);
  ++*reinterpret_cast<uint8_t*>(KeyAt(branch_, 1) + leaf.Key(0).size() - 1);
  EXPECT_THAT(BrokenRules(Result()), Contains("I5"));
}

TEST_F(RulesTest, I5AboveNextKey) {
  const uint32_t last = pages_.Tree(leaf_).count() - 1;
  Store(KeyAt(leaf_, last) + 3, uint8_t{'9'});
  ExpectViolation("I5", "needs to be < than key of the next element in ancestor");
}

TEST_F(RulesTest, I6EmptyPages) {
  const PageHeader header = pages_.Header(leaf_);
  std::ranges::fill(pages_[leaf_], std::byte{0});
  SetHeader(leaf_, {.id = leaf_, .flags = header.flags});
  ExpectViolation("I6", "empty leaf below a root");
  SetHeader(leaf_, {.id = leaf_, .flags = kBranchFlag});
  ExpectViolation("I6", "branch without elements");
}

TEST_F(RulesTest, I7Buckets) {
  const PageId root = meta_.root.root;
  const FileBytes sound = bytes_;
  Store(ElementAt(root, 0), uint32_t{0});
  ExpectViolation("I7", "of the root bucket is no bucket");
  bytes_ = sound;
  Store(ElementAt(root, 0) + 12, uint32_t{12});
  ExpectViolation("I7", "12 bytes are no bucket");
  bytes_ = sound;
  Store(ElementAt(root, 0) + 12, uint32_t{20});
  ExpectViolation("I7", "a value of 20 bytes");
}

TEST_F(RulesTest, I8Freelist) {
  const FileBytes sound = bytes_;
  std::byte* slots = pages_[meta_.freelist].data() + 16;
  const uint16_t count = pages_.Header(meta_.freelist).count;
  ASSERT_GE(count, 3);
  const auto expect = [&](const std::string& text) {
    ExpectViolation("I8", text);
    EXPECT_EQ(Result().recoverability, Recoverability::kFreelistScan);
    std::ranges::copy(sound, bytes_.begin());
  };
  Store(slots, leaf_);
  expect(fmt::format("page {}: reachable freed", leaf_));
  Store(slots, Load<PageId>(slots + 8));
  expect("already freed");
  Store(slots, PageId{1});
  expect("cannot free page 0 or 1: 1");
  Store(slots + 8 * (count - 1), meta_.high_water_mark);
  expect("out of bounds");
  std::swap_ranges(slots, slots + 8, slots + 8);
  expect("freelist is not sorted");
  SetHeader(meta_.freelist, {.id = meta_.freelist, .flags = kLeafFlag, .count = count});
  expect("page type is leaf");
  SetHeader(meta_.freelist, {.id = 9, .flags = kFreelistFlag, .count = count});
  expect("self identifies as 9");
  SetHeader(meta_.freelist, {.id = meta_.freelist, .flags = kFreelistFlag, .count = 1000});
  expect("ids do not fit");
  SetHeader(meta_.freelist,
            {.id = meta_.freelist, .flags = kFreelistFlag, .count = count, .overflow = 3});
  expect("ids on 4 pages");
  Store(slots + 8 * (count - 1), PageId{0});
  SetHeader(
      meta_.freelist,
      {.id = meta_.freelist, .flags = kFreelistFlag, .count = static_cast<uint16_t>(count - 1)});
  expect("unreachable unfreed");
}

// A transaction that was writing when the power went overwrites pages of the older tree only.
TEST_F(RulesTest, I9PreviousTree) {
  const std::vector<PageId> active = pages_.Reached(meta_);
  PageId victim = 0;
  for (const PageId page : pages_.Reached(pages_.MetaAt(1 - pages_.ActiveSlot()))) {
    if (std::ranges::find(active, page) == active.end()) victim = page;
  }
  ASSERT_NE(victim, 0u);
  std::ranges::fill(pages_[victim], std::byte{0x5A});
  const Autopsy autopsy = Result();
  EXPECT_TRUE(autopsy.is_sound()) << TextOf(autopsy);
  EXPECT_FALSE(autopsy.trees[1].is_whole);
  EXPECT_FALSE(autopsy.comparison.previous_is_whole);
  EXPECT_THAT(BrokenRules(autopsy, 1), Contains("I3"));
  EXPECT_THAT(autopsy.notes, Contains(HasSubstr("older meta is not whole")));
}

}  // namespace
}  // namespace plugpull::bbolt_file
