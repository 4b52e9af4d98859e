// Goal: whatever an engine does to its process is a verdict on the recovery that it was in, and
// nothing else: not on the harness, not on the recoveries after it, however many children there
// are.
#include "harness/recovery_pool.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "harness/crash_points.h"
#include "harness/crash_state.h"
#include "harness/messages.h"
#include "harness/testing.h"

namespace plugpull {
namespace {

using testing::HasSubstr;

ExploreSettings SettingsFor(const std::string& target) {
  return {.target = target, .keys = 6, .per_class = 1, .recovery_timeout_ms = 60'000};
}

struct Outcome {
  std::vector<std::string> results;  // of the points, as JSON
  std::vector<PointResult> points;
  Expected<void> status;
};

Outcome ExploreAll(
    const Trace& trace, const ExploreSettings& settings, uint32_t jobs,
    const RecoveryPool::OnTick& on_tick = [](uint64_t) { return true; }) {
  Outcome outcome;
  Expected<RecoveryPool> pool = RecoveryPool::Create(trace, jobs);
  EXPECT_TRUE(pool.has_value());
  std::vector<PointTask> tasks;
  for (const size_t position : CrashPoints(trace, *settings.model, settings.promise)) {
    tasks.push_back({position, settings});
  }
  std::map<size_t, PointResult> done;
  outcome.status = pool->Explore(
      tasks,
      [&](size_t task, PointResult result) {
        EXPECT_TRUE(done.emplace(task, std::move(result)).second) << "told twice: " << task;
      },
      on_tick);
  for (auto& [task, result] : done) {
    EXPECT_EQ(result.position, tasks[task].position);
    outcome.results.push_back(ToJson(result).dump());
    outcome.points.push_back(std::move(result));
  }
  return outcome;
}

struct Death {
  std::string how;
  std::string when;
  ViolationClass violation;
  std::string message;
};

class Deaths : public testing::TestWithParam<Death> {
 protected:
  std::string Text() const {
    return fmt::format("fragile_log:how={},when={}", GetParam().how, GetParam().when);
  }
  ExploreSettings Settings() const {
    ExploreSettings settings = SettingsFor(Text());
    if (GetParam().how == "hang") settings.recovery_timeout_ms = 300;
    return settings;
  }
  // Waiting for hangs takes long; two of them stand for all where nothing depends on the phase.
  static bool IsOneOfManyHangs() {
    return GetParam().how == "hang" && GetParam().when != "open" && GetParam().when != "use";
  }
  // A log whose last transactions are more than a sector long, so that they may tear.
  const Trace trace_ =
      TraceOf("fragile_log", {Put("a", std::string(20, 'a')), Put("b", std::string(900, 'b'))});
};

TEST_P(Deaths, AreViolationsAndTheSearchGoesOnBehindThem) {
  const Outcome outcome = ExploreAll(trace_, Settings(), 2);
  ASSERT_TRUE(outcome.status.has_value()) << Describe(outcome.status.error());
  ASSERT_EQ(outcome.results.size(),
            CrashPoints(trace_, Models().front(), Promise::kDurable).size());
  size_t dead = 0;
  for (const PointResult& point : outcome.points) {
    EXPECT_TRUE(point.unknown.empty());
    for (const PointViolation& found : point.violations) {
      ++dead;
      EXPECT_EQ(found.violation.violation, GetParam().violation);
      EXPECT_EQ(found.violation.message, GetParam().message);
    }
    EXPECT_TRUE(point.exhausted || point.bound == "per-class");
  }
  EXPECT_GE(dead, 2u);
}

TEST_P(Deaths, AreTheSameForAnyNumberOfJobs) {
  if (IsOneOfManyHangs()) return;
  EXPECT_EQ(ExploreAll(trace_, Settings(), 1).results, ExploreAll(trace_, Settings(), 3).results);
}

TEST_P(Deaths, AreSeenAgainInReplay) {
  if (IsOneOfManyHangs()) return;
  const ExploreSettings settings = Settings();
  const Outcome outcome = ExploreAll(trace_, settings, 1);
  const auto point = std::ranges::find_if(
      outcome.points, [](const PointResult& each) { return !each.violations.empty(); });
  ASSERT_NE(point, outcome.points.end());
  StateInspector inspector(trace_, FragileLogType());
  const CompleteState state = inspector.Complete(
      {.position = point->position, .tear = settings.tear, .chosen = point->violations[0].chosen},
      *settings.model);
  Expected<RecoveryPool> pool = RecoveryPool::Create(trace_, 1);
  ASSERT_TRUE(pool.has_value());
  const ReplayTask task{.position = point->position,
                        .window = point->window,
                        .lost = state.lost,
                        .settings = settings};
  for (int i = 0; i < 2; ++i) {
    const auto replayed = pool->Replay(task);
    ASSERT_TRUE(replayed.has_value()) << Describe(replayed.error());
    ASSERT_TRUE(replayed->has_value());
    EXPECT_EQ(**replayed, point->violations[0].violation);
  }
  // The same pool still serves what is harmless.
  ReplayTask harmless = task;
  harmless.lost.clear();
  const auto held = pool->Replay(harmless);
  ASSERT_TRUE(held.has_value()) << Describe(held.error());
  EXPECT_FALSE(held->has_value());
}

std::vector<Death> AllDeaths() {
  const std::vector<std::pair<std::string, std::string>> ends = {
      {"segv", "died of signal 11 (Segmentation fault) {}"},
      {"abort", "died of signal 6 (Aborted) {}: fragile_log: a torn record"},
      {"exit", "exited with status 7 {}"},
      {"hang", "did not finish within 300 ms {}"}};
  const std::vector<std::pair<std::string, Phase>> phases = {{"open", Phase::kOpen},
                                                             {"check", Phase::kCheck},
                                                             {"scan", Phase::kScan},
                                                             {"reopen", Phase::kReopen},
                                                             {"use", Phase::kUse}};
  std::vector<Death> deaths;
  for (const auto& [how, message] : ends) {
    for (const auto& [when, phase] : phases) {
      ViolationClass violation =
          how == "hang" ? ViolationClass::kHangOnOpen : ViolationClass::kCrashOnOpen;
      if (when == "use") violation = ViolationClass::kUnusableAfter;
      deaths.push_back({how, when, violation, fmt::format(fmt::runtime(message), Describe(phase))});
    }
  }
  return deaths;
}

INSTANTIATE_TEST_SUITE_P(FragileLog, Deaths, testing::ValuesIn(AllDeaths()),
                         [](const testing::TestParamInfo<Death>& death) {
                           return death.param.how + "_" + death.param.when;
                         });

TEST(RecoveryPool, GoesOnBehindDeathsInRandomProbesAsWell) {
  const Trace trace = SmallTrace("fragile_log:sync=0", 15);
  ExploreSettings settings = SettingsFor("fragile_log:how=exit,when=open");
  settings.promise = Promise::kPrefix;
  settings.per_class = 1000;
  Expected<RecoveryPool> pool = RecoveryPool::Create(trace, 1);
  ASSERT_TRUE(pool.has_value());
  const std::vector<PointTask> tasks = {{trace.ops.size(), settings}};
  std::vector<PointResult> results;
  const Expected<void> explored = pool->Explore(
      tasks, [&](size_t, PointResult result) { results.push_back(std::move(result)); },
      [](uint64_t) { return true; });
  ASSERT_TRUE(explored.has_value()) << Describe(explored.error());
  ASSERT_EQ(results.size(), 1u);
  EXPECT_TRUE(results[0].exhausted);
  EXPECT_EQ(results[0].covered, results[0].total);
  EXPECT_EQ(results[0].probes, 24u);
  EXPECT_GT(results[0].violation_count, 40u);
}

// --- Engines that behave ---

TEST(RecoveryPool, FindsInChildrenWhatIsFoundHere) {
  for (const std::string target : {"cow_tree:mutant=M1", "fragile_log", "sqlite:sync=full"}) {
    const Trace trace = SmallTrace(target, 4);
    const ExploreSettings settings = SettingsFor(target);
    const Outcome outcome = ExploreAll(trace, settings, 2);
    ASSERT_TRUE(outcome.status.has_value());
    const Target parsed = *ParseTarget(target);
    const ReferenceModel model(trace.transactions);
    LocalSearch search;
    PointExplorer explorer(trace, parsed, model, settings, search.state());
    std::vector<std::string> here;
    for (const size_t position : CrashPoints(trace, *settings.model, settings.promise)) {
      here.push_back(ToJson(explorer.Explore(position, {})).dump());
    }
    EXPECT_EQ(outcome.results, here) << target;
  }
}

TEST(RecoveryPool, CountsRecoveriesAndAnswersEveryTask) {
  const Trace trace = SmallTrace("fragile_log", 4);
  Expected<RecoveryPool> pool = RecoveryPool::Create(trace, 2);
  ASSERT_TRUE(pool.has_value());
  EXPECT_EQ(pool->recoveries(), 0u);
  const std::vector<PointTask> tasks(5, {trace.ops.size(), SettingsFor("fragile_log")});
  uint64_t recoveries = 0;
  size_t answers = 0;
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(pool->Explore(
        tasks,
        [&](size_t, const PointResult& result) {
          ++answers;
          recoveries += result.recoveries;
        },
        [](uint64_t) { return true; }));
  }
  EXPECT_EQ(answers, 10u);
  EXPECT_EQ(pool->recoveries(), recoveries);
  EXPECT_TRUE(pool->Explore({}, {}, [](uint64_t) { return true; }));
}

TEST(RecoveryPool, StopsWhenTheTickSaysSoAndBeginsNothingMore) {
  const Trace trace = SmallTrace("fragile_log", 30);
  const Outcome outcome =
      ExploreAll(trace, SettingsFor("fragile_log"), 1, [](uint64_t) { return false; });
  ASSERT_TRUE(outcome.status.has_value());
  EXPECT_EQ(outcome.points.size(), 1u);
}

TEST(RecoveryPool, AMistakeInATaskIsAnError) {
  const Trace trace = SmallTrace("fragile_log", 2);
  ExploreSettings settings = SettingsFor("fragile_log:how=gracefully");
  const Outcome outcome = ExploreAll(trace, settings, 1);
  ASSERT_FALSE(outcome.status.has_value());
  EXPECT_THAT(outcome.status.error().context, HasSubstr("no value 'gracefully'"));
}

// Returns: the children of this process.
std::vector<pid_t> Children() {
  std::vector<pid_t> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(entry.path() / "stat");
    std::string stat;
    std::getline(file, stat);
    if (!stat.contains(") ")) continue;
    char state = 0;
    pid_t parent = 0;
    std::istringstream rest(stat.substr(stat.rfind(") ") + 2));
    rest >> state >> parent;
    if (parent == ::getpid()) children.push_back(std::stoi(name));
  }
  return children;
}

TEST(RecoveryPool, AChildKilledFromOutsideIsTroubleOfTheMachine) {
  const Trace trace = TraceOf("fragile_log", {Put("b", std::string(900, 'b'))});
  const Outcome outcome =
      ExploreAll(trace, SettingsFor("fragile_log:how=hang,when=open"), 1, [](uint64_t) {
        for (const pid_t child : Children()) ::kill(child, SIGKILL);
        return true;
      });
  ASSERT_FALSE(outcome.status.has_value());
  EXPECT_EQ(outcome.status.error().code, ErrorCode::kIo);
  EXPECT_THAT(outcome.status.error().context, HasSubstr("killed from outside (out of memory?)"));
}

TEST(RecoveryPool, LeavesNoChildBehind) {
  const std::vector<pid_t> before = Children();
  {
    Expected<RecoveryPool> pool = RecoveryPool::Create(SmallTrace("fragile_log", 2), 3);
    ASSERT_TRUE(pool.has_value());
    const std::vector<PointTask> tasks(6, {3, SettingsFor("fragile_log")});
    ASSERT_TRUE(pool->Explore(
        tasks, [](size_t, const PointResult&) {}, [](uint64_t) { return true; }));
    EXPECT_GT(Children().size(), before.size());
  }
  EXPECT_EQ(Children(), before);
}

}  // namespace
}  // namespace plugpull
