// Goal: a grade says the same in all its forms: which promise breaks, at which level, how far was
// searched, and what no correct disk does.
#include "reports/grade.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "reports/grade_testing.h"
#include "reports/grade_text.h"

namespace plugpull {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using enum Promise;

TEST(Grade, TheWeakestLevelBreaksAPromise) {
  const Grade grade = SmallGrade();
  EXPECT_EQ(WeakestBreaking(grade, kOpens), nullptr);
  EXPECT_EQ(WeakestBreaking(grade, kIntact), &grade.levels[3]);
  EXPECT_EQ(WeakestBreaking(grade, kDurable), &grade.levels[1]);
}

TEST(Grade, KeepsOnACorrectDiskWhatNoLegalLevelBreaks) {
  Grade grade = SmallGrade();
  EXPECT_EQ(KeptOnCorrectDisk(grade), kPrefix);
  grade.levels[2].at(kAtomic) = {.unknown = "out of budget"};
  EXPECT_EQ(KeptOnCorrectDisk(grade), kIntact) << "what is not known is not kept";
  grade.levels[0].at(kOpens) = Broken(ViolationClass::kRefusesToOpen, FaultLevel::kProcessKill);
  EXPECT_EQ(KeptOnCorrectDisk(grade), std::nullopt);
  grade.levels.erase(grade.levels.begin(), grade.levels.begin() + 3);
  EXPECT_EQ(KeptOnCorrectDisk(grade), std::nullopt) << "no legal level was searched";
}

TEST(Grade, SaysHowFarItWasSearched) {
  const Grade grade = SmallGrade();
  EXPECT_EQ(HowFar(grade, kOpens),
            "bounded: recoveries at stale-page; sampled: bit-rot; not known: zeroed-page (out of "
            "budget)");
  EXPECT_EQ(HowFar(grade, kDurable), "exhaustive");
}

TEST(Grade, OneSentenceSumsItUp) {
  Grade grade = SmallGrade();
  EXPECT_EQ(Sentence(grade),
            "keeps prefix on a correct disk; durable is broken by power-cut. Beyond the disk's "
            "contract prefix is broken by lying-flush; not known of zeroed-page.");
  for (GradeLevel& level : grade.levels) level.at(kDurable) = NoneFound("exhaustive");
  EXPECT_EQ(Sentence(grade),
            "keeps durable on a correct disk. Beyond the disk's contract nothing was found to "
            "break durable.");
  grade.levels[3].at(kDurable) = Broken(ViolationClass::kLostCommit, FaultLevel::kLyingFlush);
  grade.levels[4].at(kDurable) = Broken(ViolationClass::kLostCommit, FaultLevel::kStalePage);
  grade.levels[2].at(kDurable) = NoneFound("bounded", {"recoveries"});
  EXPECT_EQ(Sentence(grade),
            "keeps durable on a correct disk, as far as was searched. Beyond the disk's contract "
            "durable is broken by lying-flush, stale-page.");
  grade.levels.resize(3);
  EXPECT_EQ(Sentence(grade), "keeps durable on a correct disk, as far as was searched.");
  grade.levels[2].at(kDurable) = {.unknown = "nondeterministic"};
  EXPECT_EQ(Sentence(grade), "keeps prefix on a correct disk; durable is not known.");
  grade.levels[1].at(kOpens) = Broken(ViolationClass::kRefusesToOpen, FaultLevel::kPowerCut);
  EXPECT_EQ(Sentence(grade), "keeps no promise on a correct disk: opens is broken by power-cut.");
}

TEST(Grade, PromisesThatBreakTheSameWayAreToldTogether) {
  const Grade grade = SmallGrade();
  const std::vector<GradeGroup> groups = GroupsOf(grade);
  ASSERT_EQ(groups.size(), 3u);
  EXPECT_THAT(groups[0].promises, ElementsAre(kOpens));
  EXPECT_EQ(groups[0].broken_by, nullptr);
  EXPECT_THAT(groups[1].promises, ElementsAre(kIntact, kAtomic, kPrefix));
  EXPECT_EQ(groups[1].finding->violation, ViolationClass::kStructure);
  EXPECT_THAT(groups[2].promises, ElementsAre(kDurable));
  EXPECT_EQ(groups[2].broken_by, &grade.levels[1]);
}

TEST(GradeJson, IsAResultWithTheGridAdded) {
  const json result = json::parse(RenderGradeJson(SmallGrade()));
  EXPECT_EQ(result["schema"], "plugpull.result/1");
  EXPECT_EQ(result["command"], "grade");
  EXPECT_EQ(result["seed"], 18446744073709551615ULL);
  EXPECT_EQ(result["findings"].size(), 2u);
  EXPECT_EQ(
      result["grade"],
      json({{"opens", nullptr}, {"intact", 4}, {"atomic", 4}, {"prefix", 4}, {"durable", 2}}));
  EXPECT_THAT(result["grade_sentence"].get<std::string>(), HasSubstr("keeps prefix"));
  const json& grid = result["grade_grid"];
  ASSERT_EQ(grid.size(), 7u);
  EXPECT_EQ(grid[1]["fault"], "power-cut");
  EXPECT_EQ(grid[1]["level"], 2);
  EXPECT_EQ(grid[1]["legal"], true);
  EXPECT_EQ(grid[1]["beyond_contract"], false);
  EXPECT_EQ(grid[1]["cells"]["opens"], json({{"state", "none found"},
                                             {"broken", false},
                                             {"broken_by", nullptr},
                                             {"mode", "exhaustive"},
                                             {"bounds", json::array()},
                                             {"unknown", nullptr},
                                             {"class", nullptr},
                                             {"fault", nullptr},
                                             {"message", nullptr},
                                             {"finding", nullptr},
                                             {"case", nullptr}}));
  EXPECT_EQ(grid[2]["cells"]["durable"]["broken"], true);
  EXPECT_EQ(grid[2]["cells"]["durable"]["broken_by"], "power-cut");
  const json& lying = grid[3]["cells"]["intact"];
  EXPECT_EQ(grid[3]["beyond_contract"], true);
  EXPECT_EQ(lying["state"], "broken");
  EXPECT_EQ(lying["class"], "structure");
  EXPECT_EQ(lying["fault"], "lying-flush(all)");
  EXPECT_EQ(lying["finding"], "structure-1f0c2a44");
  EXPECT_EQ(lying["case"], "findings/structure-1f0c2a44.case");
  EXPECT_EQ(grid[4]["cells"]["opens"]["bounds"], json({"recoveries"}));
  EXPECT_EQ(grid[5]["cells"]["opens"]["broken"], nullptr);
  EXPECT_EQ(grid[5]["cells"]["opens"]["unknown"], "out of budget");
  EXPECT_EQ(grid[6]["cells"]["opens"]["mode"], "sampled");
}

TEST(GradeConsole, ShowsRowsOfPromisesAndColumnsOfLevels) {
  const std::string text = RenderGradeConsole(SmallGrade(), "out", {});
  EXPECT_THAT(text,
              HasSubstr("         on a correct disk       | beyond its contract\n"
                        "         process power   torn    | lying   stale   zeroed  bit\n"
                        "         kill    cut     write   | flush   page    page    rot\n"
                        "level    0       2       3       | 4       5       6       6\n"
                        "opens    held    held    held    | held    held~   ?       held*\n"
                        "intact   held    held    held    | BROKEN  held~   ?       held*\n"
                        "atomic   held    held    held    | BROKEN  held~   ?       held*\n"
                        "prefix   held    held    held    | BROKEN  held~   ?       held*\n"
                        "durable  held    BROKEN  broken  | broken  broken  broken  broken\n"));
  EXPECT_THAT(text, HasSubstr("\nopens: none found (bounded: recoveries at stale-page; "));
  EXPECT_THAT(
      text,
      HasSubstr("intact, atomic, prefix: broken by lying-flush (level 4, beyond the disk's "
                "contract)\n"
                "  structure: recovered the state after transaction 2, but transaction 3 was "
                "acknowledged\n"
                "  lying-flush(all)\n"
                "  plugpull replay out/findings/structure-1f0c2a44.case\n"
                "  elsewhere none found: bounded: recoveries at stale-page; sampled: bit-rot; "));
  EXPECT_THAT(text, HasSubstr("durable: broken by power-cut (level 2)\n"));
  EXPECT_THAT(text, HasSubstr("  portability: only posix-minimal, somc; by contract also xfs\n"));
  EXPECT_THAT(text, HasSubstr("sqlite:journal=wal,sync=off keeps prefix on a correct disk; "));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(GradeConsole, IsOneScreenEvenWhenEveryPromiseBreaksInItsOwnWay) {
  Grade grade;
  grade.result = SmallResult();
  for (const FaultInfo& fault : Faults()) {
    grade.levels.push_back(LevelOf(fault.level, NoneFound("bounded", {"recoveries"})));
  }
  const std::array classes = {ViolationClass::kRefusesToOpen, ViolationClass::kStructure,
                              ViolationClass::kPartialCommit, ViolationClass::kHole,
                              ViolationClass::kLostCommit};
  for (size_t i = 0; i < kPromises.size(); ++i) {
    GradeLevel& level = grade.levels[8 - i];
    level.at(kPromises[i]) = Broken(classes[i], level.level, "fault(" + std::string(200, 'p'));
    level.at(kPromises[i]).finding->message = std::string(300, 'm');
  }
  const std::string text = RenderGradeConsole(grade, "out", {});
  size_t begin = 0;
  size_t lines = 0;
  for (; begin < text.size(); ++lines) {
    const size_t end = text.find('\n', begin);
    EXPECT_LE(end - begin, 100u) << text.substr(begin, end - begin);
    begin = end + 1;
  }
  EXPECT_LE(lines, 45u) << text;
}

TEST(GradeConsole, IsColouredWhereAsked) {
  const std::string text = RenderGradeConsole(SmallGrade(), "out", {.color = true});
  EXPECT_THAT(text, HasSubstr("durable  \x1b[32mheld\x1b[0m    \x1b[1;31mBROKEN\x1b[0m  "));
  EXPECT_THAT(text, HasSubstr("\x1b[1;33m?\x1b[0m       "));
}

TEST(GradeConsole, TextOfAnEngineCannotReachTheTerminal) {
  Grade grade = SmallGrade();
  grade.levels[1].at(kDurable).finding->message = "a\x1b[2Jb";
  EXPECT_THAT(RenderGradeConsole(grade, "out", {}), HasSubstr("lost-commit: a?[2Jb\n"));
}

TEST(GradeConsole, TheLastLineIsAboutThePromiseOnACorrectDisk) {
  Grade grade = SmallGrade();
  grade.result.promise = kPrefix;
  grade.result.verdict = Verdict::kHeld;
  EXPECT_THAT(RenderGradeLastLine(grade, "out/grade.json", {}),
              HasSubstr("(bounded: recoveries) in 2.5 s; promise prefix: held; report in "
                        "out/grade.json"));
}

TEST(GradeMarkdown, HasTheGridAndEveryCase) {
  Grade grade = SmallGrade();
  const std::string text = RenderGradeMarkdown(grade);
  EXPECT_THAT(text, HasSubstr("## Grade of `sqlite:journal=wal,sync=off`\n"));
  EXPECT_THAT(text,
              HasSubstr("| promise | 0 process-kill | 2 power-cut | 3 torn-write | 4 lying-flush † "
                        "| 5 stale-page † | 6 zeroed-page † | 6 bit-rot † |\n"
                        "|---|---|---|---|---|---|---|---|\n"
                        "| opens | held | held | held | held | held (bounded) | ? | held "
                        "(sampled) |\n"));
  EXPECT_THAT(text, HasSubstr("| durable | held | **lost-commit** | broken | broken | broken | "
                              "broken | broken |\n"));
  EXPECT_THAT(text, HasSubstr("† beyond the disk's contract."));
  EXPECT_THAT(text, HasSubstr("- durable: broken by power-cut (level 2): lost-commit, recovered "));
  EXPECT_THAT(text, HasSubstr("(`findings/lost-commit-1f0c2a44.case`)\n"));
  EXPECT_THAT(text, HasSubstr("- opens: none found (bounded: recoveries at stale-page; "));
  EXPECT_THAT(text, Not(HasSubstr("partial results")));
  grade.result.interrupted = true;
  grade.levels[1].at(kDurable).finding->message = "a|b_c*";
  EXPECT_THAT(RenderGradeMarkdown(grade), HasSubstr("Stopped by a signal: partial results."));
  EXPECT_THAT(RenderGradeMarkdown(grade), HasSubstr("a\\|b\\_c\\*"));
}

}  // namespace
}  // namespace plugpull
