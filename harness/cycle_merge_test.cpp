// Goal: what cycles say together is what each says, and no finding claims more file systems or a
// weaker fault than the crashes on the way to it allow.
#include "harness/cycle_merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/testing.h"

namespace plugpull {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

Finding FindingOf(const std::string& signature, FaultLevel level) {
  Finding finding;
  finding.signature = signature;
  finding.violation = ViolationClass::kStructure;
  finding.fault_level = level;
  for (const Model& model : Models()) finding.models.push_back(model.name);
  finding.count = 2;
  return finding;
}

Result ResultOf(uint64_t recoveries, const std::string& states) {
  Result result;
  result.coverage.mode = "exhaustive";
  result.coverage.crash_points = 3;
  result.coverage.recoveries = recoveries;
  result.coverage.states = states;
  result.verdict = Verdict::kHeld;
  return result;
}

CycleCoverage EntryOf(uint32_t cycle) {
  CycleCoverage entry;
  entry.cycle = cycle;
  return entry;
}

TEST(MergeCycle, AddsWhatWasCovered) {
  Result all = ResultOf(10, "99999999999999999999");
  MergeCycle(ResultOf(5, "1"), EntryOf(2), ChainLabels(), all);
  Conclude(all);
  EXPECT_EQ(all.coverage.recoveries, 15u);
  EXPECT_EQ(all.coverage.crash_points, 6u);
  EXPECT_EQ(all.coverage.states, "100000000000000000000");
  EXPECT_NEAR(all.coverage.states_log10, 20, 1e-9);
  ASSERT_EQ(all.coverage.cycles.size(), 1u);
  EXPECT_EQ(all.coverage.cycles[0].recoveries, 5u);
  EXPECT_EQ(all.coverage.cycles[0].states, "1");
  EXPECT_EQ(all.coverage.mode, "exhaustive");
  EXPECT_EQ(all.verdict, Verdict::kHeld);
}

TEST(MergeCycle, AddsCrashesInRecovery) {
  Result all = ResultOf(10, "7");
  all.coverage.depth = {{.crashes = 2, .crash_points = 3, .recoveries = 4}};
  Result next = ResultOf(5, "1");
  next.coverage.depth = {{.crashes = 2, .crash_points = 1, .recoveries = 2, .exhausted = false},
                         {.crashes = 3, .crash_points = 1, .recoveries = 1}};
  MergeCycle(next, EntryOf(2), ChainLabels(), all);
  ASSERT_EQ(all.coverage.depth.size(), 2u);
  EXPECT_EQ(all.coverage.depth[0].crash_points, 4u);
  EXPECT_EQ(all.coverage.depth[0].recoveries, 6u);
  EXPECT_FALSE(all.coverage.depth[0].exhausted);
  EXPECT_TRUE(all.coverage.depth[1].exhausted);
}

TEST(MergeCycle, AFaultNeedsToFireInOneOfTheCycles) {
  const std::string never = "the fault never fired: bit-rot(path=*.db)";
  const auto with = [&never](uint64_t fired) {
    Result result = ResultOf(5, "1");
    result.faults_fired = {{.fault = "bit-rot(path=*.db)", .instances = 2, .fired = fired}};
    if (fired == 0) result.coverage.unknown = {never};
    if (fired == 0) result.faults_fired[0].advice = "name another path";
    return result;
  };
  Result late = with(0);
  MergeCycle(with(2), EntryOf(2), ChainLabels(), late);
  Conclude(late);
  ASSERT_EQ(late.faults_fired.size(), 1u);
  EXPECT_EQ(late.faults_fired[0].instances, 4u);
  EXPECT_EQ(late.faults_fired[0].advice, "");
  EXPECT_EQ(late.verdict, Verdict::kHeld);
  Result nowhere = with(0);
  MergeCycle(with(0), EntryOf(2), ChainLabels(), nowhere);
  Conclude(nowhere);
  EXPECT_THAT(nowhere.coverage.unknown, ElementsAre(never));
  EXPECT_EQ(nowhere.verdict, Verdict::kUnknown);
}

TEST(MergeCycle, BoundsAndDoubtsOfACycleAreThoseOfTheRun) {
  Result all = ResultOf(10, "7");
  Result next = ResultOf(5, "1");
  next.coverage.bounds = {"recoveries"};
  MergeCycle(next, EntryOf(2), ChainLabels(), all);
  Conclude(all);
  EXPECT_THAT(all.coverage.bounds, ElementsAre("recoveries"));
  EXPECT_EQ(all.coverage.mode, "bounded");
  EXPECT_EQ(all.verdict, Verdict::kHeld);
  next.coverage.unknown = {"nondeterministic"};
  MergeCycle(next, EntryOf(3), ChainLabels(), all);
  Conclude(all);
  EXPECT_EQ(all.verdict, Verdict::kUnknown);
}

TEST(MergeCycle, ThatWasStoppedBeforeItBeganTakesNothingFromTheOthers) {
  Result all = ResultOf(10, "7");
  Result next = ResultOf(0, "0");
  next.coverage.unknown = {"stopped before anything was explored"};
  next.coverage.bounds = {"signal"};
  next.interrupted = true;
  MergeCycle(next, EntryOf(2), ChainLabels(), all);
  Conclude(all);
  EXPECT_EQ(all.verdict, Verdict::kHeld);
  EXPECT_TRUE(all.interrupted);
  EXPECT_EQ(all.coverage.mode, "bounded");
}

TEST(MergeCycle, FindingsOfOneSignatureAreOneOfTheFirstCycle) {
  Result all = ResultOf(10, "7");
  all.findings = {FindingOf("a", FaultLevel::kPowerCut)};
  Result next = ResultOf(5, "1");
  next.findings = {FindingOf("a", FaultLevel::kPowerCut), FindingOf("b", FaultLevel::kProcessKill)};
  MergeCycle(next, EntryOf(2), ChainLabels(), all);
  Conclude(all);
  EXPECT_EQ(all.verdict, Verdict::kViolated);
  ASSERT_EQ(all.findings.size(), 2u);
  EXPECT_EQ(all.findings[0].signature, "b");  // the weaker fault comes first
  EXPECT_EQ(all.findings[0].cycle, 2u);
  EXPECT_EQ(all.findings[1].cycle, 1u);
  EXPECT_EQ(all.findings[1].count, 4u);
}

// A crash that a store survived only on some models, and only by a torn write.
class Labels : public testing::Test {
 protected:
  Labels()
      : trace_(SmallTrace("cow_tree", 12)), inspector_(trace_, *ParseTarget("cow_tree")->type) {
    const Model& weakest = Models().front();
    CrashCursor cursor(trace_, weakest);
    CrashGraph graph;
    for (size_t position = 0; position < trace_.ops.size() && torn_.chosen.empty(); ++position) {
      cursor.AdvanceTo(position);
      graph.Build(cursor, Tear::kSectorsContiguous);
      Constraints& constraints = graph.constraints();
      const auto data = std::ranges::find_if(graph.atoms(), [&](const Atom& atom) {
        const Op& op = trace_.ops[atom.id.op];
        return atom.id.kind == AtomKind::kData && atom.id.index == 1 && op.size_bytes == 4096;
      });
      if (data == graph.atoms().end()) continue;
      EXPECT_TRUE(constraints.Decide(data->variable, false));
      constraints.KeepTheRest();
      torn_ = {.position = position, .tear = graph.tear(), .chosen = {}};
      for (const Atom& atom : graph.atoms()) {
        torn_.chosen.emplace_back(atom.id, constraints.fate(atom.variable) == Fate::kKept);
      }
    }
    EXPECT_FALSE(torn_.chosen.empty());
  }

  Trace trace_;
  StateInspector inspector_;
  ChosenState torn_;
};

TEST_F(Labels, OfAChainWithoutCrashesChangeNothing) {
  Finding finding = FindingOf("a", FaultLevel::kProcessKill);
  ChainLabels().Apply(finding);
  EXPECT_EQ(finding.fault_level, FaultLevel::kProcessKill);
  EXPECT_EQ(finding.models.size(), Models().size());
}

TEST_F(Labels, OfACrashLimitAllThatComesAfterIt) {
  ChainLabels labels;
  labels.Add(inspector_, torn_, Models().front());
  Finding finding = FindingOf("a", FaultLevel::kProcessKill);
  finding.models = {"posix-minimal", "ext4-journal"};
  labels.Apply(finding);
  EXPECT_EQ(finding.fault_level, FaultLevel::kTornWrite);
  EXPECT_THAT(finding.models, ElementsAre("posix-minimal"));
  EXPECT_THAT(finding.contract_models, Not(Contains("ext4-journal")));
  EXPECT_TRUE(labels.Admits("posix-minimal"));
  EXPECT_FALSE(labels.Admits("ext4-journal"));
}

TEST_F(Labels, AModelThatCannotComeThisFarKeepsItsVerdict) {
  ChainLabels labels;
  labels.Add(inspector_, torn_, Models().front());
  Result all = ResultOf(10, "7");
  all.models = {{"posix-minimal", Verdict::kHeld}, {"ext4-journal", Verdict::kHeld}};
  Result next = ResultOf(5, "1");
  next.models = {{"posix-minimal", Verdict::kViolated}, {"ext4-journal", Verdict::kViolated}};
  MergeCycle(next, EntryOf(2), labels, all);
  EXPECT_EQ(all.models[0].second, Verdict::kViolated);
  EXPECT_EQ(all.models[1].second, Verdict::kHeld);
}

}  // namespace
}  // namespace plugpull
