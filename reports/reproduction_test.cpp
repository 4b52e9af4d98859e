// Goal: the answer says no more than was searched, and names level, page and bounds.
#include "reports/reproduction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace plugpull {
namespace {

using testing::HasSubstr;
using testing::Not;

SymptomSearch Searched(FaultLevel level, const std::string& mode = "exhaustive",
                       std::vector<std::string> bounds = {}) {
  SymptomSearch search;
  search.level = level;
  search.fault = InfoOf(level).name;
  search.workload = "mixed, 40 keys, 200 transactions";
  search.coverage.mode = mode;
  search.coverage.bounds = std::move(bounds);
  return search;
}

Reproduction StaleBranch() {
  Reproduction found;
  found.symptom = "PAGE_CYCLE";
  found.result.target = "cow_tree";
  for (const FaultLevel level : {FaultLevel::kProcessKill, FaultLevel::kPowerCut}) {
    found.searches.push_back(Searched(level));
  }
  found.searches.push_back(Searched(FaultLevel::kLyingFlush, "bounded", {"recoveries"}));
  found.searches.push_back(Searched(FaultLevel::kStalePage));
  found.searches.back().shows_symptom = true;
  Finding finding;
  finding.violation = ViolationClass::kStructure;
  finding.fault_level = FaultLevel::kStalePage;
  finding.fault = "stale-page(file=store.db,page=921,age=3)";
  finding.message = "PAGE_CYCLE path=[5 9 5]";
  finding.case_path = "findings/structure-01234567.case";
  found.result.findings = {finding};
  found.explanations = {{.finding = finding,
                         .workload = "roles, 20000 keys, 40 transactions",
                         .pages = {"page 921 of store.db"},
                         .image = "image/structure-01234567"}};
  return found;
}

TEST(ReproductionTest, TheSentenceNamesLevelPageAndWhatWasSearched) {
  const std::string sentence = Sentence(StaleBranch());
  EXPECT_THAT(sentence, HasSubstr("'PAGE_CYCLE' is stale-page (level 5)"));
  EXPECT_THAT(sentence, HasSubstr("page 921 of store.db shows what it held 3 transactions ago"));
  EXPECT_THAT(sentence, HasSubstr("process-kill (level 0), power-cut (level 2) searched "
                                  "exhaustively, and the engine is correct under each"));
  EXPECT_THAT(sentence, HasSubstr("lying-flush (level 4) was searched to a bound (recoveries)"));
}

TEST(ReproductionTest, WhereSyncsLiedOneLostWriteIsNamedToo) {
  Reproduction found = StaleBranch();
  Explanation lied = found.explanations.front();
  lied.finding.fault_level = FaultLevel::kLyingFlush;
  lied.pages = {"page 4 of store.db", "page 5 of store.db"};
  found.explanations.insert(found.explanations.begin(), lied);
  found.searches[2].shows_symptom = true;
  const std::string sentence = Sentence(found);
  EXPECT_THAT(sentence, HasSubstr("'PAGE_CYCLE' is lying-flush (level 4): what was written to page "
                                  "4 of store.db, page 5 of store.db are lost"));
  EXPECT_THAT(sentence, HasSubstr("One lost write is enough, too: stale-page (level 5): page 921"));
  EXPECT_THAT(sentence, Not(HasSubstr("Beyond its contract")));
  EXPECT_THAT(sentence, HasSubstr("The weakest storage fault that explains"));
}

TEST(ReproductionTest, OtherViolationsAreNoCorrectEngine) {
  Reproduction found = StaleBranch();
  found.searches[1].without_symptom = 7;
  EXPECT_THAT(Sentence(found), HasSubstr("with 7 violations, none of which shows it"));
  EXPECT_THAT(Sentence(found), Not(HasSubstr("correct")));
}

TEST(ReproductionTest, WhatWasNotSearchedIsNotKnown) {
  Reproduction found = StaleBranch();
  found.searches[1].unknown = "out of budget";
  EXPECT_THAT(Sentence(found), HasSubstr("power-cut (level 2) is not known: out of budget"));
  EXPECT_THAT(Sentence(found), HasSubstr("The weakest storage fault found that explains"));
  EXPECT_THAT(Sentence(found), Not(HasSubstr("correct")));
  EXPECT_THAT(Sentence(found), HasSubstr("and no violation was seen"));
}

TEST(ReproductionTest, AnHonestDiskPutsTheBlameOnTheEngine) {
  Reproduction found = StaleBranch();
  found.searches.resize(1);
  found.searches.push_back(Searched(FaultLevel::kPowerCut));
  found.searches.back().shows_symptom = true;
  found.explanations.front().finding.fault_level = FaultLevel::kPowerCut;
  found.explanations.front().finding.fault.clear();
  EXPECT_THAT(Sentence(found), HasSubstr("power-cut (level 2): what was written to page 921"));
  EXPECT_THAT(Sentence(found), HasSubstr("the engine is at fault"));
}

TEST(ReproductionTest, NothingFoundIsSaidAsSuch) {
  Reproduction found = StaleBranch();
  found.explanations.clear();
  found.searches.back().shows_symptom = false;
  EXPECT_THAT(Sentence(found), HasSubstr("Nothing that was searched explains 'PAGE_CYCLE'"));
  EXPECT_THAT(Sentence(found), HasSubstr("stale-page (level 5) searched exhaustively"));
  EXPECT_THAT(RenderReproductionLastLine(found, "out/r.json"), HasSubstr("not reproduced"));
  EXPECT_THAT(RenderReproductionConsole(found, "out"), Not(HasSubstr("replay")));
}

TEST(ReproductionTest, ThePersonLearnsWhereCaseAndFilesAre) {
  const std::string text = RenderReproductionConsole(StaleBranch(), "out");
  EXPECT_THAT(text, HasSubstr("plugpull replay out/findings/structure-01234567.case"));
  EXPECT_THAT(text, HasSubstr("out/image/structure-01234567"));
  EXPECT_THAT(text, HasSubstr("THE SYMPTOM"));
  EXPECT_THAT(RenderReproductionLastLine(StaleBranch(), "out/r.json"),
              HasSubstr("reproduced at level 5, stale-page"));
}

TEST(ReproductionTest, TheJsonIsAResultWithOneFieldMore) {
  const auto json = nlohmann::json::parse(RenderReproductionJson(StaleBranch()));
  EXPECT_EQ(json["schema"], "plugpull.result/1");
  const auto& field = json["reproduction"];
  EXPECT_EQ(field["level"], 5);
  EXPECT_EQ(field["explanations"][0]["fault"], "stale-page");
  EXPECT_EQ(field["reproduced"], true);
  EXPECT_EQ(field["explanations"][0]["pages"][0], "page 921 of store.db");
  ASSERT_EQ(field["searches"].size(), 4u);
  EXPECT_EQ(field["searches"][2]["mode"], "bounded");
  EXPECT_EQ(field["searches"][3]["shows_symptom"], true);
}

}  // namespace
}  // namespace plugpull
