// Goal: lazy search and plain trial agree about what a crash can do.
//
// Method: at every position of short recordings, complete crash states are drawn at random, laid
// out as plain files by Materialise, which knows nothing of lazy views, and recovered from there.
// Where the search holds, all of them must hold; what they show must be among what an unlimited
// search of the point shows.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <string_view>

#include "faults/persistence/materialise.h"
#include "faults/persistence/testing.h"
#include "harness/testing.h"
#include "workloads/workload.h"

namespace plugpull {
namespace {

constexpr int kSamples = 30;
constexpr uint64_t kMostRecoveries = 5'000;  // of a search that is called unlimited

// Decides everything at random: which variable comes next, and its fate where both are possible.
void DecideAll(Constraints& constraints, Random& random) {
  std::vector<VariableId> order(constraints.size());
  std::iota(order.begin(), order.end(), 0U);
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);
  const uint64_t keep_of_8 = random.Below(9);
  for (const VariableId variable : order) {
    if (constraints.fate(variable) != Fate::kOpen) continue;
    const bool keep = random.Below(8) < keep_of_8;
    const size_t mark = constraints.Mark();
    if (constraints.Decide(variable, keep)) continue;
    constraints.Undo(mark);
    ASSERT_TRUE(constraints.Decide(variable, !keep));
  }
}

struct Subject {
  std::string target;
  uint32_t transactions;
  bool holds;  // under posix-minimal
  const char* model = "posix-minimal";
  size_t least_exhausted = 16;  // crash points whose search comes to an end
};

class Soundness : public testing::TestWithParam<Subject> {
 protected:
  Soundness()
      : trace_(SmallTrace(GetParam().target, GetParam().transactions, 3)),
        target_(*ParseTarget(GetParam().target)),
        model_(trace_.transactions),
        settings_{.target = GetParam().target,
                  .model = FindModel(GetParam().model),
                  .keys = 6,
                  .per_class = 1'000'000,
                  .recoveries_per_point = kMostRecoveries,
                  .depth = 1} {}

  // Returns: the classes that random states of the point show.
  std::set<ViolationClass> Sample(size_t position, Window window) {
    CrashCursor cursor(trace_, *settings_.model, settings_.tear);
    cursor.AdvanceTo(position);
    CrashGraph graph;
    graph.Build(cursor, settings_.tear);
    std::atomic<Phase> phase = Phase::kOpen;
    Recovery recovery(target_, model_, settings_.promise, {}, phase);
    Random random(position, "samples");
    std::set<ViolationClass> classes;
    for (int i = 0; i < kSamples; ++i) {
      graph.constraints().Undo(0);
      DecideAll(graph.constraints(), random);
      const auto lost = LostAtoms(graph, DecidedState(graph.constraints()));
      MemoryVfs vfs(Materialise(trace_, position, lost, graph.tear()));
      const Judgement judgement = recovery.Judge(vfs, window);
      if (judgement.violation) classes.insert(judgement.violation->violation);
      recovery.Drop();
    }
    return classes;
  }

  const Trace trace_;
  const Target target_;
  const ReferenceModel model_;
  const ExploreSettings settings_;
};

TEST_P(Soundness, WhatRandomStatesShowTheSearchShowsToo) {
  LocalSearch search;
  PointExplorer explorer(trace_, target_, model_, settings_, search.state());
  size_t exhausted = 0;
  std::set<ViolationClass> sampled;
  for (size_t position = 0; position <= trace_.ops.size(); ++position) {
    const PointResult result = explorer.Explore(position, {});
    EXPECT_TRUE(result.unknown.empty()) << position;
    std::set<ViolationClass> found;
    for (const PointViolation& violation : result.violations) {
      found.insert(violation.violation.violation);
    }
    if (GetParam().holds) {
      EXPECT_TRUE(result.exhausted) << position;
      EXPECT_TRUE(found.empty()) << position << ": " << result.violations[0].violation.message;
    }
    const std::set<ViolationClass> shown = Sample(position, result.window);
    sampled.insert(shown.begin(), shown.end());
    if (!result.exhausted) continue;
    ++exhausted;
    for (const ViolationClass violation : shown) {
      EXPECT_TRUE(found.contains(violation)) << Name(violation) << " at " << position;
    }
  }
  EXPECT_GE(exhausted + 1, GetParam().least_exhausted);
  const bool is_weakest = settings_.model == &Models().front();
  if (GetParam().holds || is_weakest) {
    EXPECT_EQ(sampled.empty(), GetParam().holds);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Targets, Soundness,
    testing::Values(Subject{"sqlite:sync=extra", 4, true}, Subject{"sqlite:sync=full", 4, false},
                    // Without syncs, states with stale bytes soon are too many.
                    Subject{"sqlite:sync=off", 2, false, "posix-minimal", 12},
                    Subject{"sqlite:journal=wal,sync=full", 4, true}, Subject{"cow_tree", 5, true},
                    Subject{"cow_tree:mutant=M1", 5, false},
                    Subject{"cow_tree:mutant=M5", 6, false},
                    Subject{"cow_tree:mutant=M18", 5, false}, Subject{"fragile_log", 5, true},
                    Subject{"fragile_log:sync=0", 5, false},
                    Subject{"sqlite:sync=full", 4, false, "ext4-ordered"},
                    Subject{"sqlite:sync=off", 2, false, "xfs"},
                    Subject{"sqlite:sync=off", 2, false, "btrfs"},
                    Subject{"sqlite:journal=wal,sync=full", 4, true, "ext4-ordered-classic"},
                    Subject{"cow_tree:mutant=M1", 5, false, "ext4-ordered"},
                    Subject{"cow_tree:mutant=M5", 6, false, "btrfs"},
                    Subject{"cow_tree:mutant=M18", 5, false, "somc"},
                    Subject{"fragile_log:sync=0", 5, false, "ext4-journal"}),
    [](const testing::TestParamInfo<Subject>& subject) {
      std::string name = subject.param.target + '_' + subject.param.model;
      std::ranges::replace_if(
          name, [](char c) { return std::string_view(":=,-").contains(c); }, '_');
      return name;
    });

}  // namespace
}  // namespace plugpull
