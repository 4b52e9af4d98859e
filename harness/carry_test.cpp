// Goal: the next cycle begins with exactly what a crash of the one before it left, and with the
// history that this shows: its files, its transactions, its windows, its contents.
#include "harness/carry.h"

#include <gtest/gtest.h>

#include <set>

#include "faults/persistence/materialise.h"
#include "faults/trace/snapshot_mark.h"
#include "faults/trace/validate.h"
#include "harness/case_file.h"
#include "harness/crash_points.h"
#include "harness/testing.h"

namespace plugpull {
namespace {

const std::vector<Transaction> kNext = {Put("n", "1"), Put("n", "2")};

class Carry : public testing::TestWithParam<const char*> {
 protected:
  Carry() : trace_(SmallTrace(GetParam(), 12)) { settings_.target = GetParam(); }

  Trace trace_;
  ExploreSettings settings_;
};

TEST_P(Carry, AStartShowsWhatTheCrashLeft) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed);
    const CrashPick pick = PickCrash(trace_, settings_, random);
    const Trace start = StartFrom(trace_, pick, pick.window.acknowledged, kNext);
    ASSERT_TRUE(ValidateTrace(start).has_value()) << Describe(ValidateTrace(start).error());
    const Image left = Materialise(trace_, pick.state.position, pick.lost, pick.state.tear);
    EXPECT_TRUE(Materialise(start, start.ops.size(), {}, Tear::kNone).LooksLike(left)) << seed;
    EXPECT_EQ(SnapshotEnd(start), start.ops.size());
  }
}

TEST_P(Carry, AStartHasTheHistoryThatWasRecovered) {
  Random random(1);
  const CrashPick pick = PickCrash(trace_, settings_, random);
  const ReferenceModel before(trace_.transactions);
  for (uint32_t recovered = 0; recovered <= pick.window.attempted; ++recovered) {
    const Trace start = StartFrom(trace_, pick, recovered, kNext);
    const uint32_t undone = pick.window.attempted - recovered;
    EXPECT_EQ(UndoneCount(start), undone);
    ASSERT_EQ(start.transactions.size(), recovered + kNext.size() + undone);
    const ReferenceModel model(start.transactions, undone);
    ASSERT_EQ(model.transactions(), recovered + kNext.size());
    EXPECT_EQ(start.transactions[model.transactions() - 1], kNext.back());
    EXPECT_EQ(model.After(recovered), before.After(recovered));
    EXPECT_EQ(model.DigestAfter(recovered, kNext),
              DigestOf(model.After(recovered + static_cast<uint32_t>(kNext.size()))));
    CrashCursor cursor(start, *settings_.model);
    cursor.AdvanceTo(start.ops.size());
    EXPECT_EQ(cursor.transactions_acknowledged(), recovered);
    EXPECT_EQ(cursor.transactions_attempted(), recovered);
  }
}

TEST_P(Carry, NoCrashComesBeforeTheStart) {
  Random random(2);
  const CrashPick pick = PickCrash(trace_, settings_, random);
  const uint32_t recovered = pick.window.acknowledged;
  const Trace start = StartFrom(trace_, pick, recovered, kNext);
  for (const Model& model : Models()) {
    EXPECT_EQ(CrashPoints(start, model, Promise::kDurable), std::vector{start.ops.size()});
  }
  const Expected<Trace> next = ContinueHere(GetParam(), start);
  ASSERT_TRUE(next.has_value()) << Describe(next.error());
  EXPECT_TRUE(ValidateTrace(*next).has_value()) << Describe(ValidateTrace(*next).error());
  EXPECT_EQ(SnapshotEnd(*next), start.ops.size());
  EXPECT_EQ(UndoneCount(*next), pick.window.attempted - recovered);
  const Trace cut = CutTrace(*next, start.ops.size(), recovered);
  EXPECT_EQ(cut.transactions.size(), recovered + UndoneCount(*next));
  EXPECT_EQ(UndoneCount(cut), UndoneCount(*next));
  EXPECT_TRUE(std::equal(start.ops.begin(), start.ops.end(), next->ops.begin()));
  const std::vector<size_t> points =
      CrashPoints(*next, *FindModel("posix-minimal"), Promise::kDurable);
  EXPECT_GE(points.front(), start.ops.size());
  EXPECT_GT(points.size(), 1u);
  CrashCursor cursor(*next, *settings_.model);
  cursor.AdvanceTo(points.front());
  EXPECT_GE(cursor.transactions_acknowledged(), recovered);
  cursor.AdvanceTo(next->ops.size());
  EXPECT_EQ(cursor.transactions_acknowledged(), recovered + kNext.size());
}

TEST_P(Carry, APickIsTheSameForTheSameSeedAndLosesWhatTheModelCanLose) {
  StateInspector inspector(trace_, *ParseTarget(GetParam())->type);
  std::set<std::pair<size_t, size_t>> kinds;
  size_t undecided = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    Random one(seed);
    Random other(seed);
    const CrashPick pick = PickCrash(trace_, settings_, one);
    const CrashPick again = PickCrash(trace_, settings_, other);
    EXPECT_EQ(pick.state.position, again.state.position);
    EXPECT_EQ(pick.lost, again.lost);
    EXPECT_TRUE(inspector.Admits(pick.state, *settings_.model, pick.state.tear));
    kinds.emplace(pick.state.position, pick.lost.size());
    if (!pick.state.chosen.empty()) ++undecided;
    const CrashPick least = LoseNothing(trace_, settings_, pick);
    EXPECT_EQ(least.state.position, pick.state.position);
    EXPECT_EQ(least.window.attempted, pick.window.attempted);
    EXPECT_TRUE(inspector.Admits(least.state, *FindModel("process-kill"), least.state.tear));
  }
  EXPECT_GT(kinds.size(), 10u);
  EXPECT_GT(undecided, 30u);
}

INSTANTIATE_TEST_SUITE_P(Targets, Carry,
                         testing::Values("cow_tree", "sqlite:journal=delete,sync=extra",
                                         "sqlite:journal=wal,sync=full", "files:protocol=manifest"),
                         [](const auto& test) { return "Target" + std::to_string(test.index); });

}  // namespace
}  // namespace plugpull
