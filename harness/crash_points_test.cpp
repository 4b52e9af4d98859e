// Goal: the crash points left out show nothing that those explored do not show.
//
// Method: traces made by hand, for each shape of a model and each kind of promise; then broken
// engines, searched at every position and at the crash points only.
#include "harness/crash_points.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "harness/testing.h"

namespace plugpull {
namespace {

using testing::Contains;
using testing::ElementsAre;

constexpr InodeId kFile = 2;

const Model& ClosedSets() { return *FindModel("posix-minimal"); }
const Model& Prefixes() { return *FindModel("ordered"); }
const Model& Everything() { return *FindModel("process-kill"); }

// Makes a trace of a list of letters: w write, s sync, d data sync, S sync of the directory, B
// begin, A acknowledge.
Trace TraceOfLetters(std::string_view letters) {
  Trace trace;
  uint32_t transaction = 0;
  for (const char letter : letters) {
    Op op{.inode = kFile};
    if (letter == 'B') trace.transactions.push_back(Delete("k"));
    if (letter == 'b') trace.transactions.push_back(Put("k", std::to_string(transaction)));
    if (letter == 'B' || letter == 'b') ++transaction;
    switch (letter) {
      case 's':
        op.kind = OpKind::kSync;
        break;
      case 'd':
        op.kind = OpKind::kDataSync;
        break;
      case 'S':
        op.kind = OpKind::kSyncDirectory;
        break;
      case 'B':
      case 'b':
        op = {.kind = OpKind::kBegin, .transaction = transaction};
        break;
      case 'A':
        op = {.kind = OpKind::kAcknowledge, .transaction = transaction};
        break;
      default:
        op.kind = OpKind::kWrite;
    }
    trace.ops.push_back(op);
  }
  return trace;
}

std::vector<size_t> Points(std::string_view letters, const Model& model, Promise promise) {
  return CrashPoints(TraceOfLetters(letters), model, promise);
}

TEST(CrashPoints, AnEmptyTraceHasOne) {
  for (const Model& model : Models()) {
    EXPECT_THAT(Points("", model, Promise::kDurable), ElementsAre(0));
  }
}

TEST(CrashPoints, AreTheEndsOfEpochsWhereSomethingWasIssued) {
  for (const Model* model : {&ClosedSets(), &Prefixes()}) {
    EXPECT_THAT(Points("wwswwdS", *model, Promise::kPrefix), ElementsAre(2, 5, 7));
    EXPECT_THAT(Points("wwwww", *model, Promise::kPrefix), ElementsAre(5));
    EXPECT_THAT(Points("wsss", *model, Promise::kPrefix), ElementsAre(1, 4));
  }
}

TEST(CrashPoints, AnAcknowledgementIsNewsOnlyWhereDurabilityIsPromised) {
  //                      0123456789
  const char* letters = "BwsAsBwAsA";
  EXPECT_THAT(Points(letters, ClosedSets(), Promise::kDurable), ElementsAre(0, 2, 4, 7, 8, 10));
  EXPECT_THAT(Points(letters, ClosedSets(), Promise::kPrefix), ElementsAre(0, 2, 8, 10));
}

TEST(CrashPoints, ABeginEndsAnEpochOnlyWhereItsTransactionMayRepeatThePast) {
  EXPECT_THAT(Points("bwAbwA", ClosedSets(), Promise::kDurable), ElementsAre(2, 5, 6));
  EXPECT_THAT(Points("bwABwA", ClosedSets(), Promise::kDurable), ElementsAre(2, 3, 5, 6));
  EXPECT_THAT(Points("bwABwA", ClosedSets(), Promise::kPrefix), ElementsAre(3, 6));
}

TEST(CrashPoints, WhereEverythingSurvivesEachOperationIsOne) {
  EXPECT_THAT(Points("BwwsBwA", Everything(), Promise::kPrefix), ElementsAre(0, 2, 4, 7));
  EXPECT_THAT(Points("BwAw", Everything(), Promise::kDurable), ElementsAre(0, 3, 4));
}

TEST(CrashPoints, AscendAndEndWithTheTrace) {
  Random random(1, "points");
  for (int i = 0; i < 300; ++i) {
    std::string letters;
    for (uint64_t k = random.Below(30); k > 0; --k) letters.push_back("wwwsdSBAb"[random.Below(9)]);
    for (const Model& model : Models()) {
      for (const Promise promise : {Promise::kOpens, Promise::kPrefix, Promise::kDurable}) {
        const std::vector<size_t> points = Points(letters, model, promise);
        EXPECT_TRUE(std::ranges::is_sorted(points, std::less_equal<>())) << letters;
        EXPECT_EQ(std::ranges::adjacent_find(points), points.end()) << letters;
        EXPECT_EQ(points.back(), letters.size());
      }
    }
  }
}

// Returns: the points of a trace of these operations under `model`, when only what survives counts.
std::vector<size_t> PointsOf(std::vector<Op> ops, const Model& model = ClosedSets()) {
  Trace trace;
  trace.ops = std::move(ops);
  return CrashPoints(trace, model, Promise::kPrefix);
}
Op OfKind(OpKind kind, int32_t result_errno = 0) {
  return {.kind = kind, .result_errno = result_errno, .inode = kFile};
}

TEST(CrashPoints, EveryKindOfSyncEndsAnEpoch) {
  for (const OpKind kind : {OpKind::kSync, OpKind::kDataSync, OpKind::kSyncDirectory,
                            OpKind::kSyncMapped, OpKind::kSyncAll, OpKind::kSyncWrite}) {
    EXPECT_TRUE(IsSync(kind));
    EXPECT_THAT(PointsOf({OfKind(OpKind::kWrite), OfKind(kind), OfKind(kind)}), ElementsAre(1, 3))
        << Name(kind);
  }
}

TEST(CrashPoints, SyncingARangeIsNothing) {
  EXPECT_FALSE(IsSync(OpKind::kSyncRange));
  EXPECT_THAT(PointsOf({OfKind(OpKind::kWrite), OfKind(OpKind::kSyncRange), OfKind(OpKind::kWrite),
                        OfKind(OpKind::kSync)}),
              ElementsAre(3, 4));
  // Nor does it add a state where each operation is a point of its own.
  EXPECT_THAT(PointsOf({OfKind(OpKind::kSyncRange), OfKind(OpKind::kSyncRange)}, Everything()),
              ElementsAre(2));
}

TEST(CrashPoints, EveryOtherKindIsAChange) {
  for (uint8_t i = 0; i <= static_cast<uint8_t>(kLastOpKind); ++i) {
    const OpKind kind = static_cast<OpKind>(i);
    const bool is_none = IsSync(kind) || kind == OpKind::kSyncRange || kind == OpKind::kBegin ||
                         kind == OpKind::kAcknowledge || kind == OpKind::kUnmodelled;
    if (is_none) continue;
    EXPECT_THAT(PointsOf({OfKind(OpKind::kSync), OfKind(kind), OfKind(OpKind::kSync)}),
                ElementsAre(0, 2, 3))
        << Name(kind);
  }
}

TEST(CrashPoints, AFailedSyncHasDroppedSomething) {
  const Op sync = OfKind(OpKind::kSync);
  const Op failed = OfKind(OpKind::kSync, EIO);
  EXPECT_THAT(PointsOf({OfKind(OpKind::kWrite), sync, sync}), ElementsAre(1, 3));
  EXPECT_THAT(PointsOf({OfKind(OpKind::kWrite), failed, sync}), ElementsAre(1, 2, 3));
}

TEST(CrashPoints, SynchronousMetadataEndsAnEpoch) {
  Model wsync = ClosedSets();
  wsync.synchronous_metadata = true;
  const std::vector<Op> ops = {OfKind(OpKind::kWrite), OfKind(OpKind::kRename),
                               OfKind(OpKind::kWrite), OfKind(OpKind::kWrite),
                               OfKind(OpKind::kTruncate)};
  EXPECT_THAT(PointsOf(ops), ElementsAre(5));
  EXPECT_THAT(PointsOf(ops, wsync), ElementsAre(1, 4, 5));
}

TEST(CrashPoints, NothingIsSaidOfWhatComesAfterACallThatIsNotModelled) {
  const Op write = OfKind(OpKind::kWrite);
  const Op sync = OfKind(OpKind::kSync);
  EXPECT_THAT(PointsOf({write, sync, write, OfKind(OpKind::kUnmodelled), write, sync}),
              ElementsAre(1, 3));
  EXPECT_THAT(PointsOf({OfKind(OpKind::kUnmodelled), write}), ElementsAre(0));
  EXPECT_THAT(PointsOf({write, sync, OfKind(OpKind::kUnmodelled, ENOTTY), sync}),
              ElementsAre(1, 3, 4));
}

// What was synced is in the log without what came before it, which no earlier point shows.
TEST(CrashPoints, OfACommitAndLogAreAlsoAfterSyncs) {
  EXPECT_THAT(Points("wwswdS", *FindModel("btrfs"), Promise::kPrefix), ElementsAre(2, 4, 5, 6));
  EXPECT_THAT(Points("wsss", *FindModel("btrfs"), Promise::kPrefix), ElementsAre(1, 2, 3, 4));
}

TEST(CrashPoints, AFailedSyncIsNoticedWhateverKindItIs) {
  Trace trace;
  trace.ops = {{.kind = OpKind::kCreate, .inode = 2, .directory = 1, .name = "f"},
               {.kind = OpKind::kWrite, .result_errno = 5, .inode = 2},
               {.kind = OpKind::kDataSync, .inode = 2}};
  EXPECT_FALSE(HasFailedSync(trace));
  for (const OpKind kind : {OpKind::kSync, OpKind::kDataSync, OpKind::kSyncMapped}) {
    trace.ops.back() = {.kind = kind, .result_errno = 5, .inode = 2};
    EXPECT_TRUE(HasFailedSync(trace));
  }
}

TEST(CrashPoints, WhereATruncateWaitsForTheRewriteEachWriteOfItIsOne) {
  Model strict = *FindModel("ext4-ordered");
  strict.truncate_flush = Flush::kStrict;
  const Op write = OfKind(OpKind::kWrite);
  const std::vector<Op> ops = {write, write, OfKind(OpKind::kTruncate), write, write};
  EXPECT_THAT(PointsOf(ops, *FindModel("ext4-ordered")), ElementsAre(5));
  EXPECT_THAT(PointsOf(ops, strict), ElementsAre(3, 4, 5));
}

// --- What the points left out would have shown ---

// Returns: the classes that a search of these positions finds.
std::set<ViolationClass> ClassesAt(const Trace& trace, const std::string& target_text,
                                   const std::vector<size_t>& positions,
                                   const ExploreSettings& settings) {
  const Expected<Target> target = ParseTarget(target_text);
  const ReferenceModel model(trace.transactions);
  LocalSearch search;
  PointExplorer explorer(trace, *target, model, settings, search.state());
  std::set<ViolationClass> classes;
  for (const size_t position : positions) {
    for (const PointViolation& found : explorer.Explore(position, {}).violations) {
      classes.insert(found.violation.violation);
    }
  }
  return classes;
}

std::vector<size_t> EveryPosition(const Trace& trace) {
  std::vector<size_t> positions;
  for (size_t i = 0; i <= trace.ops.size(); ++i) positions.push_back(i);
  return positions;
}

struct Broken {
  std::string target;
  std::string model;
  Promise promise;
};

class BrokenEngines : public testing::TestWithParam<Broken> {};

TEST_P(BrokenEngines, ShowNoFurtherClassAtTheOtherPositions) {
  const auto& [target, model_name, promise] = GetParam();
  const Trace trace = SmallTrace(target, 5, 2);
  const Model& model = *FindModel(model_name);
  const ExploreSettings settings{.target = target,
                                 .model = &model,
                                 .promise = promise,
                                 .keys = 6,
                                 .per_class = 2,
                                 .recoveries_per_point = 300};
  const auto chosen = ClassesAt(trace, target, CrashPoints(trace, model, promise), settings);
  const auto all = ClassesAt(trace, target, EveryPosition(trace), settings);
  EXPECT_FALSE(all.empty());
  EXPECT_TRUE(std::ranges::includes(chosen, all));
}

INSTANTIATE_TEST_SUITE_P(
    CowTree, BrokenEngines,
    testing::Values(Broken{"cow_tree:mutant=M1", "posix-minimal", Promise::kDurable},
                    Broken{"cow_tree:mutant=M2", "posix-minimal", Promise::kDurable},
                    Broken{"cow_tree:mutant=M2", "ordered", Promise::kAtomic},
                    Broken{"cow_tree:mutant=M2", "process-kill", Promise::kDurable},
                    Broken{"cow_tree:mutant=M19", "posix-minimal", Promise::kDurable},
                    Broken{"fragile_log:sync=0", "posix-minimal", Promise::kDurable}));

// Transaction 2 takes back what transaction 1 did, so that a lost transaction 1 looks like a done
// transaction 2 as soon as that has begun.
TEST(CrashPoints, ALossIsSeenBeforeTheNextTransactionExcusesIt) {
  const std::string target = "fragile_log:sync=0";
  const std::vector<std::vector<Transaction>> histories = {
      {Put("k", "v"), Delete("k")},
      {Put("k", "1"), Put("k", "2"), Put("k", "1")},
      {Put("k", "1"),
       {.changes = {{"k", "2"}, {"j", "2"}}},
       {.changes = {{"j", std::nullopt}, {"k", "1"}}}}};
  for (const std::vector<Transaction>& history : histories) {
    // All but the loss of the transaction before the last is legal or seen at the end as well.
    const Trace trace = TraceOf(target, history);
    const auto before_last = static_cast<uint32_t>(history.size() - 1);
    const ReferenceModel model(trace.transactions);
    const Target parsed = *ParseTarget(target);
    const ExploreSettings settings{.target = target, .per_class = 100};
    LocalSearch search;
    PointExplorer explorer(trace, parsed, model, settings, search.state());
    bool seen = false;
    for (const size_t position : CrashPoints(trace, ClosedSets(), Promise::kDurable)) {
      const PointResult result = explorer.Explore(position, {});
      const Window& window = result.window;
      seen = seen || (window.acknowledged == before_last && window.attempted == before_last &&
                      !result.violations.empty());
    }
    EXPECT_TRUE(seen) << history.size();
  }
}

}  // namespace
}  // namespace plugpull
