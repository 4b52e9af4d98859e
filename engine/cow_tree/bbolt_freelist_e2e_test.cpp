// Goal: a freelist of 65,535 ids or more, which stores its length elsewhere, is read by the real
// bbolt and by us, whoever wrote it. Without a driver for bbolt the test is skipped.
#include "engine/cow_tree/bbolt_testing.h"

namespace plugpull::cow_tree {
namespace {

class BboltFreelistTest : public BboltTest {};

TEST_F(BboltFreelistTest, TravelsBeyondItsCount) {
  const OptionList options = {{"nosync", "1"}, {"page_size", "1024"}};
  MemoryVfs vfs;
  {
    const auto ours = OpenStore(vfs, options);
    ApplyOk(*ours, {{"big", std::string(70 << 20, 'x')}});  // 71,681 pages
    ApplyOk(*ours, {{"big", "small"}});
    ApplyOk(*ours, {{"other", "kept"}});
  }
  const auto expect_long = [&vfs] {
    StoreImage image(vfs);
    const PageHeader header = LoadPageHeader(image.Page(image.Active().freelist));
    EXPECT_EQ(header.count, kFreelistCountEscape);
    EXPECT_GT(header.overflow, 500U);
  };
  expect_long();
  const Contents expected = {{"big", "small"}, {"other", "kept"}, {"theirs", "too"}};
  bbolt_->CopyFrom(vfs);
  {
    const auto theirs = bbolt_->Open();
    ApplyOk(*theirs, {{"theirs", "too"}});
    ExpectClean(*theirs);
    EXPECT_EQ(ContentsOf(*theirs), expected);
  }
  bbolt_->CopyTo(vfs);
  expect_long();
  const auto ours = OpenStore(vfs, options);
  ExpectClean(*ours);
  EXPECT_EQ(ContentsOf(*ours), expected);
  ApplyOk(*ours, {{"theirs", std::nullopt}});
  ExpectClean(*ours);
}

}  // namespace
}  // namespace plugpull::cow_tree
