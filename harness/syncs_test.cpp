// Goal: what is said of each sync, and what is proposed, on engines whose right answer is known:
// the cow_tree with both syncs needed, and with one too many. More is in cli/syncs_e2e_test.cpp.
#include "harness/syncs.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "harness/testing.h"

namespace plugpull {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SyncsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "plugpull-syncs-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  SyncReport Study(const std::string& target, const char* model = nullptr,
                   uint32_t transactions = 4) {
    ExploreOptions options;
    options.settings.target = target;
    options.settings.keys = 6;
    options.settings.depth = 1;
    options.all_models = model == nullptr;
    if (model != nullptr) options.settings.model = FindModel(model);
    options.out_directory = directory_;
    const Expected<SyncReport> report = FindSyncs(SmallTrace(target, transactions), options,
                                                  [](const SyncProgress&) { return true; });
    EXPECT_TRUE(report.has_value()) << Describe(report.error());
    return report.value_or(SyncReport());
  }

  // Returns: the uses of the syncs that every commit makes, in their order.
  static std::vector<std::string> UsesInCommits(const SyncReport& report) {
    std::vector<std::string> uses;
    for (const SyncPlaceReport& place : report.places) {
      const bool is_of_commits = place.in_transactions > 1 && place.call == "fdatasync";
      if (is_of_commits) uses.emplace_back(Name(place.use));
    }
    return uses;
  }

  std::string directory_;
};

TEST_F(SyncsTest, BothSyncsOfACommitAreLoadBearing) {
  const SyncReport report = Study("cow_tree");
  EXPECT_THAT(report.missing, IsEmpty());
  EXPECT_THAT(UsesInCommits(report), ElementsAre("load-bearing", "load-bearing"));
  for (const SyncPlaceReport& place : report.places) {
    if (place.use != SyncUse::kLoadBearing) continue;
    ASSERT_FALSE(place.breaks.empty());
    EXPECT_TRUE(std::filesystem::exists(directory_ + "/" + place.breaks.front().case_path));
  }
}

TEST_F(SyncsTest, ASyncWithNothingToDoIsRedundant) {
  const SyncReport report = Study("cow_tree:spare_sync=first");
  EXPECT_THAT(UsesInCommits(report), ElementsAre("redundant", "load-bearing", "load-bearing"));
  for (const SyncPlaceReport& place : report.places) {
    if (place.call != "fdatasync" || place.use != SyncUse::kRedundant) continue;
    EXPECT_EQ(place.idle, place.executions);
    EXPECT_EQ(place.without.size(), Models().size());
  }
}

}  // namespace
}  // namespace plugpull
