// Goal: rule V7, what is true of the B-tree of B-trees and of the copied pages, fires. Method: a
// store with both is put together by hand, damaged in one place, and checked.
#include "engine/revision_tree/directory_check.h"

#include "engine/revision_tree/hand_made_store.h"

namespace plugpull::revision_tree {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Revisions 4 and 5 of the user's tree: 5 has copied one of two leaves and the root.
class RevisionTreeDirectoryCheck : public testing::Test {
 protected:
  RevisionTreeDirectoryCheck() : store_(kChecksumFlag | kTwoSlotsFlag | kCopiedPagesFlag) {
    left_ = store_.AddLeaf(4, {{"a", "1"}});
    old_right_ = store_.AddLeaf(4, {{"m", "4"}});
    old_root_ = store_.AddNode(4, {left_, old_right_}, {"k"});
    right_ = store_.AddLeaf(5, {{"m", "5"}, {"n", "5"}});
    root_ = store_.AddNode(5, {left_, right_}, {"k"});
    info_ = Info(kUserTreeName);
    copied_info_ = Info(kCopiedPagesName);
    old_header_ = Header(4, 2, old_root_.first, info_);
    header_ = Header(5, 3, root_.first, info_);
    const int64_t offsets[] = {old_root_.first, old_right_.first};
    Finish(MakeOffsets(offsets));
  }

  int64_t Info(std::string_view name) {
    return store_.AddChain(MakeTreeInfo(
        {.element_capacity = 8, .name = name, .key_class = "key", .value_class = "value"}));
  }
  int64_t Header(Revision revision, int64_t elements, int64_t root, int64_t info) {
    return store_.AddChain(MakeTreeHeader(
        {.revision = revision, .element_count = elements, .root = root, .info = info}));
  }

  // Adds the trees about trees; once more, they are other ones, and the first are left over.
  void Finish(const std::string& copied) {
    copied_ = store_.AddLeaf(5, {{MakeCopiedKey({kUserTreeName, 5}), copied}});
    copied_header_ = Header(5, 1, copied_.first, copied_info_);
    FinishDirectory({{MakeTreeKey({kCopiedPagesName, 5}), copied_header_},
                     {MakeTreeKey({kUserTreeName, 4}), old_header_},
                     {MakeTreeKey({kUserTreeName, 5}), header_}});
  }
  void FinishDirectory(const std::vector<std::pair<std::string, int64_t>>& entries) {
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const auto& [key, offset] : entries) {
      pairs.emplace_back(key, MakeOffsets(std::span(&offset, 1)));
    }
    directory_ = store_.AddLeaf(5, pairs);
    store_.header.root = directory_.first;
    store_.header.element_count = 3;
  }
  std::vector<std::string> Structure() { return store_.Check().structure; }

  HandMadeStore store_;
  Child left_, old_right_, old_root_, right_, root_, copied_, directory_;
  int64_t info_ = 0;
  int64_t copied_info_ = 0;
  int64_t old_header_ = 0;
  int64_t header_ = 0;
  int64_t copied_header_ = 0;
};

TEST_F(RevisionTreeDirectoryCheck, SoundStoreIsClean) {
  SpaceCount count;
  const CheckReport report = store_.Check(&count);
  EXPECT_THAT(report.structure, IsEmpty());
  EXPECT_THAT(report.leaks, IsEmpty());
  EXPECT_EQ(count.copied, 2U);
  EXPECT_EQ(count.none, 0U);
}

TEST_F(RevisionTreeDirectoryCheck, NewestRevisionOfANameIsMissing) {
  FinishDirectory({{MakeTreeKey({kUserTreeName, 5}), header_}});
  EXPECT_THAT(Structure(), ElementsAre("V7: B-tree of B-trees: has no revision of '_CP_'"));
}

TEST_F(RevisionTreeDirectoryCheck, TreeHeaderIsUnreachable) {
  FinishDirectory({{MakeTreeKey({kCopiedPagesName, 5}), copied_header_},
                   {MakeTreeKey({kUserTreeName, 5}), 640'000}});
  EXPECT_THAT(Structure(),
              ElementsAre(HasSubstr("V7: tree header of 'kv' at offset 640000, revision 5: ")));
}

TEST_F(RevisionTreeDirectoryCheck, TreeHeaderOfAnotherRevision) {
  StoreInt64(store_.At(header_) + kFirstBytes, 4);
  EXPECT_THAT(Structure(),
              ElementsAre(fmt::format("V7: tree header of 'kv' at offset {}, revision 5: says that "
                                      "it is of revision 4",
                                      header_)));
}

TEST_F(RevisionTreeDirectoryCheck, TreeInfoOfAnotherTree) {
  StoreInt64(store_.At(header_) + kFirstBytes + 24, copied_info_);
  EXPECT_THAT(Structure(), Contains(HasSubstr("is of '_CP_'")));
}

TEST_F(RevisionTreeDirectoryCheck, TreeInfoThatMakesNoSense) {
  StoreInt32(store_.At(info_) + kFirstBytes, 0);
  EXPECT_THAT(Structure(), Contains(HasSubstr("V7: tree info of 'kv'")));
}

TEST_F(RevisionTreeDirectoryCheck, CountInATreeHeader) {
  StoreInt64(store_.At(old_header_) + kFirstBytes + 8, 7);
  EXPECT_THAT(Structure(),
              ElementsAre(fmt::format("V6: tree header of 'kv' at offset {}, revision 4: counts 7 "
                                      "elements, its leaves have 2",
                                      old_header_)));
}

TEST_F(RevisionTreeDirectoryCheck, CopiedPageIsReachable) {
  const int64_t offsets[] = {old_root_.first, left_.first};
  Finish(MakeOffsets(offsets));
  EXPECT_THAT(Structure(),
              ElementsAre(fmt::format("V7: copied pages of 'kv', revision 5: offset {}: {} is "
                                      "reachable from the newest revision",
                                      left_.first, store_.Text(left_.first))));
}

TEST_F(RevisionTreeDirectoryCheck, CopiedPageIsListedTwice) {
  const int64_t offsets[] = {old_root_.first, old_right_.first, old_root_.first};
  Finish(MakeOffsets(offsets));
  EXPECT_THAT(Structure(),
              ElementsAre(HasSubstr(store_.Text(old_root_.first) + " is listed twice")));
}

TEST_F(RevisionTreeDirectoryCheck, CopiedPageIsFree) {
  store_.header.first_free = old_right_.first;
  EXPECT_THAT(Structure(), ElementsAre(HasSubstr("is listed as copied")));
}

TEST_F(RevisionTreeDirectoryCheck, ElementsThatMakeNoSense) {
  FinishDirectory({{MakeTreeKey({kCopiedPagesName, 5}), copied_header_},
                   {MakeTreeKey({kUserTreeName, 5}), header_},
                   {MakeTreeKey({kUserTreeName, 6}), header_},
                   {MakeTreeKey({"zz", 5}), header_}});
  EXPECT_THAT(Structure(), ElementsAre(HasSubstr("V7: B-tree of B-trees: element"),
                                       HasSubstr("V7: B-tree of B-trees: element")));
}

TEST_F(RevisionTreeDirectoryCheck, OffsetsThatMakeNoSense) {
  Finish("123");
  EXPECT_THAT(Structure(), Contains(HasSubstr("V7: copied pages: element")));
}

TEST_F(RevisionTreeDirectoryCheck, OlderRevisionIsBroken) {
  StoreInt64(store_.At(old_right_.first) + kFirstBytes, 5);
  EXPECT_THAT(Structure(), ElementsAre(HasSubstr("revision 4: is of revision 5, its root of 4")));
}

}  // namespace
}  // namespace plugpull::revision_tree
