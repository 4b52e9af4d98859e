// Goal: the search of one crash point covers every crash state, unless a bound ends it, which it
// then says; and it is never sure of an engine that is not deterministic.
#include "harness/point_explorer.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/crash_points.h"
#include "harness/testing.h"

namespace plugpull {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// One way of searching one trace.
class Search {
 public:
  Search(const Trace& trace, const std::string& target_text, ExploreSettings settings = {})
      : Search(trace, *ParseTarget(target_text), std::move(settings)) {}
  Search(const Trace& trace, Target target, ExploreSettings settings)
      : target_(std::move(target)),
        model_(trace.transactions),
        settings_(std::move(settings)),
        explorer_(trace, target_, model_, settings_, memory.state()) {}

  PointResult Explore(size_t position, const std::vector<DeadlyPath>& deadly = {}) {
    return explorer_.Explore(position, deadly);
  }

  LocalSearch memory;

 private:
  Target target_;
  ReferenceModel model_;
  ExploreSettings settings_;
  PointExplorer explorer_;
};

ExploreSettings Prefix() { return {.promise = Promise::kPrefix, .keys = 6}; }

TEST(PointExplorer, CoversEveryStateOfAPointThatHolds) {
  for (const char* target : {"cow_tree", "sqlite:journal=wal,sync=full", "fragile_log"}) {
    const Trace trace = SmallTrace(target, 4);
    for (const Model& model : Models()) {
      Search search(trace, target, {.model = &model, .keys = 6});
      for (const size_t position : CrashPoints(trace, model, Promise::kDurable)) {
        const PointResult result = search.Explore(position);
        EXPECT_EQ(result.position, position);
        EXPECT_TRUE(result.exhausted) << target << " " << position;
        EXPECT_TRUE(result.exact);
        EXPECT_EQ(result.covered, result.total) << target << " " << position;
        EXPECT_GT(result.recoveries, 0u);
        EXPECT_EQ(result.bound, "");
        EXPECT_THAT(result.violations, IsEmpty());
        EXPECT_THAT(result.unknown, IsEmpty());
        if (model.shape == Shape::kEverything) {
          EXPECT_EQ(result.total, "1");
        }
      }
    }
  }
}

TEST(PointExplorer, TheWindowIsThatOfThePoint) {
  const Trace trace = TraceOf("fragile_log", {Put("a", "1"), Put("b", "2")});
  Search search(trace, "fragile_log");
  const auto begin = std::ranges::find_if(
      trace.ops, [](const Op& op) { return op.kind == OpKind::kBegin && op.transaction == 2; });
  const size_t position = static_cast<size_t>(begin - trace.ops.begin());
  const Window before = search.Explore(position).window;
  EXPECT_EQ(before.acknowledged, 1u);
  EXPECT_EQ(before.attempted, 1u);
  EXPECT_EQ(search.Explore(position + 1).window.attempted, 2u);
  EXPECT_EQ(search.Explore(trace.ops.size()).window.acknowledged, 2u);
}

TEST(PointExplorer, ResultsDoNotDependOnTheOrderOfThePoints) {
  const Trace trace = SmallTrace("cow_tree:mutant=M1", 4);
  Search forward(trace, "cow_tree:mutant=M1");
  Search backward(trace, "cow_tree:mutant=M1");
  std::vector<std::string> ahead;
  std::vector<std::string> back;
  const auto say = [](const PointResult& result) {
    return fmt::format("{} {} {} {} {}", result.position, result.covered, result.recoveries,
                       result.violation_count, result.uses);
  };
  for (size_t i = 0; i <= trace.ops.size(); ++i) ahead.push_back(say(forward.Explore(i)));
  for (size_t i = trace.ops.size() + 1; i-- > 0;) back.push_back(say(backward.Explore(i)));
  std::ranges::reverse(back);
  EXPECT_EQ(ahead, back);
}

// A log that promises too much: in most states of its end something acknowledged is gone.
Trace Forgetful() { return SmallTrace("fragile_log:sync=0", 40); }

TEST(PointExplorer, LeavesAPointWhoseClassIsFull) {
  const Trace trace = Forgetful();
  for (const uint32_t per_class : {1U, 3U}) {
    Search search(trace, "fragile_log:sync=0", {.keys = 6, .per_class = per_class, .depth = 1});
    const PointResult result = search.Explore(trace.ops.size());
    EXPECT_EQ(result.bound, "per-class");
    EXPECT_FALSE(result.exhausted);
    EXPECT_EQ(result.violations.size(), per_class);
    EXPECT_GE(result.violation_count, per_class);
    for (const PointViolation& violation : result.violations) {
      EXPECT_EQ(violation.violation.violation, ViolationClass::kLostCommit);
      EXPECT_GT(violation.lost_atoms, 0u);
      EXPECT_FALSE(violation.chosen.empty());
    }
  }
}

TEST(PointExplorer, PatienceIsCountedInRecoveriesSinceTheLastNewClass) {
  const Trace trace = Forgetful();
  std::vector<uint64_t> recoveries;
  for (const uint32_t patience : {5U, 20U}) {
    Search search(trace, "fragile_log:sync=0", {.keys = 6, .per_class = 1, .patience = patience});
    recoveries.push_back(search.Explore(trace.ops.size()).recoveries);
  }
  EXPECT_EQ(recoveries[1], recoveries[0] + 15);
}

TEST(PointExplorer, StopsAfterTheRecoveriesAllowed) {
  const Trace trace = Forgetful();
  for (const uint64_t most : {1U, 7U, 64U}) {
    ExploreSettings settings = Prefix();
    settings.recoveries_per_point = most;
    Search search(trace, "fragile_log:sync=0", settings);
    const PointResult result = search.Explore(trace.ops.size());
    const uint64_t recoveries = result.recoveries + result.deeper.at(0).recoveries;
    EXPECT_EQ(result.bound, "recoveries");
    EXPECT_GE(recoveries, most);
    EXPECT_LE(recoveries - result.probes, most);
    EXPECT_FALSE(result.exhausted);
    EXPECT_EQ(search.memory.recoveries, recoveries);
  }
}

TEST(PointExplorer, StopsWhenAskedTo) {
  const Trace trace = Forgetful();
  Search search(trace, "fragile_log:sync=0", Prefix());
  search.memory.stop = true;
  const PointResult result = search.Explore(trace.ops.size());
  EXPECT_EQ(result.bound, "stopped");
  EXPECT_EQ(result.recoveries, 1u);
  EXPECT_FALSE(result.exhausted);
}

TEST(PointExplorer, SaysNothingIsUnderWayOnceItIsDone) {
  const Trace trace = SmallTrace("fragile_log", 2);
  Search search(trace, "fragile_log");
  search.Explore(trace.ops.size());
  EXPECT_EQ(search.memory.started_ns, 0u);
  EXPECT_EQ(search.memory.probe, 0u);
}

TEST(PointExplorer, LongSearchesTryRandomStatesThatCountForNothing) {
  // Its search takes the square of the transactions; with sanitizers, of fewer.
  const bool is_sanitized = !std::string_view(PLUGPULL_SANITIZE).empty();
  const Trace trace = is_sanitized ? SmallTrace("fragile_log:sync=0", 20) : Forgetful();
  ExploreSettings settings = Prefix();
  Search search(trace, "fragile_log:sync=0", settings);
  const PointResult result = search.Explore(trace.ops.size());
  EXPECT_TRUE(result.exhausted);
  EXPECT_EQ(result.probes, 24u);
  EXPECT_GT(result.recoveries, 64u + 24u);
  EXPECT_EQ(result.covered, result.total);
  EXPECT_GT(result.reruns, 0u);
  EXPECT_GT(result.uses, 0u);
}

// --- Engines that are not deterministic ---

TEST(PointExplorer, AnEngineThatAsksInAnotherOrderEachTimeIsUnknown) {
  const Trace trace = SmallTrace("fragile_log:sync=0", 4);
  Search search(trace, "fragile_log:sync=0,how=flaky", Prefix());
  const PointResult result = search.Explore(trace.ops.size());
  ASSERT_FALSE(result.unknown.empty());
  EXPECT_THAT(result.unknown[0], HasSubstr("nondeterministic: "));
  EXPECT_FALSE(result.exhausted);
}

// Shows the contents of another engine, except that each second scan leaves a key out.
class Forgetting final : public Engine {
 public:
  Forgetting(std::unique_ptr<Engine> inner, uint64_t& scans)
      : inner_(std::move(inner)), scans_(scans) {}

  Expected<void> Open() override { return inner_->Open(); }
  Expected<void> Apply(const Transaction& transaction) override {
    return inner_->Apply(transaction);
  }
  Expected<CheckReport> Check() override { return inner_->Check(); }
  Expected<void> Close() override { return inner_->Close(); }
  Expected<void> Scan(PairVisitor& visitor) override {
    if (++scans_ % 2 == 0) return {};
    return inner_->Scan(visitor);
  }

 private:
  std::unique_ptr<Engine> inner_;
  uint64_t& scans_;
};

TEST(PointExplorer, AnEngineThatShowsOtherContentsEachTimeIsUnknown) {
  const Trace trace = Forgetful();
  const Target inner = *ParseTarget("fragile_log:sync=0");
  uint64_t scans = 0;
  const FunctionEngineType type(
      [&](Vfs& vfs) { return std::make_unique<Forgetting>(inner.Create(vfs), scans); });
  // Nothing but a scan tells the contents apart, and each is legal where no more than a prefix is
  // promised. So only a second run can notice.
  ExploreSettings settings = Prefix();
  Search search(trace, Target{.type = &type, .options = {}, .text = "forgetting"}, settings);
  const PointResult result = search.Explore(trace.ops.size());
  ASSERT_FALSE(result.unknown.empty());
  EXPECT_THAT(result.unknown[0], HasSubstr("nondeterministic: "));
  EXPECT_FALSE(result.exhausted);
}

TEST(PointExplorer, APathThatIsTooShortForTheChoicesIsUnknown) {
  const Trace trace = Forgetful();
  LocalSearch memory;
  memory.path.resize(3);
  const Target target = *ParseTarget("fragile_log:sync=0");
  const ReferenceModel model(trace.transactions);
  const ExploreSettings settings = Prefix();
  PointExplorer explorer(trace, target, model, settings, memory.state());
  const PointResult result = explorer.Explore(trace.ops.size(), {});
  EXPECT_THAT(result.unknown, testing::ElementsAre(HasSubstr("more choices than a path can hold")));
  EXPECT_FALSE(result.exhausted);
}

}  // namespace
}  // namespace plugpull
