// Goal: a run says held, violated or unknown as it should, the same for any number of jobs, and its
// cases reproduce what it found.
#include "harness/explore.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "faults/persistence/model_text.h"
#include "harness/case_file.h"
#include "harness/recovery_pool.h"
#include "harness/testing.h"
#include "reports/report_format.h"

namespace plugpull {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Explorations : public testing::Test {
 protected:
  ~Explorations() override { std::filesystem::remove_all(directory_); }

  Result Run(
      const Trace& trace, const std::string& target, uint32_t jobs = 2,
      const OnProgress& on_progress = [](const ExploreProgress&) { return true; },
      const ExploreSettings& settings = {.keys = 6}) {
    ExploreOptions options{
        .settings = settings, .jobs = jobs, .budget = {}, .out_directory = directory_};
    options.settings.target = target;
    options.all_models = all_models_;
    options.tally_recoverability = tally_recoverability_;
    const Expected<Result> result = Explore(trace, options, on_progress);
    EXPECT_TRUE(result.has_value()) << Describe(result.error());
    return result.value_or(Result());
  }

  bool all_models_ = false;
  bool tally_recoverability_ = false;
  const std::string directory_ =
      testing::TempDir() + "plugpull-explore-" + std::to_string(::getpid());
};

TEST_F(Explorations, AnEngineThatKeepsItsPromiseIsHeldAndExhaustive) {
  const Trace trace = SmallTrace("fragile_log", 5);
  const Result result = Run(trace, "fragile_log");
  EXPECT_EQ(result.verdict, Verdict::kHeld);
  EXPECT_THAT(result.findings, IsEmpty());
  EXPECT_EQ(result.coverage.mode, "exhaustive");
  EXPECT_TRUE(result.coverage.states_exact);
  EXPECT_GT(result.coverage.crash_points, 5u);
  EXPECT_GT(result.coverage.recoveries, result.coverage.crash_points);
  EXPECT_EQ(result.trace.operations, trace.ops.size());
  EXPECT_EQ(result.trace.transactions, 5u);
  EXPECT_EQ(result.trace.acknowledgements, 5u);
  EXPECT_EQ(result.trace.bytes, trace.payload.size());
  EXPECT_FALSE(result.interrupted);
  EXPECT_FALSE(std::filesystem::exists(directory_));
}

// Everything in a result but how long it took.
std::string Timeless(Result result) {
  result.elapsed_s = 0;
  return RenderJson(result);
}

TEST_F(Explorations, AreTheSameForAnyNumberOfJobs) {
  for (const char* target : {"fragile_log:sync=0", "fragile_log:how=segv,when=check",
                             "cow_tree:mutant=M1", "sqlite:sync=full"}) {
    const std::string recorded =
        std::string(target).starts_with("fragile_log:how") ? "fragile_log" : target;
    const Trace trace = SmallTrace(recorded, 5);
    const std::string one = Timeless(Run(trace, target, 1));
    EXPECT_EQ(one, Timeless(Run(trace, target, 3))) << target;
    EXPECT_THAT(one, HasSubstr("\"verdict\": \"violated\"")) << target;
  }
}

TEST_F(Explorations, EveryFindingHasACaseThatReproducesIt) {
  for (const char* target : {"fragile_log:sync=0", "fragile_log:how=abort,when=use",
                             "cow_tree:mutant=M2", "sqlite:sync=off"}) {
    const std::string recorded =
        std::string(target).starts_with("fragile_log:how") ? "fragile_log" : target;
    const Result result = Run(SmallTrace(recorded, 5), target);
    EXPECT_EQ(result.verdict, Verdict::kViolated) << target;
    ASSERT_FALSE(result.findings.empty()) << target;
    for (const Finding& finding : result.findings) {
      const Expected<Case> loaded = LoadCase(directory_ + "/" + finding.case_path);
      ASSERT_TRUE(loaded.has_value()) << Describe(loaded.error());
      EXPECT_EQ(loaded->id, finding.id);
      Expected<RecoveryPool> pool = RecoveryPool::Create(loaded->trace, 1);
      const auto replayed = pool->Replay({.position = loaded->trace.ops.size(),
                                          .window = loaded->window,
                                          .lost = loaded->lost,
                                          .settings = loaded->settings});
      ASSERT_TRUE(replayed.has_value()) << Describe(replayed.error());
      ASSERT_TRUE(replayed->has_value()) << target << ": " << finding.message;
      EXPECT_EQ(**replayed, loaded->violation);
      EXPECT_EQ((*replayed)->message, finding.message);
    }
  }
}

// An image on which the engine dies is cured by cutting the torn record off.
TEST_F(Explorations, SayWhatCanBeDoneAboutAFinding) {
  const Trace trace = SmallTrace("fragile_log", 5);
  for (const char* target : {"fragile_log:how=segv,when=open", "fragile_log:how=abort,when=use"}) {
    const Result result = Run(trace, target);
    ASSERT_FALSE(result.findings.empty()) << target;
    for (const Finding& finding : result.findings) {
      EXPECT_EQ(finding.recoverability, "cured by cutting the tail") << target;
    }
    EXPECT_THAT(result.recoverability, IsEmpty()) << "nobody asked";
  }
  const Result silent = Run(SmallTrace("fragile_log:sync=0", 5), "fragile_log:sync=0");
  ASSERT_FALSE(silent.findings.empty());
  EXPECT_EQ(silent.findings[0].recoverability, "silent wrong content");
  const Result no_repairs = Run(SmallTrace("sqlite:sync=off", 5), "sqlite:sync=off");
  ASSERT_FALSE(no_repairs.findings.empty());
  EXPECT_EQ(no_repairs.findings[0].recoverability, "");
}

TEST_F(Explorations, CountWhatCanBeDoneWhenAsked) {
  tally_recoverability_ = true;
  const Trace trace = SmallTrace("fragile_log", 5);
  const Result result = Run(trace, "fragile_log:how=exit,when=check");
  ASSERT_EQ(result.recoverability.size(), 1U);
  EXPECT_EQ(result.recoverability[0].name, "cured by cutting the tail");
  EXPECT_GE(result.recoverability[0].images, 5U);
  EXPECT_EQ(result.recoverability[0].transactions_lost, 0U);
  ASSERT_EQ(result.repairs.size(), 1U);
  EXPECT_EQ(result.repairs[0].cures, result.recoverability[0].images);
  EXPECT_EQ(Timeless(result), Timeless(Run(trace, "fragile_log:how=exit,when=check", 1)));
  EXPECT_THAT(Run(trace, "fragile_log").recoverability, IsEmpty()) << "nothing was violated";
}

TEST_F(Explorations, AFlakyEngineIsUnknownNeverHeld) {
  const Result result = Run(SmallTrace("fragile_log", 5), "fragile_log:how=flaky");
  EXPECT_EQ(result.verdict, Verdict::kUnknown);
  EXPECT_THAT(result.coverage.unknown, testing::Contains(HasSubstr("nondeterministic")));
  EXPECT_EQ(result.coverage.mode, "bounded");
}

TEST_F(Explorations, AnswerToAStopWithWhatThereIs) {
  const Result result = Run(SmallTrace("fragile_log", 30), "fragile_log", 1,
                            [](const ExploreProgress&) { return false; });
  EXPECT_TRUE(result.interrupted);
  EXPECT_THAT(result.coverage.bounds, ElementsAre("signal"));
  EXPECT_EQ(result.coverage.mode, "bounded");
  EXPECT_EQ(result.coverage.crash_points, 1u);
}

TEST_F(Explorations, ABoundOnRecoveriesIsSaid) {
  ExploreSettings settings{.promise = Promise::kPrefix, .keys = 6, .recoveries_per_point = 2};
  const Result result = Run(
      SmallTrace("fragile_log", 4), "fragile_log", 2, [](const ExploreProgress&) { return true; },
      settings);
  EXPECT_EQ(result.verdict, Verdict::kHeld);
  EXPECT_EQ(result.coverage.mode, "bounded");
  EXPECT_THAT(result.coverage.bounds, ElementsAre("recoveries"));
}

TEST_F(Explorations, NameTheWeakestFaultThatReachesAFinding) {
  // Without any sync a lost tail is enough; the search under all faults need not meet that first.
  const Result result = Run(SmallTrace("fragile_log:sync=0", 6), "fragile_log:sync=0");
  ASSERT_FALSE(result.findings.empty());
  EXPECT_EQ(result.findings[0].violation, ViolationClass::kLostCommit);
  EXPECT_EQ(result.findings[0].fault_level, FaultLevel::kPowerCutOrdered);
}

TEST_F(Explorations, SayNothingOfWhatComesAfterACallThatIsNotModelled) {
  Trace trace = SmallTrace("fragile_log", 5);
  trace.ops.push_back({.kind = OpKind::kUnmodelled, .name = "io_uring_enter"});
  const Result result = Run(trace, "fragile_log");
  EXPECT_EQ(result.verdict, Verdict::kUnknown);
  EXPECT_THAT(result.coverage.unknown, ElementsAre("call not modelled: io_uring_enter"));
  EXPECT_EQ(result.coverage.mode, "bounded");
  EXPECT_GT(result.coverage.crash_points, 5u);
}

TEST_F(Explorations, KeepWhatWasFoundBeforeACallThatIsNotModelled) {
  Trace trace = SmallTrace("fragile_log:sync=0", 5);
  const Result whole = Run(trace, "fragile_log:sync=0");
  trace.ops.push_back({.kind = OpKind::kUnmodelled, .name = "io_uring_enter"});
  const Result cut = Run(trace, "fragile_log:sync=0");
  EXPECT_EQ(cut.verdict, Verdict::kViolated);
  EXPECT_THAT(cut.coverage.unknown, ElementsAre("call not modelled: io_uring_enter"));
  EXPECT_EQ(cut.findings.size(), whole.findings.size());
}

TEST_F(Explorations, CountEveryKindOfSync) {
  Trace trace = SmallTrace("fragile_log", 2);
  const uint64_t before = Run(trace, "fragile_log").trace.syncs;
  trace.ops.push_back({.kind = OpKind::kSyncAll});
  EXPECT_EQ(Run(trace, "fragile_log").trace.syncs, before + 1);
}

TEST_F(Explorations, NameTheModelAsItCanBeGivenAgain) {
  ExploreSettings settings{.keys = 6};
  settings.model = ParseModel("posix-minimal,name=mine,fill=zero").value();
  const Result result = Run(
      SmallTrace("fragile_log:sync=0", 3), "fragile_log:sync=0", 2,
      [](const ExploreProgress&) { return true; }, settings);
  EXPECT_EQ(result.model, "posix-minimal,name=mine,fill=zero");
  EXPECT_THAT(result.models, IsEmpty());
}

// What was lost bites everywhere, so that every model has to find it.
TEST_F(Explorations, UnderAllModelsSayWhatHoldsWhere) {
  const Trace trace = SmallTrace("fragile_log:sync=0", 5);
  const Result plain = Run(trace, "fragile_log:sync=0");
  all_models_ = true;
  const Result result = Run(trace, "fragile_log:sync=0");
  EXPECT_EQ(result.model, "all");
  EXPECT_EQ(result.verdict, Verdict::kViolated);
  std::vector<std::string> names;
  for (const Model& model : Models()) names.push_back(model.name);
  std::vector<std::string> told;
  for (const auto& [model, verdict] : result.models) {
    EXPECT_EQ(verdict, Verdict::kViolated) << model;
    told.push_back(model);
  }
  EXPECT_EQ(told, names);
  EXPECT_EQ(result.findings[0].models, names);
  EXPECT_EQ(result.findings[0].signature, plain.findings[0].signature);
  EXPECT_EQ(result.coverage.crash_points, plain.coverage.crash_points);
  for (const Finding& finding : result.findings) {
    EXPECT_TRUE(std::filesystem::exists(directory_ + "/" + finding.case_path));
  }
}

TEST_F(Explorations, UnderAllModelsHoldOnAllWhereTheWeakestHolds) {
  all_models_ = true;
  const Result result = Run(SmallTrace("fragile_log", 4), "fragile_log");
  EXPECT_EQ(result.verdict, Verdict::kHeld);
  EXPECT_EQ(result.models.size(), Models().size());
  for (const auto& [model, verdict] : result.models) EXPECT_EQ(verdict, Verdict::kHeld) << model;
}

TEST_F(Explorations, UnderAllModelsKnowNothingOfThoseThatAStopLeftOut) {
  all_models_ = true;
  const Result result = Run(SmallTrace("fragile_log", 30), "fragile_log", 1,
                            [](const ExploreProgress&) { return false; });
  ASSERT_EQ(result.models.size(), Models().size());
  EXPECT_EQ(result.models.back().second, Verdict::kUnknown);
}

TEST_F(Explorations, ACaseThatCannotBeWrittenIsAnError) {
  const Trace trace = SmallTrace("fragile_log:sync=0", 3);
  ExploreOptions options;
  options.settings = {.target = "fragile_log:sync=0", .keys = 6};
  options.out_directory = "/proc/nowhere";
  const Expected<Result> result =
      Explore(trace, options, [](const ExploreProgress&) { return true; });
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().context, HasSubstr("/proc/nowhere"));
}

}  // namespace
}  // namespace plugpull
