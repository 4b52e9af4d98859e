// Goal: an execution that killed its process is not run again, counts once, and the search goes on
// behind it as if it had run.
//
// Method: the paths of all executions of a point are written down. Then each of them is declared
// deadly in turn.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "harness/testing.h"

namespace plugpull {
namespace {

// One execution: whether it was a random probe, and the choices that it had made when it had read
// all.
struct Execution {
  uint32_t probe = 0;
  std::vector<Choice> path;
};

// Passes everything on, and tells what the path was after each scan.
class Watched final : public Engine {
 public:
  Watched(std::unique_ptr<Engine> inner, std::function<void()> on_scan)
      : inner_(std::move(inner)), on_scan_(std::move(on_scan)) {}

  Expected<void> Open() override { return inner_->Open(); }
  Expected<void> Apply(const Transaction& transaction) override {
    return inner_->Apply(transaction);
  }
  Expected<CheckReport> Check() override { return inner_->Check(); }
  Expected<void> Close() override { return inner_->Close(); }
  Expected<void> Scan(PairVisitor& visitor) override {
    Expected<void> scanned = inner_->Scan(visitor);
    on_scan_();
    return scanned;
  }

 private:
  std::unique_ptr<Engine> inner_;
  std::function<void()> on_scan_;
};

class DeadlyPaths : public testing::Test {
 protected:
  explicit DeadlyPaths(uint32_t transactions = 40, uint32_t depth = 1)
      : trace_(SmallTrace("fragile_log:sync=0", transactions)),
        inner_(*ParseTarget("fragile_log:sync=0")),
        type_([this](Vfs& vfs) {
          return std::make_unique<Watched>(inner_.Create(vfs), [this] { Note(); });
        }),
        target_{.type = &type_, .options = {}, .text = "watched"},
        model_(trace_.transactions),
        settings_{.promise = Promise::kPrefix, .keys = 6, .per_class = 1000, .depth = depth},
        explorer_(trace_, target_, model_, settings_, memory_.state()) {}

  void Note() {
    if (memory_.phase != Phase::kScan) return;
    const auto begin = memory_.path.begin();
    executions_.push_back({memory_.probe, {begin, begin + memory_.path_length}});
  }

  PointResult Explore(const std::vector<DeadlyPath>& deadly) {
    executions_.clear();
    return explorer_.Explore(trace_.ops.size(), deadly);
  }

  static DeadlyPath Deadly(const Execution& execution) {
    return {.path = execution.path,
            .probe = execution.probe,
            .violation = {ViolationClass::kCrashOnOpen, "died of signal 11"}};
  }

  static bool Same(const std::vector<Choice>& left, const std::vector<Choice>& right) {
    return std::ranges::equal(left, right, [](const Choice& a, const Choice& b) {
      return a.variable == b.variable && a.keep == b.keep;
    });
  }

  size_t TimesRun(const Execution& execution) const {
    return static_cast<size_t>(std::ranges::count_if(executions_, [&](const Execution& each) {
      return each.probe == execution.probe && Same(each.path, execution.path);
    }));
  }

  const Trace trace_;
  const Target inner_;
  const FunctionEngineType type_;
  const Target target_;
  const ReferenceModel model_;
  const ExploreSettings settings_;
  LocalSearch memory_;
  PointExplorer explorer_;
  std::vector<Execution> executions_;
};

TEST_F(DeadlyPaths, AreNotRunAgainAndCountOnce) {
  const PointResult before = Explore({});
  ASSERT_TRUE(before.exhausted);
  ASSERT_TRUE(before.violations.empty());
  const std::vector<Execution> executions = executions_;
  size_t tried = 0;
  for (size_t i = 0; i < executions.size(); i += 1 + executions.size() / 20) {
    if (executions[i].probe != 0) continue;
    ++tried;
    const PointResult result = Explore({Deadly(executions[i])});
    EXPECT_EQ(TimesRun(executions[i]), 0u) << i;
    EXPECT_TRUE(result.exhausted) << i;
    EXPECT_EQ(result.covered, before.covered) << i;
    EXPECT_EQ(result.recoveries, before.recoveries) << i;
    ASSERT_EQ(result.violations.size(), 1u) << i;
    EXPECT_EQ(result.violation_count, 1u) << i;
    EXPECT_EQ(result.violations[0].violation, Deadly(executions[i]).violation);
    EXPECT_EQ(result.violations[0].chosen.size(), executions[i].path.size()) << i;
  }
  EXPECT_GT(tried, 10u);
}

// The same where the power has failed in a recovery, and the recovery from that dies.
class DeadlyPathsAfterTwoCrashes : public DeadlyPaths {
 protected:
  DeadlyPathsAfterTwoCrashes() : DeadlyPaths(6, 2) {}
};

TEST_F(DeadlyPathsAfterTwoCrashes, AreNotRunAgainAndCountOnce) {
  const PointResult before = Explore({});
  ASSERT_TRUE(before.exhausted && before.deeper.at(0).exhausted);
  const std::vector<Execution> executions = executions_;
  size_t tried = 0;
  for (size_t i = 0; i < executions.size(); i += 1 + executions.size() / 40) {
    const bool is_second = std::ranges::any_of(executions[i].path, [](const Choice& choice) {
      return IsPowerQuestion(choice.variable) && !choice.keep;
    });
    if (executions[i].probe != 0 || !is_second) continue;
    ++tried;
    const PointResult result = Explore({Deadly(executions[i])});
    EXPECT_EQ(TimesRun(executions[i]), 0u) << i;
    EXPECT_TRUE(result.exhausted && result.deeper.at(0).exhausted) << i;
    EXPECT_EQ(result.covered, before.covered) << i;
    EXPECT_EQ(result.recoveries, before.recoveries) << i;
    EXPECT_EQ(result.deeper.at(0).recoveries, before.deeper.at(0).recoveries) << i;
    ASSERT_EQ(result.violations.size(), 1u) << i;
    EXPECT_EQ(result.violations[0].violation, Deadly(executions[i]).violation);
    EXPECT_EQ(result.violations[0].cuts.size(), 1u);
  }
  EXPECT_GT(tried, 5u);
}

TEST_F(DeadlyPathsAfterTwoCrashes, SayNothingWhileTheEngineGivesUp) {
  Explore({});
  const std::vector<Execution> executions = executions_;
  const auto second = std::ranges::find_if(executions, [](const Execution& execution) {
    return std::ranges::any_of(execution.path, [](const Choice& choice) {
      return IsPowerQuestion(choice.variable) && !choice.keep;
    });
  });
  ASSERT_NE(second, executions.end());
  DeadlyPath deadly = Deadly(*second);
  const auto power = std::ranges::find_if(deadly.path, [](const Choice& choice) {
    return IsPowerQuestion(choice.variable) && !choice.keep;
  });
  deadly.path.erase(power + 1, deadly.path.end());
  deadly.is_unwinding = true;
  const PointResult result = Explore({deadly});
  EXPECT_EQ(result.unknown, std::vector<std::string>{deadly.violation.message});
  EXPECT_TRUE(result.violations.empty());
}

TEST_F(DeadlyPaths, MayBeShorterThanTheExecutionBecauseItDiedOnTheWay) {
  const PointResult before = Explore({});
  Execution first = executions_.front();
  ASSERT_GT(first.path.size(), 2u);
  first.path.resize(2);
  const PointResult result = Explore({Deadly(first)});
  EXPECT_EQ(result.violation_count, 1u);
  EXPECT_TRUE(result.exhausted);
  EXPECT_EQ(result.covered, before.covered);
  EXPECT_LT(result.recoveries, before.recoveries);
  for (const Execution& execution : executions_) {
    std::vector<Choice> start = execution.path;
    start.resize(std::min(start.size(), first.path.size()));
    if (execution.probe == 0) {
      EXPECT_FALSE(Same(start, first.path));
    }
  }
}

TEST_F(DeadlyPaths, SeveralAreAllTakenAsDone) {
  const PointResult before = Explore({});
  const std::vector<Execution> executions = executions_;
  std::vector<DeadlyPath> deadly;
  for (size_t i = 0; i < executions.size(); i += 9) {
    if (executions[i].probe == 0) deadly.push_back(Deadly(executions[i]));
  }
  const PointResult result = Explore(deadly);
  EXPECT_GT(deadly.size(), 5u);
  EXPECT_TRUE(result.exhausted);
  EXPECT_EQ(result.covered, before.covered);
  EXPECT_EQ(result.violation_count, deadly.size());
}

TEST_F(DeadlyPaths, ADeadlyProbeIsNotTriedAgainAndCoversNothing) {
  const PointResult before = Explore({});
  const std::vector<Execution> executions = executions_;
  std::set<uint32_t> tried;
  for (const Execution& execution : executions) {
    if (execution.probe == 0 || !tried.insert(execution.probe).second) continue;
    const PointResult result = Explore({Deadly(execution)});
    for (uint32_t probe = 1; probe <= before.probes; ++probe) {
      const auto runs = std::ranges::count(executions_, probe, &Execution::probe);
      EXPECT_EQ(runs == 0, probe == execution.probe) << probe;
    }
    EXPECT_EQ(result.probes, before.probes);
    EXPECT_EQ(result.recoveries, before.recoveries);
    EXPECT_EQ(result.covered, before.covered);
    EXPECT_EQ(result.violation_count, 1u);
    EXPECT_TRUE(result.exhausted);
  }
  EXPECT_EQ(tried.size(), 24u);
}

TEST_F(DeadlyPaths, EndTheSearchOnceTheirClassIsFull) {
  Explore({});
  const std::vector<Execution> executions = executions_;
  ExploreSettings settings = settings_;
  settings.per_class = 2;
  PointExplorer strict(trace_, target_, model_, settings, memory_.state());
  const std::vector<DeadlyPath> deadly = {Deadly(executions[0]), Deadly(executions[1]),
                                          Deadly(executions[2])};
  executions_.clear();
  const PointResult result = strict.Explore(trace_.ops.size(), deadly);
  EXPECT_EQ(result.bound, "per-class");
  EXPECT_EQ(result.recoveries, 2u);
  EXPECT_EQ(result.violations.size(), 2u);
  EXPECT_TRUE(executions_.empty());
}

}  // namespace
}  // namespace plugpull
