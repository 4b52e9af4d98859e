// Goal: many violations become few findings, each with its smallest reproduction and a name that is
// the same every night.
#include "harness/findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "faults/persistence/model_text.h"
#include "harness/testing.h"

namespace plugpull {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

using Chosen = std::vector<std::pair<AtomId, bool>>;

AtomId Data(uint32_t op, uint32_t piece) { return {op, AtomKind::kData, piece}; }
AtomId Size(uint32_t op) { return {op, AtomKind::kSize, 0}; }

// #0 create log, #1 sync-directory; then three writes that are never synced: #2, #3 over it, and #4
// behind both.
Trace HandMade() {
  MemoryVfs memory;
  RecordingVfs recorder(memory);
  const std::string data(1024, 'x');
  const auto log = *recorder.Open("log", {.create = true});
  EXPECT_TRUE(recorder.SyncDirectory("").has_value());
  EXPECT_TRUE(log->Write(0, std::as_bytes(std::span(data))).has_value());
  EXPECT_TRUE(log->Write(0, std::as_bytes(std::span(data))).has_value());
  EXPECT_TRUE(log->Write(1024, std::as_bytes(std::span(data))).has_value());
  return recorder.trace();
}

class Findings : public testing::Test {
 protected:
  void Add(ViolationClass violation, Chosen chosen, const std::string& message = "m",
           Window window = {1, 2}) {
    PointResult result;
    result.position = trace_.ops.size();
    result.window = window;
    result.violations.push_back({.violation = {violation, message}, .chosen = std::move(chosen)});
    collector_.Add(result, settings_);
  }
  // Returns: "count signature" for each finding.
  std::vector<std::string> Counted() const {
    std::vector<std::string> counted;
    for (const auto& [signature, draft] : collector_.drafts()) {
      counted.push_back(std::to_string(draft.count) + " " + signature);
    }
    return counted;
  }

  const Trace trace_ = HandMade();
  ExploreSettings settings_;
  FindingCollector collector_{trace_, FragileLogType()};
};

constexpr ViolationClass kLost = ViolationClass::kLostCommit;

// With the last write kept, nothing weaker than a power cut explains what is lost.
const std::pair<AtomId, bool> kLastKept = {Data(4, 0), true};

TEST_F(Findings, AreOneForEachSignature) {
  EXPECT_TRUE(collector_.empty());
  Add(kLost, {{Data(3, 0), false}, kLastKept});
  Add(kLost, {{Data(3, 1), false}, kLastKept});
  Add(kLost, {{Size(4), false}});
  Add(ViolationClass::kHole, {{Data(3, 0), false}, kLastKept});
  Add(kLost, {});
  EXPECT_FALSE(collector_.empty());
  EXPECT_THAT(Counted(), ElementsAre("1 hole: write(log)", "1 lost-commit: nothing lost",
                                     "1 lost-commit: size(log)", "2 lost-commit: write(log)"));
}

TEST_F(Findings, KeepTheSmallestReproductionAndTheFirstOfEquals) {
  const Chosen two = {{Data(2, 0), false}, {Data(3, 0), false}, kLastKept};
  Add(kLost, two, "two", {1, 2});
  Add(kLost, {{Data(3, 0), false}, kLastKept}, "one", {1, 2});
  Add(kLost, {{Data(3, 1), false}, kLastKept}, "other one", {1, 2});
  Add(kLost, two, "two again", {1, 2});
  ASSERT_THAT(collector_.drafts(), SizeIs(1));
  const FindingDraft& draft = collector_.drafts().begin()->second;
  EXPECT_EQ(draft.count, 4u);
  EXPECT_EQ(draft.violation.message, "one");
  Add(kLost, two, "fewer transactions", {0, 1});
  EXPECT_EQ(collector_.drafts().begin()->second.violation.message, "fewer transactions");
  EXPECT_EQ(collector_.drafts().begin()->second.count, 5u);
}

TEST_F(Findings, AreReproducedByTheWeakestFaultThatReachesThem) {
  Add(kLost, {{Data(4, 0), false}});
  const FindingDraft& draft = collector_.drafts().begin()->second;
  EXPECT_EQ(draft.level, FaultLevel::kPowerCutOrdered);
  EXPECT_EQ(draft.settings.model->name, "ordered");
  EXPECT_EQ(draft.settings.tear, Tear::kNone);
  EXPECT_THAT(draft.complete.lost, ElementsAre(Data(4, 0), Size(4)));
}

TEST_F(Findings, FoldDropsWhatLosesMoreThanAnotherOfItsClass) {
  Add(kLost, {{Data(3, 0), false}, kLastKept});
  Add(kLost, {{Data(3, 0), false}, {Size(4), false}, kLastKept});
  Add(ViolationClass::kHole, {{Data(3, 0), false}, {Size(4), false}, kLastKept});
  EXPECT_THAT(Counted(),
              ElementsAre("1 hole: size(log) write(log)", "1 lost-commit: size(log) write(log)",
                          "1 lost-commit: write(log)"));
  collector_.Fold();
  EXPECT_THAT(Counted(), ElementsAre("1 hole: size(log) write(log)", "2 lost-commit: write(log)"));
}

TEST_F(Findings, FoldKeepsWhatAWeakerFaultReaches) {
  Add(kLost, {{Data(3, 0), false}, {Data(3, 1), true}});  // a torn write
  Add(kLost, {{Data(2, 0), false}, {Size(2), false}});    // a lost tail
  collector_.Fold();
  EXPECT_THAT(Counted(),
              ElementsAre("1 lost-commit: size(log) write(log)", "1 lost-commit: write(log)"));
}

TEST_F(Findings, ALossOfNothingExplainsEveryOther) {
  Add(kLost, {{Data(3, 0), false}, kLastKept});
  Add(kLost, {});
  collector_.Fold();
  EXPECT_THAT(Counted(), ElementsAre("2 lost-commit: nothing lost"));
}

TEST_F(Findings, ComeWithTheWeakestPromiseFirstAndAllTheirFacts) {
  Add(kLost, {{Data(3, 0), false}, {Data(3, 1), true}}, "gone", {1, 2});
  Add(ViolationClass::kRefusesToOpen, {{Size(4), false}}, "bad magic", {0, 1});
  const std::vector<Finding> findings = collector_.Findings();
  ASSERT_THAT(findings, SizeIs(2));
  EXPECT_EQ(findings[0].violation, ViolationClass::kRefusesToOpen);
  EXPECT_THAT(findings[0].lost, ElementsAre("#4 size of log up to 2048"));
  EXPECT_THAT(findings[0].models, SizeIs(Models().size()));
  const Finding& finding = findings[1];
  EXPECT_EQ(finding.signature, "lost-commit: write(log)");
  EXPECT_EQ(finding.message, "gone");
  EXPECT_EQ(finding.crash_point, 5u);
  EXPECT_EQ(finding.transactions_acknowledged, 1u);
  EXPECT_EQ(finding.transactions_attempted, 2u);
  EXPECT_THAT(finding.lost, ElementsAre("#3 write log 0+1024 (sectors 0 of 2)"));
  EXPECT_THAT(finding.kept, ElementsAre("#2 write log 0+1024", "#2 size of log up to 1024",
                                        "#3 write log 0+1024 (sectors 1 of 2)",
                                        "#4 write log 1024+1024", "#4 size of log up to 2048"));
  EXPECT_THAT(finding.models, ElementsAre("posix-minimal", "somc", "ext4-writeback", "ext4-ordered",
                                          "xfs", "ext4-ordered-classic"));
  EXPECT_THAT(finding.contract_models, IsEmpty());
  EXPECT_EQ(finding.fault_level, FaultLevel::kTornWrite);
  EXPECT_EQ(finding.count, 1u);
  EXPECT_EQ(finding.case_path, "");
}

// One violation needs a torn page, the other does not: btrfs tears none.
TEST_F(Findings, BiteOnEachModelThatAdmitsOneOfTheirViolations) {
  const Chosen torn = {{Data(3, 0), false}, {Data(3, 1), true}, kLastKept};
  const Chosen whole = {{Data(3, 0), false},
                        {Data(3, 1), false},
                        {Data(4, 0), false},
                        {Data(4, 1), false},
                        {Size(4), true}};
  Add(kLost, torn);
  EXPECT_THAT(collector_.ModelsSeen(), Not(Contains("btrfs")));
  EXPECT_THAT(collector_.ModelsSeen(), Contains("xfs"));
  Add(kLost, whole);
  ASSERT_THAT(collector_.drafts(), SizeIs(1));
  EXPECT_THAT(collector_.drafts().begin()->second.models, Contains("posix-minimal"));
  EXPECT_THAT(collector_.ModelsSeen(), Contains("btrfs"));
}

// Where reads are not seen, what was chosen is not the whole reason: without what was kept beside
// it the store may be sound.
TEST_F(Findings, BiteWhereAStateOfTheModelWasSeenToBeViolated) {
  const auto add = [&] {
    PointResult result;
    result.position = trace_.ops.size();
    Chosen whole = {{Data(3, 0), false}, {Data(3, 1), true}, {Size(4), true},   {Data(4, 0), true},
                    {Data(4, 1), true},  {Data(2, 0), true}, {Data(2, 1), true}};
    result.violations.push_back(
        {.violation = {kLost, "m"}, .chosen = {{Data(3, 0), false}}, .seen = {std::move(whole)}});
    collector_.Add(result, settings_);
    return collector_.ModelsSeen();
  };
  EXPECT_THAT(add(), Contains("posix-minimal"));
  EXPECT_THAT(add(), Contains("xfs"));
  EXPECT_THAT(add(), Not(Contains("ext4-journal")));
  std::vector<size_t> asked;
  bool is_violated = false;
  collector_.ConfirmWith([&](const ChosenState& /*state*/, const CompleteState& complete,
                             const Window& /*window*/, ViolationClass kind,
                             const ExploreSettings& settings) {
    EXPECT_EQ(kind, kLost);
    if (settings.model->name == "ext4-journal") asked.push_back(complete.lost.size());
    return is_violated;
  });
  EXPECT_THAT(add(), Not(Contains("ext4-journal")));
  EXPECT_THAT(asked, SizeIs(2));  // the state that loses least, and the one that loses most
  is_violated = true;
  EXPECT_THAT(add(), Contains("ext4-journal"));
}

TEST_F(Findings, BiteOnTheModelThatTheyWereFoundUnder) {
  settings_.model = FindModel("ext4-journal");
  Add(kLost, {{Data(4, 0), false}});
  EXPECT_THAT(collector_.ModelsSeen(), Contains("ext4-journal"));
  const FindingDraft& draft = collector_.drafts().begin()->second;
  EXPECT_EQ(draft.settings.model->name, "ordered");
  settings_.model = ParseModel("btrfs,profile=contract").value();
  Add(ViolationClass::kHole, {{Size(4), true}, {Data(2, 0), false}});
  EXPECT_EQ(collector_.drafts().begin()->second.settings.tear, Tear::kNone);
}

// What is folded away must not take a model with it that the rest does not bite on.
TEST_F(Findings, FoldKeepsWhatBitesElsewhere) {
  Add(kLost, {{Data(3, 0), false}, {Data(3, 1), true}, {Data(2, 0), true}, kLastKept});
  settings_.tear = Tear::kPages;
  Add(kLost, {{Data(3, 0), false}, {Size(4), false}});
  const size_t before = collector_.drafts().size();
  collector_.Fold();
  EXPECT_EQ(collector_.drafts().size(), before);
  EXPECT_EQ(before, 2u);
}

// Whoever tracks findings over time relies on their names.
TEST(FindingId, IsTheSameForeverForASignature) {
  FindingDraft draft;
  draft.signature = "lost-commit: write(log)";
  draft.violation.violation = kLost;
  EXPECT_EQ(FindingId(draft), "lost-commit-7a7d50c7");
  draft.window = {5, 6};
  draft.violation.message = "another";
  EXPECT_EQ(FindingId(draft), "lost-commit-7a7d50c7");
  draft.signature = "lost-commit: write(log) ";
  EXPECT_NE(FindingId(draft), "lost-commit-7a7d50c7");
}

}  // namespace
}  // namespace plugpull
