// Goal: buckets that this engine does not use, nested and inline ones among them, are checked, and
// stay as they are whatever is written beside them.
// Method: the real bbolt makes them; this engine checks the file and writes its bucket "kv"; bbolt
// looks again. Without a driver the tests are skipped.
#include "engine/cow_tree/bbolt_testing.h"

namespace plugpull::cow_tree {
namespace {

using testing::HasSubstr;

const std::vector<std::string>& Others() {
  static const std::vector<std::string> others = {"a",     "a/b",      "a/b/kv",
                                                  "aa/in", "zz/kv/kv", "zz/large"};
  return others;
}

class BboltBucketsTest : public BboltTest {
 protected:
  // The bucket "in" stays inline, "large" gets pages of its own and a value that overflows.
  void FillOthers() {
    for (const std::string& bucket : Others()) {
      const auto theirs = bbolt_->Open("", bucket);
      Contents& contents = others_[bucket];
      for (int i = 0; i < (bucket.ends_with("large") ? 400 : 3); ++i) {
        contents[fmt::format("{}-{:03}", bucket, i)] = std::string(static_cast<size_t>(i), 'o');
      }
      if (bucket.ends_with("large")) contents["long"] = std::string(20'000, 'l');
      std::vector<Change> changes;
      for (const auto& [key, value] : contents) changes.push_back({key, value});
      ApplyOk(*theirs, changes);
    }
  }

  // A bucket's keys that are buckets themselves have no value: the driver does not show those.
  void ExpectOthersAreAsTheyWere() {
    for (const auto& [bucket, contents] : others_) {
      const auto theirs = bbolt_->Open("", bucket);
      ExpectClean(*theirs);
      if (bucket == "a" || bucket == "a/b") continue;
      EXPECT_EQ(ContentsOf(*theirs), contents) << bucket;
    }
  }

  std::map<std::string, Contents> others_;
  MemoryVfs vfs_;
};

TEST_F(BboltBucketsTest, AreCheckedAndLeftAlone) {
  FillOthers();
  Contents ours_contents;
  RandomTransactions transactions(5, {});
  for (int turn = 0; turn < 3; ++turn) {
    bbolt_->CopyTo(vfs_);
    {
      const auto ours = OpenStore(vfs_);
      ExpectClean(*ours);
      EXPECT_EQ(ContentsOf(*ours), ours_contents);
      for (int i = 0; i < 30; ++i) {
        const Transaction transaction = transactions.Next();
        ASSERT_TRUE(ours->Apply(transaction).has_value());
        Note(transaction, ours_contents);
      }
      ExpectClean(*ours);
    }
    bbolt_->CopyFrom(vfs_);
    ExpectOthersAreAsTheyWere();
    const auto theirs = bbolt_->Open();
    ExpectClean(*theirs);
    EXPECT_EQ(ContentsOf(*theirs), ours_contents);
  }
}

// A bucket inside ours is a key without a value: it is not shown, and no value can replace it.
TEST_F(BboltBucketsTest, InsideOursAreNotShownAndNotOverwritten) {
  const Contents inner = {{"x", "1"}, {"y", std::string(3000, 'y')}};
  {
    const auto theirs = bbolt_->Open("", "kv/sub/subsub");
    ApplyOk(*theirs, {{"x", "1"}, {"y", std::string(3000, 'y')}});
  }
  bbolt_->CopyTo(vfs_);
  {
    const auto ours = OpenStore(vfs_);
    ExpectClean(*ours);
    EXPECT_EQ(ContentsOf(*ours), Contents());
    ApplyOk(*ours, {{"key", "value"}, {"zero", "0"}});
    const Expected<void> overwritten = ours->Apply({{{"sub", "no bucket"}}});
    ASSERT_FALSE(overwritten.has_value());
    EXPECT_THAT(overwritten.error().context, HasSubstr("incompatible value"));
    const Expected<void> deleted = ours->Apply({{{"sub", std::nullopt}}});
    ASSERT_FALSE(deleted.has_value());
    EXPECT_EQ(ContentsOf(*ours), (Contents{{"key", "value"}, {"zero", "0"}}));
    ExpectClean(*ours);
  }
  bbolt_->CopyFrom(vfs_);
  const auto theirs = bbolt_->Open("", "kv/sub/subsub");
  ExpectClean(*theirs);
  EXPECT_EQ(ContentsOf(*theirs), inner);
}

// The checker walks every bucket: damage in one that is not ours is seen.
TEST_F(BboltBucketsTest, AreWalkedByTheChecker) {
  FillOthers();
  bbolt_->CopyTo(vfs_);
  StoreImage image(vfs_);
  size_t damaged = 0;
  for (PageId id = 2; id < image.Active().high_water_mark; ++id) {
    const std::string_view page = AsText(Bytes(image.Page(id), image.page_size));
    if (page.find("zz/large-399") == std::string_view::npos) continue;
    image.Page(id)[page.find("zz/large-399")] = std::byte{'A'};  // out of order
    ++damaged;
  }
  ASSERT_GT(damaged, 0U);
  image.Save();
  const auto ours = OpenStore(vfs_);
  EXPECT_THAT(ReportOf(*ours).structure, testing::Not(testing::IsEmpty()));
}

}  // namespace
}  // namespace plugpull::cow_tree
