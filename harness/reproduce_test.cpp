// Goal: a symptom is put down to the weakest fault that yields it, and what was searched before is
// told as it was.
#include "harness/reproduce.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "harness/case_file.h"
#include "harness/point_search.h"

namespace plugpull {
namespace {

using testing::HasSubstr;
using testing::Not;

class ReproduceTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "plugpull-repro-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  Reproduction Find(const std::string& target, const std::string& symptom,
                    const std::string& faults, uint32_t transactions = 12) {
    ReproduceOptions options;
    options.explore.settings.target = target;
    options.explore.settings.symptom = symptom;
    options.explore.out_directory = directory_.string();
    options.explore.jobs = 2;
    options.workloads = {
        {.record = {target, "mixed", {.transactions = transactions, .keys = 6}}},
        {.record = {target, "single", {.transactions = transactions, .keys = 6}}},
    };
    options.rungs = LegalRungs();
    const Expected<std::vector<GradeRung>> beyond = RungsBeyond(faults);
    EXPECT_TRUE(beyond) << Describe(beyond.error());
    options.rungs.insert(options.rungs.end(), beyond->begin(), beyond->end());
    const Expected<Reproduction> found =
        Reproduce(options, [](const ReproduceProgress&) { return true; });
    EXPECT_TRUE(found) << Describe(found.error());
    return found.value_or(Reproduction());
  }

  std::filesystem::path directory_;
};

// In a file that grew, a page whose write was lost reads as zeros: no disk that zeroes pages is
// needed, and none is asked for.
TEST_F(ReproduceTest, APageOfZerosNeedsOneLostWrite) {
  const Reproduction found =
      Find("cow_tree", "but self identifies as 0$", "stale-page(count=4),zeroed-page(count=8)");
  ASSERT_NE(found.weakest(), nullptr);
  EXPECT_EQ(found.weakest()->finding.fault_level, FaultLevel::kStalePage);
  EXPECT_THAT(found.weakest()->finding.message, HasSubstr("but self identifies as 0"));
  ASSERT_EQ(found.weakest()->pages.size(), 1u);
  EXPECT_THAT(found.weakest()->pages.front(), HasSubstr("of store.db"));
  ASSERT_EQ(found.searches.size(), 4u * 2 + 1);
  for (size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(found.searches[i].coverage.mode, "exhaustive") << i;
    EXPECT_EQ(found.searches[i].without_symptom, 0u) << i;
    EXPECT_TRUE(found.searches[i].legal());
  }
  EXPECT_GT(found.searches[8].without_symptom, 0u) << "a stale page does harm of other kinds, too";
  EXPECT_TRUE(found.searches.back().shows_symptom);
  EXPECT_THAT(Sentence(found), HasSubstr("stale-page (level 5)"));
  EXPECT_THAT(Sentence(found), HasSubstr("the engine is correct under each"));
  EXPECT_TRUE(std::filesystem::exists(directory_ / found.weakest()->image / "store.db"));
}

TEST_F(ReproduceTest, TheCaseShowsTheSymptomAgain) {
  const Reproduction found = Find("cow_tree", "but self identifies as 0$", "zeroed-page(count=8)");
  ASSERT_NE(found.weakest(), nullptr);
  const Expected<Case> saved = LoadCase((directory_ / found.weakest()->finding.case_path).string());
  ASSERT_TRUE(saved) << Describe(saved.error());
  EXPECT_EQ(saved->settings.symptom, "but self identifies as 0$");
  const auto search = MakeSearch(saved->trace, saved->settings, 1);
  ASSERT_TRUE(search) << Describe(search.error());
  const auto again = (*search)->Replay({.position = saved->trace.ops.size(),
                                        .window = saved->window,
                                        .lost = saved->lost,
                                        .settings = saved->settings,
                                        .fault = saved->fault});
  ASSERT_TRUE(again) << Describe(again.error());
  EXPECT_EQ(*again, saved->violation);
}

TEST_F(ReproduceTest, ABugOfTheEngineNeedsNoBadDisk) {
  const Reproduction found =
      Find("cow_tree:mutant=M1", "multiple references|self identifies", "zeroed-page(count=1)");
  ASSERT_NE(found.weakest(), nullptr);
  EXPECT_TRUE(InfoOf(found.weakest()->finding.fault_level).legal);
  EXPECT_THAT(Sentence(found), HasSubstr("the engine is at fault"));
  EXPECT_THAT(Sentence(found), Not(HasSubstr("No crash on an honest disk")));
}

TEST_F(ReproduceTest, WhatNothingYieldsIsSearchedForEverywhere) {
  const Reproduction found =
      Find("cow_tree", "no engine says this", "zeroed-page(count=2)", /*transactions=*/5);
  EXPECT_EQ(found.weakest(), nullptr);
  EXPECT_EQ(found.searches.size(), 10u);
  EXPECT_FALSE(std::filesystem::exists(directory_ / "image"));
  EXPECT_THAT(Sentence(found), HasSubstr("Nothing that was searched explains"));
  EXPECT_THAT(Sentence(found), HasSubstr("none of which shows it"));
  EXPECT_NE(found.result.verdict, Verdict::kViolated);
}

TEST_F(ReproduceTest, TheNumberOfJobsChangesNothing) {
  std::vector<std::string> sentences;
  for (const uint32_t jobs : {1U, 3U}) {
    ReproduceOptions options;
    options.explore.settings.symptom = "multiple references|reachable freed";
    options.explore.out_directory = directory_.string();
    options.explore.jobs = jobs;
    options.workloads = {{.record = {"cow_tree", "mixed", {.transactions = 12, .keys = 6}}}};
    options.rungs = RungsBeyond("stale-page").value();
    const auto found = Reproduce(options, [](const ReproduceProgress&) { return true; });
    ASSERT_TRUE(found) << Describe(found.error());
    ASSERT_NE(found->weakest(), nullptr);
    sentences.push_back(Sentence(*found) + found->weakest()->finding.message +
                        found->weakest()->finding.fault);
  }
  EXPECT_EQ(sentences[0], sentences[1]);
}

TEST_F(ReproduceTest, AStopIsNotAnAnswer) {
  ReproduceOptions options;
  options.explore.settings.symptom = "no engine says this";
  options.explore.out_directory = directory_.string();
  options.workloads = {{.record = {"cow_tree", "mixed", {.transactions = 20, .keys = 6}}}};
  options.rungs = LegalRungs();
  const auto found = Reproduce(options, [](const ReproduceProgress&) { return false; });
  ASSERT_TRUE(found) << Describe(found.error());
  EXPECT_TRUE(found->result.interrupted);
  EXPECT_EQ(found->result.verdict, Verdict::kUnknown);
  ASSERT_EQ(found->searches.size(), 1u);
  EXPECT_THAT(found->searches.front().unknown, HasSubstr("signal"));
}

}  // namespace
}  // namespace plugpull
