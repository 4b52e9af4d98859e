// Goal: the disk that a crash in recovery leaves, which asks the disk of the crash before it about
// all that the recovery left alone, is the disk that the definition says.
//
// Method: a random program is crashed under a model, another one "recovers" from that and is
// crashed too, with every choice made at random. The same first state, complete, becomes the
// beginning of an ordinary trace that the recovery's operations follow. Both must leave the same
// crash states, and a program that looks around must see the same in each.
#include "faults/persistence/lazy_disk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "faults/persistence/crash_view.h"
#include "faults/persistence/materialise.h"
#include "faults/persistence/snapshot.h"
#include "faults/persistence/testing.h"
#include "faults/trace/validate.h"
#include "faults/vfs/memory_vfs.h"

namespace plugpull {
namespace {

constexpr size_t kMostStates = 20'000;

// Decides what is open; with `share`, only about one variable in so many.
void DecideAtRandom(Constraints& constraints, Random& random, uint64_t share = 1) {
  for (VariableId variable = 0; variable < constraints.size(); ++variable) {
    if (constraints.fate(variable) != Fate::kOpen || !random.OneIn(1, share)) continue;
    const size_t mark = constraints.Mark();
    const bool keep = random.Below(2) == 0;
    if (constraints.Decide(variable, keep)) continue;
    constraints.Undo(mark);
    ASSERT_TRUE(constraints.Decide(variable, !keep));
  }
}

std::vector<AtomId> LostOf(const CrashGraph& graph) {
  return LostAtoms(graph, DecidedState(graph.constraints()));
}

// One random run of both programs.
class TwoCrashes {
 public:
  TwoCrashes(uint64_t seed, const Model& model, Tear tear)
      : seed_(seed),
        model_(model),
        tear_(EffectiveTear(model, tear)),
        random_(seed, "lazy-disk"),
        trace_(RandomProgram(seed, 12)),
        position_(random_.Below(trace_.ops.size() + 1)),
        cursor_(trace_, model, tear) {
    cursor_.AdvanceTo(position_);
    graph_.Build(cursor_, tear);
  }

  // Runs both programs. Returns: false when the second one changed nothing.
  bool Crash() {
    view_.Restart();
    // The power does not fail while the program runs: it is cut short afterwards.
    DecideAtRandom(graph_.constraints(), random_, 2);
    choices_.Randomise(seed_, 256);
    view_.Watch(log_);
    Explore(view_, seed_, 10, /*writes=*/true);
    view_.StopWatching();
    if (log_.trace.ops.empty()) return false;
    log_.trace.ops.resize(1 + random_.Below(log_.trace.ops.size()));
    second_cursor_.emplace(log_, model_, tear_);
    second_cursor_->AdvanceTo(log_.trace.ops.size());
    second_view_.disk().LayOutDurable(*second_cursor_);
    second_graph_.Build(*second_cursor_, tear_, &second_view_.disk());
    second_view_.Clear();
    return true;
  }

  // The recovery as an ordinary trace, on what the first crash left once all of it is decided.
  void Settle() {
    DecideAtRandom(graph_.constraints(), random_);
    AppendSnapshot(plain_, Materialise(trace_, position_, LostOf(graph_), tear_));
    while (plain_.ops.size() + 2 < log_.first_new_inode) {
      plain_.ops.push_back({.kind = OpKind::kSyncAll});
    }
    begin_ = plain_.ops.size();
    AppendOperations(plain_, log_.trace, 0);
    const Expected<void> valid = ValidateTrace(plain_);
    EXPECT_TRUE(valid.has_value()) << Describe(valid.error());
  }

  // Returns: what the images of all crash states show. Nothing when there are too many.
  std::optional<std::set<std::string>> PlainImages() const {
    CrashCursor cursor(plain_, model_, tear_);
    cursor.AdvanceTo(plain_.ops.size());
    CrashGraph graph;
    graph.Build(cursor, tear_);
    return Images(graph, 0);
  }
  std::optional<std::set<std::string>> LazyImages() const { return Images(second_graph_, begin_); }

  std::optional<std::set<std::string>> Images(const CrashGraph& graph, size_t shift) const {
    const auto states = LegalStates(graph.constraints(), kMostStates);
    if (!states) return std::nullopt;
    std::set<std::string> images;
    for (const State& state : *states) {
      std::vector<AtomId> lost = LostAtoms(graph, state);
      for (AtomId& atom : lost) atom.op += static_cast<uint32_t>(shift);
      images.insert(Visible(Materialise(plain_, plain_.ops.size(), lost, tear_)));
    }
    return images;
  }

  // What a program sees of the second crash, lazily and of the image that it left.
  void ExpectSameView(int round) {
    graph_.constraints().Undo(first_decided_);
    second_graph_.constraints().Undo(0);
    second_view_.Clear();
    const std::string seen = Explore(second_view_, seed_ + round, 12, /*writes=*/round % 2 == 1);
    DecideAtRandom(graph_.constraints(), random_);
    DecideAtRandom(second_graph_.constraints(), random_);
    Trace plain;
    AppendSnapshot(plain, Materialise(trace_, position_, LostOf(graph_), tear_));
    const size_t begin = plain.ops.size();
    AppendOperations(plain, log_.trace, 0);
    std::vector<AtomId> lost = LostOf(second_graph_);
    for (AtomId& atom : lost) atom.op += static_cast<uint32_t>(begin);
    MemoryVfs memory(Materialise(plain, plain.ops.size(), lost, tear_));
    EXPECT_EQ(Explore(memory, seed_ + round, 12, round % 2 == 1), seen)
        << model_.name << " " << Name(tear_) << " seed " << seed_ << " round " << round;
  }

  void RememberFirst() { first_decided_ = graph_.constraints().Mark(); }

 private:
  uint64_t seed_;
  const Model& model_;
  Tear tear_;
  Random random_;
  Trace trace_;
  size_t position_;
  CrashCursor cursor_;
  CrashGraph graph_;
  std::array<Choice, 4096> path_{};
  uint32_t length_ = 0;
  Choices choices_{path_, length_};
  CrashView view_{graph_, choices_};
  RecoveryLog log_;
  std::optional<CrashCursor> second_cursor_;
  CrashGraph second_graph_;
  CrashView second_view_{second_graph_, choices_, view_.disk()};
  Trace plain_;
  size_t begin_ = 0;
  size_t first_decided_ = 0;
};

TEST(LazyDisk, SeesWhatTheImageOfTheSecondCrashShows) {
  int runs = 0;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    const Model& model = seed % 3 == 0 ? RandomModel(seed) : Models()[seed % Models().size()];
    TwoCrashes run(seed, model, kAllTears[seed / 3 % 4]);
    if (!run.Crash()) continue;
    ++runs;
    run.RememberFirst();
    for (int round = 0; round < 4; ++round) run.ExpectSameView(round);
    if (HasFailure()) break;
  }
  EXPECT_GT(runs, 150);
}

TEST(LazyDisk, LeavesTheStatesOfTheRecordedRecovery) {
  int compared = 0;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    const Model& model = seed % 3 == 0 ? RandomModel(seed) : Models()[seed % Models().size()];
    TwoCrashes run(seed, model, kAllTears[seed / 3 % 4]);
    // A model without syncs that work cannot be told that the first state is durable.
    if (!model.sync_waits || !model.honest_flush || !run.Crash()) continue;
    run.Settle();
    const auto plain = run.PlainImages();
    const auto lazy = run.LazyImages();
    if (!plain || !lazy) continue;
    ++compared;
    EXPECT_EQ(*lazy, *plain) << model.name << " seed " << seed;
    if (HasFailure()) break;
  }
  EXPECT_GT(compared, 100);
}

}  // namespace
}  // namespace plugpull
