// Goal: what the constraints decide is what follows from them, and a dead end is noticed at once.
//
// Method: small random instances, whose legal assignments are enumerated over all 2^n. Random
// decisions and undos are then compared with the assignments that agree with what is decided.
#include "faults/persistence/constraints.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "faults/base/random.h"

namespace plugpull {
namespace {

using Mask = uint32_t;  // the kept variables

bool IsLegal(const Constraints& constraints, Mask kept) {
  for (VariableId late = 0; late < constraints.size(); ++late) {
    for (const VariableId early : constraints.Early(late)) {
      if ((kept >> late & 1U) != 0 && (kept >> early & 1U) == 0) return false;
    }
  }
  for (const Constraints::Part& part : constraints.parts()) {
    const Mask bits = kept >> part.first & ((1U << part.count) - 1);
    const Mask changes = (bits ^ bits >> 1) & ((1U << (part.count - 1)) - 1);
    if ((changes & (changes - 1)) != 0) return false;
  }
  return true;
}

std::vector<Mask> LegalMasks(const Constraints& constraints) {
  std::vector<Mask> masks;
  for (Mask kept = 0; kept < Mask{1} << constraints.size(); ++kept) {
    if (IsLegal(constraints, kept)) masks.push_back(kept);
  }
  return masks;
}

std::vector<Fate> Fates(const Constraints& constraints) {
  std::vector<Fate> fates;
  for (VariableId variable = 0; variable < constraints.size(); ++variable) {
    fates.push_back(constraints.fate(variable));
  }
  return fates;
}

std::vector<Mask> Agreeing(const std::vector<Mask>& legal, const std::vector<Fate>& fates) {
  std::vector<Mask> agreeing;
  for (const Mask kept : legal) {
    bool agrees = true;
    for (size_t i = 0; i < fates.size(); ++i) {
      agrees = agrees && (fates[i] == Fate::kOpen || (fates[i] == Fate::kKept) == (kept >> i & 1U));
    }
    if (agrees) agreeing.push_back(kept);
  }
  return agreeing;
}

// Writes to ranges of the sectors of one or two pages, as a graph makes them: a chain for each
// sector in issue order, a part for each write in a page, and perhaps a gate: the file's existence.
void BuildPages(Random& random, size_t most_variables, Constraints& constraints) {
  constraints.Clear();
  const bool gated = random.OneIn(1, 3);
  const VariableId gate = gated ? constraints.AddVariable() : kNoVariable;
  const uint64_t sectors = 2 + random.Below(7);
  const uint64_t pages = 1 + random.Below(2);
  std::array<VariableId, 16> newest;
  newest.fill(kNoVariable);
  while (true) {
    const uint64_t first = random.Below(sectors);
    const auto count = static_cast<uint8_t>(1 + random.Below(sectors - first));
    const uint64_t page = random.Below(pages);
    if (constraints.size() + count > most_variables) {
      if (constraints.size() > 1) break;
      continue;
    }
    const auto part = static_cast<VariableId>(constraints.size());
    for (uint8_t i = 0; i < count; ++i) {
      const VariableId variable = constraints.AddVariable();
      if (gated) constraints.AddEdge(gate, variable);
      VariableId& before = newest[page * 8 + first + i];
      if (before != kNoVariable) constraints.AddEdge(before, variable);
      before = variable;
    }
    constraints.AddPart(part, count);
  }
  constraints.Seal();
}

// Edges and parts that no file system would make.
void BuildAnything(Random& random, size_t variables, Constraints& constraints) {
  constraints.Clear();
  while (constraints.size() < variables) constraints.AddVariable();
  for (uint64_t left = random.Below(2 * variables); left > 0; --left) {
    constraints.AddEdge(static_cast<VariableId>(random.Below(variables)),
                        static_cast<VariableId>(random.Below(variables)));
  }
  for (VariableId first = 0; first < variables;) {
    const auto count =
        static_cast<uint8_t>(1 + random.Below(std::min<uint64_t>(8, variables - first)));
    if (random.OneIn(1, 2)) constraints.AddPart(first, count);
    first += count;
  }
  constraints.Seal();
}

// What is expected of the constraints of an instance, besides being right when they say no.
struct Demand {
  bool no_dead_ends = false;  // Decide succeeds only where a legal assignment agrees
};

// Takes a few random decisions and undoes some, and looks at the constraints after each.
void DecideAtRandom(Random& random, Constraints& constraints, const std::vector<Mask>& legal,
                    Demand demand) {
  struct Point {
    size_t mark;
    std::vector<Fate> fates;
  };
  std::vector<Point> points;
  for (int step = 0; step < 12; ++step) {
    if (!points.empty() && random.OneIn(1, 4)) {
      constraints.Undo(points.back().mark);
      ASSERT_EQ(Fates(constraints), points.back().fates);
      points.pop_back();
    }
    points.push_back({constraints.Mark(), Fates(constraints)});
    const auto variable = static_cast<VariableId>(random.Below(constraints.size()));
    const bool keep = random.OneIn(1, 2);
    std::vector<Fate> asked = points.back().fates;
    const Fate fate = keep ? Fate::kKept : Fate::kLost;
    const bool against = asked[variable] != Fate::kOpen && asked[variable] != fate;
    if (!against) asked[variable] = fate;
    const std::vector<Mask> agreeing = Agreeing(legal, asked);
    const bool accepted = constraints.Decide(variable, keep);
    if (against) {
      ASSERT_FALSE(accepted);
    } else if (demand.no_dead_ends) {
      ASSERT_EQ(accepted, !agreeing.empty());
    } else if (!accepted) {
      ASSERT_TRUE(agreeing.empty());
    }
    if (accepted) {
      // What follows is true wherever the decision is.
      ASSERT_EQ(Agreeing(legal, Fates(constraints)), agreeing);
    } else {
      constraints.Undo(points.back().mark);
      ASSERT_EQ(Fates(constraints), points.back().fates);
      points.pop_back();
    }
  }
}

TEST(ConstraintsTest, DecisionsOnTornPagesAreSoundAndNoticeEveryDeadEnd) {
  Random random(1, "constraints-pages");
  Constraints constraints;
  for (int instance = 0; instance < 1500; ++instance) {
    BuildPages(random, 4 + random.Below(9), constraints);
    const std::vector<Mask> legal = LegalMasks(constraints);
    for (int round = 0; round < 4; ++round) {
      constraints.Undo(0);
      ASSERT_NO_FATAL_FAILURE(DecideAtRandom(random, constraints, legal, {.no_dead_ends = true}));
      constraints.KeepTheRest();
      ASSERT_EQ(Agreeing(legal, Fates(constraints)).size(), 1U) << "instance " << instance;
      ASSERT_EQ(std::ranges::count(Fates(constraints), Fate::kOpen), 0);
    }
  }
}

TEST(ConstraintsTest, EveryOpenVariableOfATornPageCanStillGoBothWays) {
  Random random(2, "constraints-open");
  Constraints constraints;
  for (int instance = 0; instance < 1500; ++instance) {
    BuildPages(random, 4 + random.Below(9), constraints);
    const std::vector<Mask> legal = LegalMasks(constraints);
    for (int step = 0; step < 4; ++step) {
      const auto variable = static_cast<VariableId>(random.Below(constraints.size()));
      if (constraints.fate(variable) != Fate::kOpen) continue;
      ASSERT_TRUE(constraints.Decide(variable, random.OneIn(1, 2)));
      const std::vector<Mask> agreeing = Agreeing(legal, Fates(constraints));
      for (VariableId other = 0; other < constraints.size(); ++other) {
        if (constraints.fate(other) != Fate::kOpen) continue;
        const auto kept = [other](Mask mask) { return (mask >> other & 1U) != 0; };
        ASSERT_TRUE(std::ranges::any_of(agreeing, kept)) << "instance " << instance;
        ASSERT_FALSE(std::ranges::all_of(agreeing, kept)) << "instance " << instance;
      }
    }
  }
}

TEST(ConstraintsTest, DecisionsOnArbitraryInstancesAreSound) {
  Random random(3, "constraints-arbitrary");
  Constraints constraints;
  for (int instance = 0; instance < 1500; ++instance) {
    BuildAnything(random, 3 + random.Below(9), constraints);
    const std::vector<Mask> legal = LegalMasks(constraints);
    ASSERT_NO_FATAL_FAILURE(DecideAtRandom(random, constraints, legal, {.no_dead_ends = false}));
  }
}

TEST(ConstraintsTest, KeepTheRestKeepsEverythingWhenNothingIsDecided) {
  Random random(4, "constraints-keep");
  Constraints constraints;
  for (int instance = 0; instance < 100; ++instance) {
    BuildPages(random, 12, constraints);
    constraints.KeepTheRest();
    EXPECT_EQ(Fates(constraints), std::vector<Fate>(constraints.size(), Fate::kKept));
  }
}

TEST(ConstraintsTest, ClearForgetsTheInstanceBefore) {
  Constraints constraints;
  constraints.AddVariable();
  constraints.AddVariable();
  constraints.AddEdge(0, 1);
  constraints.Seal();
  ASSERT_TRUE(constraints.Decide(1, true));
  constraints.Clear();
  constraints.AddVariable();
  constraints.AddVariable();
  constraints.Seal();
  EXPECT_TRUE(constraints.trail().empty());
  ASSERT_TRUE(constraints.Decide(1, true));
  EXPECT_EQ(constraints.fate(0), Fate::kOpen);
}

}  // namespace
}  // namespace plugpull
