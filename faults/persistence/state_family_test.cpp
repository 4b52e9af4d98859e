// Goal: the states shown are states of the point; where they are said to be all, they are; and the
// families cover what the specification promises (persistence models, 6.3).
//
// Method: against plain enumeration on random programs and on random partial orders.
#include "faults/persistence/state_family.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <set>
#include <tuple>

#include "faults/persistence/testing.h"

namespace plugpull {
namespace {

std::set<State> StatesOf(StateFamily& family, const Constraints& constraints) {
  std::set<State> states;
  while (family.Next()) states.insert(DecidedState(constraints));
  EXPECT_TRUE(constraints.trail().empty());
  return states;
}

TEST(StateFamilies, ShowStatesOfThePointAndWhereItHasFewAllOfThem) {
  int exhausted = 0;
  int sampled = 0;
  CrashGraph graph;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    const Trace trace = RandomProgram(seed, 12);
    for (const Model& model : Models()) {
      CrashCursor cursor(trace, model);
      for (size_t position = 4; position <= trace.ops.size(); position += 3) {
        cursor.AdvanceTo(position);
        for (const Tear tear : kAllTears) {
          graph.BuildOrder(cursor, tear);
          const auto legal = LegalStates(graph.constraints(), 2000);
          if (!legal) continue;
          const std::set<State> all(legal->begin(), legal->end());
          StateFamily everything(graph.constraints(), OpenOperations(graph), all.size(),
                                 {.most_states = 2000});
          ASSERT_TRUE(everything.is_exhaustive());
          ASSERT_EQ(StatesOf(everything, graph.constraints()), all) << seed << " " << model.name;
          ++exhausted;
          StateFamily some(graph.constraints(), OpenOperations(graph), std::nullopt,
                           {.most_states = 100});
          ASSERT_FALSE(some.is_exhaustive());
          const std::set<State> shown = StatesOf(some, graph.constraints());
          ASSERT_TRUE(std::ranges::includes(all, shown)) << seed << " " << model.name;
          ASSERT_TRUE(shown.contains(State(graph.constraints().size(), 1)));
          ++sampled;
        }
      }
    }
  }
  EXPECT_GT(exhausted, 500);
  EXPECT_EQ(exhausted, sampled);
}

// A random partial order, one variable to an operation.
std::vector<OpenOperation> RandomOrder(uint64_t seed, uint32_t count, Constraints& constraints) {
  Random random(seed, "order");
  constraints.Clear();
  std::vector<OpenOperation> operations;
  for (VariableId i = 0; i < count; ++i) operations.push_back({.all = {constraints.AddVariable()}});
  const uint64_t density = 1 + random.Below(5);
  for (VariableId late = 1; late < count; ++late) {
    for (VariableId early = 0; early < late; ++early) {
      if (random.OneIn(density, 12)) constraints.AddEdge(early, late);
    }
  }
  constraints.Seal();
  return operations;
}

TEST(StateFamilies, CoverEveryFeasiblePatternOfAnyThreeOperations) {
  constexpr uint32_t kCount = 9;
  int patterns = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    Constraints constraints;
    std::vector<OpenOperation> operations = RandomOrder(seed, kCount, constraints);
    // No pairs, no samples.
    StateFamily family(constraints, std::move(operations), std::nullopt,
                       {.most_states = 0, .window = 0});
    const std::set<State> shown = StatesOf(family, constraints);
    const auto project = [](const State& state, uint32_t a, uint32_t b, uint32_t c) {
      return std::tuple(state[a], state[b], state[c]);
    };
    const auto states = LegalStates(constraints, size_t{1} << kCount);
    ASSERT_TRUE(states.has_value());
    for (const State& legal : *states) {
      for (uint32_t a = 0; a < kCount; ++a) {
        for (uint32_t b = a + 1; b < kCount; ++b) {
          for (uint32_t c = b + 1; c < kCount; ++c) {
            ++patterns;
            ASSERT_TRUE(std::ranges::any_of(shown, [&](const State& state) {
              return project(state, a, b, c) == project(legal, a, b, c);
            })) << seed;
          }
        }
      }
    }
  }
  EXPECT_GT(patterns, 10'000);
}

TEST(StateFamilies, WithPairsCoverEveryFeasiblePatternOfAnyFour) {
  constexpr uint32_t kCount = 8;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Constraints constraints;
    std::vector<OpenOperation> operations = RandomOrder(seed, kCount, constraints);
    StateFamily family(constraints, std::move(operations), std::nullopt,
                       {.most_states = 2 + 3 * kCount + kCount * kCount});
    const std::set<State> shown = StatesOf(family, constraints);
    const auto pattern = [](const State& state, uint32_t mask) {
      uint32_t kept = 0;
      for (uint32_t i = 0; i < kCount; ++i) {
        if (state[i] != 0) kept |= 1U << i;
      }
      return kept & mask;
    };
    const auto states = LegalStates(constraints, size_t{1} << kCount);
    ASSERT_TRUE(states.has_value());
    for (const State& legal : *states) {
      for (uint32_t mask = 0; mask < 1U << kCount; ++mask) {
        if (std::popcount(mask) != 4) continue;
        ASSERT_TRUE(std::ranges::any_of(shown, [&](const State& state) {
          return pattern(state, mask) == pattern(legal, mask);
        })) << seed;
      }
    }
  }
}

TEST(StateFamilies, ABoundThatCutsIsKept) {
  Constraints constraints;
  std::vector<OpenOperation> operations = RandomOrder(1, 40, constraints);
  StateFamily family(constraints, std::move(operations), std::nullopt,
                     {.most_states = 10, .cuts_families = true});
  int shown = 0;
  while (family.Next()) ++shown;
  EXPECT_EQ(shown, 10);
}

TEST(StateFamilies, ShowHalfAWriteOfSeveralPages) {
  Trace trace;
  trace.ops.push_back({.kind = OpKind::kCreate, .inode = 2, .directory = kRootInode, .name = "f"});
  trace.ops.push_back({.kind = OpKind::kSyncAll});
  trace.payload.resize(16384);
  trace.ops.push_back({.kind = OpKind::kWrite, .inode = 2, .size_bytes = 16384});
  CrashCursor cursor(trace, Models().front());
  cursor.AdvanceTo(trace.ops.size());
  CrashGraph graph;
  graph.BuildOrder(cursor, Tear::kSectorsContiguous);
  StateFamily family(graph.constraints(), OpenOperations(graph), std::nullopt, {.most_states = 0});
  bool half = false;
  while (family.Next()) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < 32; ++i) {
      const VariableId piece = graph.VariableOf({2, AtomKind::kData, i});
      ASSERT_NE(piece, kNoVariable);
      if (graph.constraints().fate(piece) == Fate::kKept) kept |= 1U << i;
    }
    half = half || kept == 0xffffU;
  }
  EXPECT_TRUE(half);
}

}  // namespace
}  // namespace plugpull
