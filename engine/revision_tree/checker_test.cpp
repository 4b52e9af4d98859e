// Goal: every rule of the check fires, and names page, offset and revision. Method: a sound store
// is put together by hand, damaged in one place, and checked.
#include "engine/revision_tree/checker.h"

#include "engine/revision_tree/hand_made_store.h"

namespace plugpull::revision_tree {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

// Five keys in three leaves below one node, a value of several PageIOs, three free PageIOs; an
// older revision that shares two of the leaves.
class RevisionTreeCheck : public testing::Test {
 protected:
  RevisionTreeCheck() {
    left_ = store_.AddLeaf(2, {{"a", "1"}, {"b", "2"}});
    middle_ = store_.AddLeaf(5, {{"d", std::string(300, 'v')}, {"e", "5"}});
    right_ = store_.AddLeaf(3, {{"h", "8"}});
    node_ = store_.AddNode(5, {left_, middle_, right_}, {"c", "g"});
    old_middle_ = store_.AddLeaf(4, {{"d", "4"}});
    old_node_ = store_.AddNode(4, {left_, old_middle_, right_}, {"c", "g"});
    store_.older.push_back({.revision = 4, .root = old_node_.first});
    store_.AddFree(3);
    store_.header.root = node_.first;
    store_.header.element_count = 5;
  }

  std::vector<std::string> Structure() {
    CheckReport report = store_.Check();
    EXPECT_LE(report.structure.size(), kProblemsMax);
    return report.structure;
  }
  std::string Where(int64_t offset, std::string_view tree = "revision 5") {
    return fmt::format("{}, {}: ", store_.Text(offset), tree);
  }
  // Where an element of a logical page begins, from the start of its first PageIO.
  static constexpr size_t kElementsAt = kFirstBytes + kPageHeaderBytes;

  HandMadeStore store_;
  Child left_, middle_, right_, node_, old_middle_, old_node_;
};

TEST_F(RevisionTreeCheck, SoundStoreIsClean) {
  SpaceCount count;
  const CheckReport report = store_.Check(&count);
  EXPECT_THAT(report.structure, IsEmpty());
  EXPECT_THAT(report.leaks, IsEmpty());
  EXPECT_EQ(count.header, 8U);
  EXPECT_EQ(count.reachable, 6U);  // the leaf with the long value takes three
  EXPECT_EQ(count.kept, 2U);
  EXPECT_EQ(count.free, 3U);
  EXPECT_EQ(count.none + count.pending + count.copied, 0U);
}

// V1.

TEST_F(RevisionTreeCheck, NoValidSlot) {
  store_.slots = {HeaderSlot{.exists = true, .header = {}, .fault = "header: checksum error"},
                  HeaderSlot{.exists = true, .header = {}, .fault = "header: PageIO size 7"}};
  EXPECT_THAT(Structure(), ElementsAre("V1: no header slot is valid: header: checksum error; "
                                       "header: PageIO size 7"));
}

TEST_F(RevisionTreeCheck, OneTornSlotIsLegal) {
  store_.Check();  // fills the header in
  store_.slots = {HeaderSlot{.exists = true, .header = {}, .fault = "header: checksum error"},
                  HeaderSlot{.exists = true, .header = store_.header, .fault = ""}};
  EXPECT_THAT(Structure(), IsEmpty());
}

TEST_F(RevisionTreeCheck, SlotsOfDistantRevisions) {
  store_.Check();
  Header other = store_.header;
  other.current = other.ongoing = 2;
  store_.slots = {HeaderSlot{.exists = true, .header = store_.header, .fault = ""},
                  HeaderSlot{.exists = true, .header = other, .fault = ""}};
  EXPECT_THAT(Structure(),
              ElementsAre("V1: header slots of revisions 5 and 2 do not follow each other"));
  store_.slots[1].header->current = 5;
  store_.slots[1].header->page_size_bytes = 256;
  EXPECT_THAT(Structure(), ElementsAre("V1: header slots have PageIOs of 128 and 256 bytes"));
}

TEST_F(RevisionTreeCheck, HeaderInMemoryIsAnother) {
  store_.Check();
  store_.slots[0] = {.exists = true, .header = store_.header, .fault = ""};
  store_.slots[0].header->first_free = kNoOffset;
  EXPECT_THAT(Structure(), ElementsAre("V1: no header slot has the header that the store goes on "
                                       "from, revision 5"));
}

TEST_F(RevisionTreeCheck, FileTooSmall) {
  store_.header.page_count = static_cast<int64_t>(store_.bytes.size() / 128) + 2;
  EXPECT_THAT(Structure(), ElementsAre("V1: file too small: the header of revision 5 says 21 "
                                       "PageIOs, 19 are there"));
}

TEST_F(RevisionTreeCheck, RootOutsideTheFile) {
  store_.header.root = 128 * 1000;
  EXPECT_THAT(Structure(), Contains("V1: revision 5: Bad Offset 128000 of the root"));
}

TEST_F(RevisionTreeCheck, ChildInsideTheHeader) {
  StoreInt64(store_.At(node_.first) + kElementsAt, 128);
  EXPECT_THAT(Structure(), Contains("V1: " + Where(node_.first) + "Bad Offset 128 of a child"));
}

// V2.

TEST_F(RevisionTreeCheck, TwoParentsInOneRevision) {
  StoreInt64(store_.At(node_.first) + kElementsAt, right_.first);
  StoreInt64(store_.At(node_.first) + kElementsAt + 8, right_.last);
  EXPECT_THAT(Structure(),
              Contains("V2: " + Where(right_.first) + "has two parents in one revision"));
}

TEST_F(RevisionTreeCheck, NodeBelowItself) {
  StoreInt64(store_.At(node_.first) + kElementsAt, node_.first);
  StoreInt64(store_.At(node_.first) + kElementsAt + 8, node_.last);
  EXPECT_THAT(Structure(),
              Contains("V2: " + Where(node_.first) + "has two parents in one revision"));
}

TEST_F(RevisionTreeCheck, LeakIsNotStructure) {
  store_.header.first_free = LoadInt64(store_.At(store_.header.first_free));
  const int64_t lost = static_cast<int64_t>(store_.bytes.size()) - 128;
  CheckReport report = store_.Check();
  EXPECT_THAT(report.structure, IsEmpty());
  EXPECT_THAT(report.leaks, ElementsAre("V2: " + store_.Text(lost) +
                                        ": leak: nothing of revision 5 reaches it, and it is not "
                                        "free"));
  store_.owes_scan = true;
  SpaceCount count;
  EXPECT_THAT(store_.Check(&count).leaks, IsEmpty());
  EXPECT_EQ(count.none, 1U);
  store_.owes_scan = false;
  store_.pending = {store_.NumberOf(lost)};
  EXPECT_THAT(store_.Check(&count).leaks, IsEmpty());
  EXPECT_EQ(count.pending, 1U);
}

TEST_F(RevisionTreeCheck, NothingIsALeakWhereTheTreeIsBroken) {
  StoreInt64(store_.At(node_.first) + kElementsAt, 7);
  CheckReport report = store_.Check();
  EXPECT_THAT(report.structure, Not(IsEmpty()));
  EXPECT_THAT(report.leaks, IsEmpty());
}

TEST_F(RevisionTreeCheck, PendingAndReachable) {
  const PageNumber kept = store_.NumberOf(old_middle_.first);
  store_.pending = {kept};  // legal: the older revision still has it
  EXPECT_THAT(Structure(), IsEmpty());
  store_.pending = {store_.NumberOf(left_.first)};
  EXPECT_THAT(Structure(), ElementsAre("V2: " + store_.Text(left_.first) +
                                       ": is to be freed, and is reachable from the newest "
                                       "revision, revision 5"));
}

TEST_F(RevisionTreeCheck, PendingTwiceOrFree) {
  const int64_t lost = store_.header.first_free;
  store_.pending = {store_.NumberOf(lost)};
  EXPECT_THAT(Structure(), ElementsAre("V2: " + store_.Text(lost) +
                                       ": is to be freed, and is free, revision 5"));
  store_.header.first_free = LoadInt64(store_.At(lost));
  store_.pending = {store_.NumberOf(lost), store_.NumberOf(lost)};
  EXPECT_THAT(Structure(), ElementsAre("V2: " + store_.Text(lost) +
                                       ": is to be freed, and is pending, revision 5"));
}

// V3.

TEST_F(RevisionTreeCheck, FreeChainCycle) {
  const int64_t first = store_.header.first_free;
  const int64_t second = LoadInt64(store_.At(first));
  const int64_t third = LoadInt64(store_.At(second));
  StoreInt64(store_.At(third), second);
  EXPECT_THAT(Structure(), ElementsAre(fmt::format("V3: free chain: cycle: {} is in it twice, "
                                                   "again after {}",
                                                   store_.Text(second), store_.Text(third))));
}

TEST_F(RevisionTreeCheck, FreeChainRunsIntoTheTree) {
  const int64_t first = store_.header.first_free;
  StoreInt64(store_.At(first), middle_.last);
  EXPECT_THAT(Structure(),
              ElementsAre(fmt::format(
                  "V3: free chain: {} after {} is reachable from the newest revision, "
                  "in the chain from page {}, revision 5",
                  store_.Text(middle_.last), store_.Text(first), store_.NumberOf(middle_.first))));
}

TEST_F(RevisionTreeCheck, FreeChainRunsIntoAKeptRevision) {
  store_.header.first_free = old_middle_.first;
  EXPECT_THAT(Structure(), ElementsAre(AllOf(HasSubstr(store_.Text(old_middle_.first)),
                                             HasSubstr("after the header is reachable from a "
                                                       "kept revision"))));
}

TEST_F(RevisionTreeCheck, FreeChainLeavesTheFile) {
  StoreInt64(store_.At(store_.header.first_free), 128 * 5000);
  EXPECT_THAT(Structure(), ElementsAre("V3: free chain: Bad Offset 640000 after " +
                                       store_.Text(store_.header.first_free)));
}

// V4.

TEST_F(RevisionTreeCheck, ChainShorterAndLongerThanItsSize) {
  StoreInt32(store_.At(middle_.first) + kNextBytes, 600);
  EXPECT_THAT(Structure(), Contains(AllOf(StartsWith("V4: " + Where(middle_.first)),
                                          HasSubstr("ends too early"))));
  StoreInt32(store_.At(middle_.first) + kNextBytes, 200);
  EXPECT_THAT(Structure(),
              Contains(AllOf(StartsWith("V4: " + Where(middle_.first)), HasSubstr("wrong size"))));
}

TEST_F(RevisionTreeCheck, ChainRunsIntoAnother) {
  // The last PageIO of the value is another page's, with the same length and end.
  StoreInt64(store_.At(middle_.first), middle_.last - 128);
  StoreInt32(store_.At(middle_.first) + kNextBytes, 116 + 120 + 10);
  StoreInt64(store_.At(middle_.last - 128), old_middle_.first);
  StoreInt64(store_.At(node_.first) + kElementsAt + 16 + 5 + 8, old_middle_.first);
  std::swap(store_.older, store_.readers);
  const std::vector<std::string> found = Structure();
  EXPECT_THAT(found, Contains(AllOf(HasSubstr("V4: " + store_.Text(old_middle_.first)),
                                    HasSubstr("reader of revision 4"), HasSubstr("runs into"))));
}

TEST_F(RevisionTreeCheck, LastPageOfAChildIsAnother) {
  StoreInt64(store_.At(node_.first) + kElementsAt + 8, left_.first + 128);
  EXPECT_THAT(Structure(),
              ElementsAre(fmt::format("V4: {}its chain ends at offset {}, its parent says {}",
                                      Where(left_.first), left_.last, left_.first + 128)));
}

TEST_F(RevisionTreeCheck, LogicalPageThatMakesNoSense) {
  StoreInt32(store_.At(left_.first) + kFirstBytes + 8, 3);
  EXPECT_THAT(Structure(),
              Contains(AllOf(StartsWith("V4: " + Where(left_.first)), HasSubstr("do not fill"))));
}

// V5.

TEST_F(RevisionTreeCheck, PageOfALaterRevision) {
  StoreInt64(store_.At(left_.first) + kFirstBytes, 6);
  EXPECT_THAT(Structure(),
              ElementsAre("V5: " + Where(left_.first) + "is of revision 6, its root of 5",
                          "V5: " + Where(left_.first, "older revision 4") +
                              "is of revision 6, its root of 4"));
}

TEST_F(RevisionTreeCheck, ChildLaterThanItsParent) {
  StoreInt64(store_.At(node_.first) + kFirstBytes, 4);
  EXPECT_THAT(Structure(),
              ElementsAre(fmt::format("V5: {}is of revision 5, its parent, page {}, of 4",
                                      Where(middle_.first), store_.NumberOf(node_.first))));
}

TEST_F(RevisionTreeCheck, OlderRevisionReachesANewPage) {
  store_.older[0].root = node_.first;
  EXPECT_THAT(Structure(), Contains("V5: " + Where(node_.first, "older revision 4") +
                                    "is of revision 5, its root of 4"));
}

// V6.

TEST_F(RevisionTreeCheck, ElementCount) {
  store_.header.element_count = 6;
  EXPECT_THAT(Structure(),
              ElementsAre("V6: the header counts 6 elements, the leaves of revision 5 have 5"));
}

TEST_F(RevisionTreeCheck, KeysOutOfOrder) {
  // Element: count 4, size 4, value 1, size 4, key.
  *(store_.At(left_.first) + kElementsAt + 13) = std::byte{'b'};
  EXPECT_THAT(Structure(), ElementsAre("V6: " + Where(left_.first) +
                                       "key 1 (hex)62 does not come after (hex)62"));
}

TEST_F(RevisionTreeCheck, KeyBeyondItsSeparators) {
  *(store_.At(left_.first) + kElementsAt + 14 + 13) = std::byte{'c'};
  *(store_.At(right_.first) + kElementsAt + 13) = std::byte{'f'};
  EXPECT_THAT(Structure(), Contains("V6: " + Where(left_.first) +
                                    "key 1 (hex)63 is not less than the separator (hex)63"));
  EXPECT_THAT(Structure(), Contains("V6: " + Where(right_.first) +
                                    "key 0 (hex)66 is less than the separator "
                                    "(hex)67"));
}

TEST_F(RevisionTreeCheck, SharedSubtreeOutsideTheSeparatorsOfAnOlderRevision) {
  // Its keys: 16 bytes of a child, then the size of the key.
  *(store_.At(old_node_.first) + kElementsAt + 16 + 4) = std::byte{'b'};
  EXPECT_THAT(Structure(),
              ElementsAre("V6: " + Where(left_.first, "older revision 4") +
                          "keys (hex)61 to (hex)62 do not lie between the separators (hex) and "
                          "(hex)62"));
}

TEST_F(RevisionTreeCheck, UnevenDepth) {
  const Child deep = store_.AddNode(5, {right_, store_.AddLeaf(5, {{"x", ""}})}, {"i"});
  const Child root = store_.AddNode(5, {left_, middle_, deep}, {"c", "g"});
  store_.header.root = root.first;
  store_.header.element_count = 6;
  store_.pending = {store_.NumberOf(node_.first)};
  EXPECT_THAT(Structure(),
              ElementsAre("V6: " + Where(deep.first) + "has 2 levels, its neighbour 1"));
}

TEST_F(RevisionTreeCheck, DeepestTreeThatIsFollowed) {
  Child child = store_.AddLeaf(1, {{"k", ""}});
  for (int level = 0; level < 70; ++level) {
    const std::string key = fmt::format("x{:02}", level);
    const Child leaf = store_.AddLeaf(1, {{key, ""}});
    child = store_.AddNode(1, {child, leaf}, {key});
  }
  store_.header.root = child.first;
  EXPECT_THAT(Structure(), Contains(HasSubstr("the tree is deeper than 64 levels")));
}

// V8 in the file: a reader's tree is whole. Whether it shows what it has shown is asked of readers.

TEST_F(RevisionTreeCheck, PageOfAReaderIsWrittenOver) {
  store_.older.clear();
  store_.readers.push_back({.revision = 4, .root = old_node_.first});
  EXPECT_THAT(Structure(), IsEmpty());
  StoreInt64(store_.At(old_middle_.first) + kFirstBytes, 5);
  EXPECT_THAT(Structure(), ElementsAre("V5: " + Where(old_middle_.first, "reader of revision 4") +
                                       "is of revision 5, its root of 4"));
}

TEST_F(RevisionTreeCheck, ReportsAreCut) {
  std::vector<std::pair<std::string, std::string>> pairs(100, {"same", ""});
  const Child leaf = store_.AddLeaf(5, pairs);
  store_.header.root = leaf.first;
  EXPECT_THAT(Structure(), SizeIs(kProblemsMax));
}

}  // namespace
}  // namespace plugpull::revision_tree
