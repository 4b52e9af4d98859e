// Goal: what is said of each sync, and what is proposed, on engines whose right answer is known:
// the cow_tree with both syncs needed, with one too many, and with one too few.
#include "harness/syncs.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>

#include "harness/testing.h"

namespace plugpull {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
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

TEST_F(SyncsTest, OfTwoThatDoTheSameEachAloneIsRedundant) {
  const SyncReport report = Study("cow_tree:spare_sync=twice");
  EXPECT_THAT(UsesInCommits(report), ElementsAre("redundant", "redundant", "load-bearing"));
  ASSERT_FALSE(report.spare.empty());
  EXPECT_TRUE(std::ranges::any_of(report.spare, [](const SpareSyncs& spare) {
    return !spare.breaks.empty();
  })) << "under the weakest model, one of the two has to stay";
}

TEST_F(SyncsTest, ProposesTheDataSyncBeforeTheMeta) {
  const SyncReport report = Study("cow_tree:mutant=M1");
  ASSERT_EQ(report.missing.size(), 1U);
  EXPECT_EQ(report.missing[0].thing, "fdatasync of store");
  EXPECT_EQ(report.missing[0].executions, 4U) << "once a commit: before its meta";
  EXPECT_THAT(report.missing[0].place, HasSubstr("before write(store)"));
  for (const SyncVerdict& with : report.with_missing) {
    EXPECT_EQ(with.verdict, Verdict::kHeld) << with.model;
    EXPECT_EQ(with.bound, "") << with.model;
  }
  EXPECT_TRUE(report.judged_with_missing);
  EXPECT_THAT(UsesInCommits(report), ElementsAre("load-bearing"));
}

TEST_F(SyncsTest, ProposesTheSyncAfterTheMeta) {
  const SyncReport report = Study("cow_tree:mutant=M19");
  ASSERT_EQ(report.missing.size(), 1U);
  EXPECT_EQ(report.missing[0].thing, "fdatasync of store");
  EXPECT_EQ(report.missing[0].executions, 4U);
  EXPECT_THAT(report.missing[0].place, HasSubstr("before the commit returns"));
  EXPECT_THAT(report.missing[0].models.front(), "posix-minimal");
}

TEST_F(SyncsTest, AModelThatNeedsNoneIsToldNone) {
  const SyncReport report = Study("cow_tree:dirsync=0", "ext4-ordered");
  EXPECT_THAT(report.missing, IsEmpty());
  const SyncReport weakest = Study("cow_tree:dirsync=0");
  ASSERT_EQ(weakest.missing.size(), 1U);
  EXPECT_EQ(weakest.missing[0].thing, "fsync of the directory of store");
  EXPECT_EQ(weakest.missing[0].executions, 1U) << "once, when the store is made";
  EXPECT_THAT(weakest.missing[0].models, ElementsAre("posix-minimal"));
}

TEST_F(SyncsTest, WhatNoSyncHelpsAgainstIsSaid) {
  const SyncReport report = Study("cow_tree:mutant=M11", "posix-minimal", 8);
  EXPECT_EQ(report.models.front().verdict, Verdict::kViolated);
  EXPECT_THAT(report.unhelped, testing::Not(IsEmpty()));
  EXPECT_EQ(report.with_missing.front().verdict, Verdict::kViolated);
  for (const SyncPlaceReport& place : report.places) {
    EXPECT_EQ(place.use, SyncUse::kNotFound) << "nothing is redundant where all is broken";
  }
}

TEST_F(SyncsTest, AStopSaysUnknown) {
  ExploreOptions options;
  options.settings.target = "cow_tree";
  options.all_models = true;
  options.out_directory = directory_;
  const Expected<SyncReport> report =
      FindSyncs(SmallTrace("cow_tree", 4), options, [](const SyncProgress&) { return false; });
  ASSERT_TRUE(report.has_value()) << Describe(report.error());
  EXPECT_TRUE(report->interrupted);
  for (const SyncVerdict& each : report->models) EXPECT_EQ(each.verdict, Verdict::kUnknown);
  for (const SyncPlaceReport& place : report->places) EXPECT_EQ(place.use, SyncUse::kNotFound);
}

}  // namespace
}  // namespace plugpull
