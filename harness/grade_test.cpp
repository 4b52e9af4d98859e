// Goal: the ladder is climbed as promised, whatever the searches find. Method: an explorer made of
// a table of what breaks where, which writes down what it was asked.
#include "harness/grade.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>

namespace plugpull {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using enum FaultLevel;
using enum Promise;

// The name of a search: the level's model or fault, and the promise.
std::string NameOf(const ExploreOptions& options) {
  const ExploreSettings& settings = options.settings;
  const bool is_torn = settings.tear != Tear::kNone;
  const std::string level = options.faults.empty() ? settings.model->name + (is_torn ? "+tear" : "")
                                                   : options.faults.front();
  return fmt::format("{} {}", level, Name(settings.promise));
}

Finding FindingOf(ViolationClass violation, FaultLevel level) {
  Finding finding;
  finding.violation = violation;
  finding.fault_level = level;
  finding.id = fmt::format("{}-{}", Name(violation), Name(level));
  finding.case_path = "findings/" + finding.id + ".case";
  return finding;
}

class FakeExplorer {
 public:
  // What a search gives that is not named: nothing found, exhaustively.
  std::map<std::string, std::function<void(Result&)>> searches;
  std::vector<std::string> asked;
  std::vector<ExploreOptions> options;

  Grade Climb(std::vector<GradeRung> rungs = LegalRungs(), Promise promise = kDurable) {
    GradeOptions grading;
    grading.explore.out_directory = "out";
    grading.explore.settings.promise = promise;
    grading.explore.budget = budget;
    grading.rungs = std::move(rungs);
    const Expected<Grade> grade = ClimbLadder(
        grading,
        [this](const ExploreOptions& each, const OnProgress& on_progress) -> Expected<Result> {
          asked.push_back(NameOf(each));
          options.push_back(each);
          Result result;
          result.verdict = Verdict::kHeld;
          result.coverage.mode = "exhaustive";
          result.coverage.recoveries = 5;
          result.interrupted = !on_progress({});
          if (const auto found = searches.find(asked.back()); found != searches.end()) {
            found->second(result);
          }
          if (!result.findings.empty()) result.verdict = Verdict::kViolated;
          return result;
        },
        [this](const GradeProgress& /*progress*/) { return !stop; });
    EXPECT_TRUE(grade.has_value());
    return grade.value_or(Grade());
  }

  void Finds(const std::string& search, ViolationClass violation, FaultLevel level) {
    searches[search] = [before = searches[search], violation, level](Result& result) {
      if (before) before(result);
      result.findings.push_back(FindingOf(violation, level));
    };
  }

  std::optional<std::chrono::milliseconds> budget;
  bool stop = false;
};

std::vector<GradeRung> WithBeyond(const std::vector<FaultLevel>& levels) {
  std::vector<GradeRung> rungs = LegalRungs();
  for (const FaultLevel level : levels) rungs.push_back({level, std::string(Name(level))});
  return rungs;
}

// Returns: the states of a promise, one letter for each level.
std::string RowOf(const Grade& grade, Promise promise) {
  std::string row;
  for (const GradeLevel& level : grade.levels) {
    row += "?hBb"[static_cast<size_t>(level.at(promise).state)];
  }
  return row;
}

TEST(ClimbLadder, OneSearchIsEnoughAtEachLevelWhereNothingBreaks) {
  FakeExplorer explorer;
  const Grade grade = explorer.Climb();
  EXPECT_THAT(explorer.asked, ElementsAre("process-kill durable", "ordered durable",
                                          "posix-minimal durable", "posix-minimal+tear durable"));
  for (const Promise promise : kPromises) EXPECT_EQ(RowOf(grade, promise), "hhhh");
  EXPECT_EQ(grade.levels[2].at(kIntact).mode, "exhaustive") << "a promise includes those before it";
  EXPECT_EQ(grade.result.verdict, Verdict::kHeld);
  EXPECT_EQ(grade.result.command, "grade");
  EXPECT_EQ(grade.result.coverage.recoveries, 20u);
  EXPECT_EQ(grade.result.coverage.mode, "exhaustive");
  EXPECT_THAT(grade.result.findings, IsEmpty());
}

TEST(ClimbLadder, WhatAWeakLevelBreaksIsBrokenAboveAndNotSearchedAgain) {
  FakeExplorer explorer;
  explorer.Finds("ordered durable", ViolationClass::kLostCommit, kPowerCutOrdered);
  const Grade grade = explorer.Climb();
  EXPECT_THAT(explorer.asked,
              ElementsAre("process-kill durable", "ordered durable", "ordered prefix",
                          "posix-minimal prefix", "posix-minimal+tear prefix"));
  EXPECT_EQ(RowOf(grade, kDurable), "hBbb");
  EXPECT_EQ(RowOf(grade, kPrefix), "hhhh");
  EXPECT_EQ(grade.levels[3].at(kDurable).broken_by, kPowerCutOrdered);
  EXPECT_EQ(grade.result.verdict, Verdict::kViolated);
  ASSERT_EQ(grade.result.findings.size(), 1u);
  EXPECT_EQ(grade.result.findings[0].violation, ViolationClass::kLostCommit);
}

TEST(ClimbLadder, AViolationBreaksEveryStrongerPromiseAndTheWeakerOnesAreSearched) {
  FakeExplorer explorer;
  explorer.Finds("posix-minimal durable", ViolationClass::kLostCommit, kPowerCut);
  explorer.Finds("posix-minimal durable", ViolationClass::kPartialCommit, kPowerCut);
  explorer.Finds("posix-minimal intact", ViolationClass::kRefusesToOpen, kPowerCut);
  const Grade grade = explorer.Climb();
  EXPECT_THAT(explorer.asked, ElementsAre("process-kill durable", "ordered durable",
                                          "posix-minimal durable", "posix-minimal intact"))
      << "nothing is left for torn writes";
  for (const Promise promise : kPromises) EXPECT_EQ(RowOf(grade, promise), "hhBb");
  const GradeLevel& level = grade.levels[2];
  EXPECT_EQ(level.at(kDurable).finding->violation, ViolationClass::kLostCommit);
  EXPECT_EQ(level.at(kPrefix).finding->violation, ViolationClass::kPartialCommit);
  EXPECT_EQ(level.at(kAtomic).finding->violation, ViolationClass::kPartialCommit);
  EXPECT_EQ(level.at(kIntact).finding->violation, ViolationClass::kRefusesToOpen);
  EXPECT_EQ(level.at(kOpens).finding->violation, ViolationClass::kRefusesToOpen);
  EXPECT_EQ(grade.result.findings.size(), 3u);
}

TEST(ClimbLadder, AFindingIsOfTheWeakestLevelThatShowsIt) {
  FakeExplorer explorer;
  explorer.Finds("posix-minimal+tear durable", ViolationClass::kStructure, kPowerCutOrdered);
  explorer.Finds("posix-minimal+tear durable", ViolationClass::kLostCommit, kTornWrite);
  const Grade grade = explorer.Climb();
  EXPECT_EQ(RowOf(grade, kIntact), "hBbb");
  EXPECT_EQ(RowOf(grade, kDurable), "hBbb");
  EXPECT_EQ(grade.levels[1].at(kDurable).finding->violation, ViolationClass::kStructure)
      << "the weaker fault counts, also for a stronger promise";
  EXPECT_EQ(RowOf(grade, kOpens), "hhhh");
  EXPECT_EQ(explorer.asked.back(), "posix-minimal+tear opens");
}

TEST(ClimbLadder, FaultsBeyondTheContractAreTriedOneByOne) {
  FakeExplorer explorer;
  explorer.Finds("posix-minimal durable", ViolationClass::kLostCommit, kPowerCut);
  explorer.Finds("lying-flush prefix", ViolationClass::kHole, kLyingFlush);
  explorer.Finds("stale-page prefix", ViolationClass::kStructure, kStalePage);
  const Grade grade = explorer.Climb(WithBeyond({kLyingFlush, kStalePage, kBitRot}));
  explorer.asked.erase(explorer.asked.begin(), explorer.asked.begin() + 5);
  EXPECT_THAT(explorer.asked,
              ElementsAre("lying-flush prefix", "lying-flush atomic", "stale-page prefix",
                          "stale-page opens", "bit-rot prefix"));
  EXPECT_EQ(RowOf(grade, kDurable), "hhBbbbb");
  EXPECT_EQ(RowOf(grade, kPrefix), "hhhhBBh") << "a stale page is no lying flush";
  EXPECT_EQ(RowOf(grade, kAtomic), "hhhhhBh");
  EXPECT_EQ(RowOf(grade, kOpens), "hhhhhhh");
  EXPECT_EQ(WeakestBreaking(grade, kIntact)->level, kStalePage);
  const ExploreOptions& last = explorer.options.back();
  EXPECT_FALSE(last.legal);
  EXPECT_EQ(last.out_directory, "out/bit-rot");
  EXPECT_EQ(grade.levels[4].at(kPrefix).finding->case_path,
            "lying-flush/findings/hole-lying-flush.case");
}

TEST(ClimbLadder, WhatADiskMayNotDoLeavesTheVerdictAlone) {
  FakeExplorer explorer;
  explorer.Finds("stale-page durable", ViolationClass::kStructure, kStalePage);
  explorer.searches["bit-rot durable"] = [](Result& result) {
    result.verdict = Verdict::kUnknown;
    result.coverage.unknown = {"nondeterministic: twice"};
  };
  const Grade grade = explorer.Climb(WithBeyond({kStalePage, kBitRot}));
  EXPECT_EQ(grade.result.verdict, Verdict::kHeld);
  EXPECT_EQ(grade.result.findings.size(), 1u);
  EXPECT_EQ(RowOf(grade, kDurable), "hhhhB?");
  EXPECT_EQ(grade.levels[5].at(kOpens).unknown, "nondeterministic: twice");
}

// A search beyond the contract may meet what a correct disk shows as well.
TEST(ClimbLadder, WhatACorrectDiskTurnsOutToBreakCountsForAllThatFollow) {
  FakeExplorer explorer;
  explorer.Finds("stale-page durable", ViolationClass::kLostCommit, kPowerCut);
  const Grade grade = explorer.Climb(WithBeyond({kLyingFlush, kStalePage, kBitRot}));
  EXPECT_EQ(RowOf(grade, kDurable), "hhBbbbb");
  EXPECT_EQ(grade.result.verdict, Verdict::kViolated);
  EXPECT_EQ(explorer.asked.back(), "bit-rot prefix");
}

TEST(ClimbLadder, SaysWhatBoundedOrSampledASearch) {
  FakeExplorer explorer;
  explorer.searches["posix-minimal durable"] = [](Result& result) {
    result.coverage.mode = "bounded";
    result.coverage.bounds = {"recoveries"};
  };
  explorer.searches["bit-rot durable"] = [](Result& result) { result.coverage.mode = "sampled"; };
  const Grade grade = explorer.Climb(WithBeyond({kBitRot}));
  EXPECT_THAT(grade.levels[2].at(kAtomic).bounds, ElementsAre("recoveries"));
  EXPECT_EQ(grade.levels[2].at(kAtomic).mode, "bounded");
  EXPECT_EQ(grade.levels[3].at(kAtomic).mode, "exhaustive");
  EXPECT_EQ(grade.levels[4].at(kAtomic).mode, "sampled");
  EXPECT_EQ(grade.result.coverage.mode, "bounded");
  EXPECT_EQ(HowFar(grade, kDurable), "bounded: recoveries at power-cut; sampled: bit-rot");
  EXPECT_EQ(grade.result.verdict, Verdict::kHeld);
}

TEST(ClimbLadder, APartOfThePlacesIsASampleAndSaysOfHowMany) {
  FakeExplorer explorer;
  const auto tries = [](uint64_t instances, uint64_t of) {
    return [=](Result& result) {
      result.coverage.mode = instances < of ? "bounded" : "exhaustive";
      result.faults_fired = {{.fault = "f", .instances = instances, .fired = 1, .of = of}};
    };
  };
  explorer.searches["stale-page durable"] = tries(70, 70);
  explorer.searches["bit-rot durable"] = tries(12, 3400);
  const Grade grade = explorer.Climb(WithBeyond({kStalePage, kBitRot}));
  EXPECT_EQ(grade.levels[4].at(kDurable).mode, "exhaustive");
  EXPECT_EQ(grade.levels[5].at(kDurable).mode, "sampled");
  EXPECT_EQ(grade.levels[5].tally->of, 3400u);
  EXPECT_EQ(HowFar(grade, kDurable), "sampled: bit-rot 12 of 3,400");
  EXPECT_EQ(grade.result.faults_fired.size(), 2u);
  EXPECT_EQ(grade.result.coverage.mode, "sampled");
}

TEST(ClimbLadder, WhatIsNotKnownOfACorrectDiskLeavesTheVerdictOpen) {
  FakeExplorer explorer;
  explorer.searches["ordered durable"] = [](Result& result) {
    result.verdict = Verdict::kUnknown;
    result.coverage.unknown = {"call not modelled: splice"};
  };
  const Grade grade = explorer.Climb();
  EXPECT_EQ(RowOf(grade, kPrefix), "h?hh");
  EXPECT_EQ(grade.result.verdict, Verdict::kUnknown);
  EXPECT_THAT(grade.result.coverage.unknown, ElementsAre("call not modelled: splice"));
}

TEST(ClimbLadder, TheVerdictIsOfThePromiseAskedForAndTheGridOfAll) {
  FakeExplorer explorer;
  explorer.Finds("ordered durable", ViolationClass::kLostCommit, kPowerCutOrdered);
  const Grade grade = explorer.Climb(LegalRungs(), kPrefix);
  EXPECT_EQ(grade.result.promise, kPrefix);
  EXPECT_EQ(grade.result.verdict, Verdict::kHeld);
  EXPECT_EQ(RowOf(grade, kDurable), "hBbb");
}

TEST(ClimbLadder, AStopKeepsWhatWasFound) {
  FakeExplorer explorer;
  explorer.Finds("ordered durable", ViolationClass::kLostCommit, kPowerCutOrdered);
  explorer.searches["ordered prefix"] = [&](Result& result) {
    explorer.stop = true;
    result.interrupted = true;
  };
  const Grade grade = explorer.Climb();
  EXPECT_THAT(explorer.asked,
              ElementsAre("process-kill durable", "ordered durable", "ordered prefix"));
  EXPECT_EQ(RowOf(grade, kDurable), "hBbb");
  EXPECT_EQ(RowOf(grade, kPrefix), "h???");
  EXPECT_EQ(grade.levels[3].at(kPrefix).unknown, "stopped by a signal");
  EXPECT_TRUE(grade.result.interrupted);
}

TEST(ClimbLadder, AStopAtAViolationLeavesTheWeakerPromisesOpen) {
  FakeExplorer explorer;
  explorer.Finds("process-kill durable", ViolationClass::kLostCommit, kProcessKill);
  explorer.stop = true;
  const Grade grade = explorer.Climb();
  EXPECT_EQ(explorer.asked.size(), 1u);
  EXPECT_EQ(RowOf(grade, kDurable), "Bbbb");
  EXPECT_EQ(RowOf(grade, kOpens), "????");
}

TEST(ClimbLadder, ABudgetIsSharedOutAndItsEndIsSaid) {
  FakeExplorer explorer;
  explorer.budget = std::chrono::hours(4);
  explorer.Climb();
  const std::chrono::milliseconds hour = std::chrono::hours(1);
  EXPECT_LE(*explorer.options[0].budget, hour);
  EXPECT_GT(*explorer.options[0].budget, hour / 2);
  EXPECT_GT(*explorer.options[3].budget, 2 * hour)
      << "what earlier levels left over is shared, too";
  FakeExplorer none;
  none.budget = std::chrono::milliseconds(0);
  const Grade grade = none.Climb();
  EXPECT_THAT(none.asked, IsEmpty());
  EXPECT_EQ(RowOf(grade, kDurable), "????");
  EXPECT_EQ(grade.levels[0].at(kDurable).unknown, "out of budget");
  EXPECT_EQ(grade.result.verdict, Verdict::kUnknown);
}

TEST(ClimbLadder, PassesOnAnError) {
  GradeOptions grading;
  grading.rungs = LegalRungs();
  const Expected<Grade> grade = ClimbLadder(
      grading,
      [](const ExploreOptions& /*options*/, const OnProgress& /*on_progress*/) {
        return Expected<Result>(std::unexpected(Error{ErrorCode::kIo, "disk full"}));
      },
      [](const GradeProgress& /*progress*/) { return true; });
  ASSERT_FALSE(grade.has_value());
  EXPECT_EQ(grade.error().context, "disk full");
}

TEST(RungsBeyond, AreAllOrThoseAskedForWeakestFirst) {
  const auto rungs = RungsBeyond("");
  ASSERT_TRUE(rungs.has_value());
  std::vector<std::string> names;
  for (const GradeRung& rung : *rungs) names.push_back(rung.fault);
  EXPECT_THAT(names, ElementsAre("lying-flush", "stale-page", "misdirected-write", "zeroed-page",
                                 "sub-sector-tear", "bit-rot"));
  const auto some = RungsBeyond("zeroed-page,stale-page(age=1..3,path=*.db),lying-flush(last=2)");
  ASSERT_TRUE(some.has_value());
  ASSERT_EQ(some->size(), 3u);
  EXPECT_EQ((*some)[0].fault, "lying-flush(last=2)");
  EXPECT_EQ((*some)[1].fault, "stale-page(age=1..3,path=*.db)");
  EXPECT_EQ((*some)[1].level, kStalePage);
  EXPECT_EQ((*some)[2].fault, "zeroed-page");
}

TEST(RungsBeyond, RefuseWhatIsNone) {
  EXPECT_THAT(RungsBeyond("stale-pag").error().context, HasSubstr("stale-page"));
  EXPECT_THAT(RungsBeyond("torn-write").error().context, HasSubstr("always climbed"));
  EXPECT_FALSE(RungsBeyond("stale-page(age=0)").has_value());
}

TEST(AtRung, SetsModelTearAndFaults) {
  ExploreOptions base;
  base.out_directory = "out";
  EXPECT_EQ(AtRung(base, {kProcessKill, ""}).settings.model->name, "process-kill");
  EXPECT_EQ(AtRung(base, {kPowerCutOrdered, ""}).settings.model->name, "ordered");
  const ExploreOptions cut = AtRung(base, {kPowerCut, ""});
  EXPECT_EQ(cut.settings.model->name, "posix-minimal");
  EXPECT_EQ(cut.settings.tear, Tear::kNone);
  EXPECT_GT(cut.settings.recoveries_per_point, 0u);
  const ExploreOptions torn = AtRung(base, {kTornWrite, ""});
  EXPECT_EQ(torn.settings.tear, Tear::kSectorsContiguous);
  EXPECT_TRUE(torn.legal);
  EXPECT_EQ(torn.out_directory, "out");
  const ExploreOptions stale = AtRung(base, {kStalePage, "stale-page(path=a/*)"});
  EXPECT_FALSE(stale.legal);
  EXPECT_THAT(stale.faults, ElementsAre("stale-page(path=a/*)"));
  EXPECT_EQ(stale.out_directory, "out/stale-page(path=a__)");
  EXPECT_EQ(stale.settings.recoveries_per_point, 0u) << "what is usual for the fault";
  base.settings.recoveries_per_point = 7;
  EXPECT_EQ(AtRung(base, {kTornWrite, ""}).settings.recoveries_per_point, 7u);
}

TEST(LegalRungs, AreThoseOfACorrectDisk) {
  std::vector<std::string> names;
  for (const GradeRung& rung : LegalRungs()) names.push_back(rung.fault);
  EXPECT_THAT(names, ElementsAre("process-kill", "power-cut-ordered", "power-cut", "torn-write"));
}

}  // namespace
}  // namespace plugpull
