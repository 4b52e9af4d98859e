// Goal: each way to mend a store brings back what it says, and refuses where it can do nothing.
#include "engine/repair.h"
#include "engine/revision_tree/engine_testing.h"

namespace plugpull::revision_tree {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Expected<void> Mend(Vfs& vfs, std::string_view name) {
  for (const Repair& repair : RevisionTreeType().repairs()) {
    if (repair.name == name) return repair.mend(vfs);
  }
  return Fail(ErrorCode::kNotFound, "no repair of that name");
}

TEST(RevisionRepairs, AScanMendsABrokenFreeChain) {
  for (const char* proposal : {"E", "K"}) {
    MemoryVfs vfs;
    auto engine = OpenTree(vfs, {{"proposal", proposal}});
    for (const char* value : {"1", "2", "3"}) ApplyOk(*engine, {{"a", value}});
    CloseOk(engine);
    const int64_t head = HeaderOf(vfs).first_free;
    ASSERT_NE(head, kNoOffset);
    std::array<std::byte, 8> link;
    StoreInt64(link.data(), head);  // to itself
    ASSERT_TRUE((*vfs.Open(kStorePath, {}))->Write(static_cast<uint64_t>(head), link).has_value());
    EXPECT_THAT(ReportOf(*OpenTree(vfs)).structure, Contains(HasSubstr("cycle")));
    ASSERT_TRUE(Mend(vfs, "rebuild-free-list").has_value());
    engine = OpenTree(vfs);
    ExpectClean(*engine);
    EXPECT_EQ(ContentsOf(*engine), (Contents{{"a", "3"}}));
  }
}

TEST(RevisionRepairs, TheOtherHeaderBringsBackTheRevisionBefore) {
  MemoryVfs vfs;
  auto engine = OpenTree(vfs);
  ApplyOk(*engine, {{"a", "1"}});
  ApplyOk(*engine, {{"a", "2"}});
  engine.reset();
  const auto root = static_cast<uint64_t>(HeaderOf(vfs).root);
  ASSERT_TRUE((*vfs.Open(kStorePath, {}))->Write(root, AsBytes("garbage")).has_value());
  EXPECT_FALSE(MakeTree(vfs)->Open().has_value());
  ASSERT_TRUE(Mend(vfs, "take-other-header").has_value());
  engine = OpenTree(vfs);
  ExpectClean(*engine);
  EXPECT_EQ(ContentsOf(*engine), (Contents{{"a", "1"}}));
}

TEST(RevisionRepairs, WithoutAnotherRootThereIsNothingToTake) {
  MemoryVfs vfs;
  OpenTree(vfs).reset();
  EXPECT_THAT(Mend(vfs, "take-other-header").error().context, HasSubstr("no header slot"));
  MemoryVfs empty;
  EXPECT_FALSE(Mend(empty, "rebuild-free-list").has_value());
}

}  // namespace
}  // namespace plugpull::revision_tree
