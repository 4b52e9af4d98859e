// Goal: the image of a state is the one that the plain materialiser builds, and hashes tell states
// apart exactly where a program could.
//
// Method: on random programs, under all models and tears, every state; hashes of different crash
// points, models and tears are put into one table.
#include "faults/persistence/state_tree.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "faults/persistence/materialise.h"
#include "faults/persistence/state_family.h"
#include "faults/persistence/testing.h"
#include "faults/trace/random_trace.h"

namespace plugpull {
namespace {

// Everything that a hash is to tell apart: what is visible, and which names are one file.
std::string Seen(const Image& image) {
  std::string text = Visible(image);
  std::map<InodeId, int> numbers;
  const auto walk = [&](const auto& self, InodeId directory) -> void {
    for (const std::string& name : image.names.Names(directory)) {
      const InodeId inode = image.names.At(directory, name);
      const int number = numbers.try_emplace(inode, static_cast<int>(numbers.size())).first->second;
      text += " #" + std::to_string(number);
      if (image.names.IsDirectory(inode)) self(self, inode);
    }
  };
  walk(walk, kRootInode);
  return text;
}

class Comparison {
 public:
  void Compare(const Trace& trace, const Model& model, Tear tear, size_t step) {
    CrashCursor cursor(trace, model, tear);
    CrashGraph graph;
    StateTree tree(graph);
    for (size_t position = 1; position <= trace.ops.size(); position += step) {
      cursor.AdvanceTo(position);
      graph.Build(cursor, tear);
      tree.Enter();
      StateFamily family(graph.constraints(), OpenOperations(graph), std::nullopt,
                         {.most_states = 40, .cuts_families = true});
      while (family.Next()) {
        const auto is_kept = [&](VariableId variable) {
          return graph.constraints().fate(variable) == Fate::kKept;
        };
        const std::vector<AtomId> lost = graph.Lost(is_kept);
        const Image expected = Materialise(trace, position, lost, graph.tear());
        const std::string seen = Seen(expected);
        ASSERT_EQ(Seen(tree.MakeImage()), seen) << model.name << " " << position;
        const TreeHash hash = tree.Hash();
        const auto [by_hash, is_new_hash] = seen_.try_emplace({hash.low, hash.high}, seen);
        ASSERT_EQ(by_hash->second, seen) << model.name << " " << position;
        const auto [by_sight, is_new] = hashes_.try_emplace(seen, hash);
        ASSERT_EQ(by_sight->second, hash) << model.name << " " << position << " " << seen;
        ++states_;
      }
    }
  }

  void Forget() {
    seen_.clear();
    hashes_.clear();
  }
  int states() const { return states_; }

 private:
  std::map<std::pair<uint64_t, uint64_t>, std::string> seen_;
  std::map<std::string, TreeHash> hashes_;
  int states_ = 0;
};

TEST(StateTrees, ShowWhatTheMaterialiserBuilds) {
  Comparison comparison;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    const Trace trace = RandomProgram(seed, 14);
    for (const Model& model : Models()) {
      for (const Tear tear : kAllTears) {
        ASSERT_NO_FATAL_FAILURE(comparison.Compare(trace, model, tear, 3)) << "seed " << seed;
      }
    }
    comparison.Forget();
  }
  EXPECT_GT(comparison.states(), 20'000);
}

TEST(StateTrees, KnowEveryKindOfOperation) {
  Comparison comparison;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    const Trace trace = RandomTrace(seed, 20);
    for (const Model& model : Models()) {
      ASSERT_NO_FATAL_FAILURE(comparison.Compare(trace, model, Tear::kSectorsContiguous, 4))
          << "seed " << seed;
    }
    const Model& random = RandomModel(seed);
    for (const Tear tear : {Tear::kNone, Tear::kSectorsAny, Tear::kBytes64}) {
      ASSERT_NO_FATAL_FAILURE(comparison.Compare(trace, random, tear, 4)) << "seed " << seed;
    }
    comparison.Forget();
  }
  EXPECT_GT(comparison.states(), 20'000);
}

}  // namespace
}  // namespace plugpull
