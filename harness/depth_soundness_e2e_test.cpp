// Goal: the search of crashes in recovery finds what there is, and nothing else.
//
// Method: complete first crash states, all of them or a random few, are laid out as plain files by
// Materialise, and recovered from there on a file system in memory, under the recorder. What it
// records is an ordinary trace; all crash points of it are explored by the search of one crash,
// which knows nothing of recoveries that are cut short. What that shows must be what the search of
// two crashes shows at the same point.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <string_view>

#include "faults/persistence/materialise.h"
#include "faults/persistence/testing.h"
#include "harness/crash_points.h"
#include "harness/testing.h"

namespace plugpull {
namespace {

constexpr size_t kAllStates = 200;    // up to so many, every first state is tried
constexpr size_t kSampledStates = 4;  // else so many

// Writes what an image shows through `vfs`.
void LayOut(const Image& image, InodeId directory, const std::string& path, Vfs& vfs) {
  for (const std::string& name : image.names.Names(directory)) {
    const InodeId inode = image.names.At(directory, name);
    const std::string full = path.empty() ? name : path + '/' + name;
    if (image.names.IsDirectory(inode)) {
      ASSERT_TRUE(vfs.MakeDirectory(full).has_value());
      LayOut(image, inode, full, vfs);
      continue;
    }
    auto file = vfs.Open(full, {.create = true});
    ASSERT_TRUE(file.has_value());
    const FileContent& content = image.files.at(inode);
    std::vector<std::byte> bytes(content.size_bytes());
    content.Read(0, bytes);
    ASSERT_TRUE((*file)->Write(0, bytes).has_value());
  }
}

void DecideAtRandom(Constraints& constraints, Random& random) {
  std::vector<VariableId> order(constraints.size());
  std::iota(order.begin(), order.end(), 0U);
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);
  const uint64_t keep_of_8 = random.Below(9);
  for (const VariableId variable : order) {
    if (constraints.fate(variable) != Fate::kOpen) continue;
    const size_t mark = constraints.Mark();
    const bool keep = random.Below(8) < keep_of_8;
    if (constraints.Decide(variable, keep)) continue;
    constraints.Undo(mark);
    ASSERT_TRUE(constraints.Decide(variable, !keep));
  }
}

std::string Word(const Judgement& judgement) {
  if (judgement.violation) return std::string(Name(judgement.violation->violation));
  return judgement.known_state ? 'T' + std::to_string(judgement.recovered_transaction) : "other";
}

struct Subject {
  std::string target;
  uint32_t transactions;
  const char* model = "posix-minimal";
  const char* tear = "4096";
  size_t least_complete = 5;  // crash points of which all first states are tried
};

class DepthSoundness : public testing::TestWithParam<Subject> {
 protected:
  DepthSoundness()
      : trace_(SmallTrace(GetParam().target, GetParam().transactions, 3)),
        target_(*ParseTarget(GetParam().target)),
        model_(trace_.transactions),
        settings_{.target = GetParam().target,
                  .model = FindModel(GetParam().model),
                  .tear = *ParseTear(GetParam().tear),
                  .keys = 6,
                  .per_class = 1'000'000,
                  .recoveries_per_point = 100'000} {}

  // Adds what a crash in the recovery from this state can lead to, by the search of one crash.
  void Reference(const Image& first, Window window, std::set<std::string>& words) {
    MemoryVfs memory;
    RecordingVfs recorder(memory);
    recorder.trace().transactions = trace_.transactions;
    LayOut(first, kRootInode, "", recorder);
    for (uint32_t number = 1; number <= window.attempted; ++number) {
      recorder.Begin(number);
      if (number <= window.acknowledged) recorder.Acknowledge(number);
    }
    recorder.trace().ops.push_back({.kind = OpKind::kSyncAll});
    const size_t begin = recorder.trace().ops.size();
    std::atomic<Phase> phase = Phase::kOpen;
    Recovery recovery(target_, model_, settings_.promise, {}, phase);
    const bool failed = recovery.Judge(recorder, window).violation.has_value();
    const Trace recorded = recorder.trace();
    recovery.Drop();
    ExploreSettings one = settings_;
    one.depth = 1;
    LocalSearch search;
    PointExplorer explorer(recorded, target_, model_, one, search.state());
    explorer.Observe([&](uint32_t, const Judgement& judgement) { words.insert(Word(judgement)); });
    // A recovery that failed is a finding already, and not looked at beyond its last sync.
    const size_t end = recorded.ops.size();
    // Before its first change, the crash leaves what it had left before.
    const auto change =
        std::find_if(recorded.ops.begin() + static_cast<ptrdiff_t>(begin), recorded.ops.end(),
                     [](const Op& op) { return !IsSync(op.kind); });
    const auto changed = static_cast<size_t>(change - recorded.ops.begin()) + 1;
    for (size_t position = changed; position <= end; ++position) {
      if (failed && !IsPoint(recorded, position)) continue;
      const PointResult result = explorer.Explore(position, {});
      EXPECT_TRUE(result.exhausted);
      EXPECT_EQ(result.window.acknowledged, window.acknowledged);
      EXPECT_EQ(result.window.attempted, window.attempted);
    }
  }

  bool IsPoint(const Trace& recorded, size_t position) const {
    const auto points = CrashPoints(recorded, *settings_.model, settings_.promise);
    return position != recorded.ops.size() && std::ranges::binary_search(points, position);
  }

  const Trace trace_;
  const Target target_;
  const ReferenceModel model_;
  const ExploreSettings settings_;
};

TEST_P(DepthSoundness, TwoCrashesShowWhatOneShowsOnEachRecordedRecovery) {
  LocalSearch search;
  PointExplorer explorer(trace_, target_, model_, settings_, search.state());
  std::set<std::string> found;
  explorer.Observe([&](uint32_t generation, const Judgement& judgement) {
    if (generation == 1) found.insert(Word(judgement));
  });
  size_t complete = 0;
  size_t telling = 0;
  for (const size_t position : CrashPoints(trace_, *settings_.model, settings_.promise)) {
    found.clear();
    const PointResult result = explorer.Explore(position, {});
    ASSERT_TRUE(result.exhausted && result.deeper.at(0).exhausted) << position;
    ASSERT_TRUE(result.unknown.empty());
    CrashCursor cursor(trace_, *settings_.model, settings_.tear);
    cursor.AdvanceTo(position);
    CrashGraph graph;
    graph.Build(cursor, settings_.tear);
    auto states = LegalStates(graph.constraints(), kAllStates);
    const bool all = states.has_value();
    if (!all) {
      states.emplace();
      Random random(position, "first-states");
      for (size_t i = 0; i < kSampledStates; ++i) {
        graph.constraints().Undo(0);
        DecideAtRandom(graph.constraints(), random);
        states->push_back(DecidedState(graph.constraints()));
      }
    }
    std::set<std::string> shown;
    for (const State& state : *states) {
      const auto lost = LostAtoms(graph, state);
      Reference(Materialise(trace_, position, lost, graph.tear()), result.window, shown);
    }
    if (all) {
      ++complete;
      if (shown.size() > 1) ++telling;
      EXPECT_EQ(shown, found) << "at " << position;
    } else {
      EXPECT_TRUE(std::ranges::includes(found, shown)) << "at " << position;
    }
  }
  RecordProperty("complete", static_cast<int>(complete));
  RecordProperty("telling", static_cast<int>(telling));
  EXPECT_GE(complete, GetParam().least_complete);
}

INSTANTIATE_TEST_SUITE_P(
    Targets, DepthSoundness,
    testing::Values(
        Subject{"sqlite:sync=extra", 2}, Subject{"sqlite:sync=full", 2},
        Subject{"sqlite:journal=wal,sync=full", 2}, Subject{"sqlite:journal=truncate,sync=full", 2},
        Subject{"sqlite:journal=persist,sync=full", 2}, Subject{"cow_tree", 2},
        Subject{"cow_tree:init=direct", 2}, Subject{"fragile_log", 4},
        Subject{"fragile_log", 4, "posix-minimal", "512"}, Subject{"fragile_log:sync=0", 3},
        Subject{"sqlite:sync=extra", 2, "ext4-ordered"}, Subject{"sqlite:sync=normal", 2, "btrfs"},
        Subject{"sqlite:sync=off", 1, "xfs", "4096", 0}, Subject{"files:protocol=wal", 2},
        Subject{"files:protocol=wal", 2, "posix-minimal", "512"},
        Subject{"files:protocol=double-write", 2}, Subject{"files:protocol=manifest", 2},
        Subject{"files:protocol=append,sync=fdatasync", 3, "ext4-writeback", "512"},
        Subject{"files:protocol=append,sync=dsync", 3},
        Subject{"files:protocol=replace,sync=file", 3, "ext4-ordered"},
        Subject{"cow_tree:mutant=R1", 2}, Subject{"cow_tree:mutant=R1", 3, "ext4-ordered", "512"},
        Subject{"cow_tree:mutant=R1", 2, "process-kill"},
        Subject{"cow_tree:mutant=R2", 2, "ext4-writeback"},
        Subject{"sqlite:sync=extra", 2, "ordered"}, Subject{"sqlite:sync=extra", 2, "process-kill"},
        Subject{"sqlite:sync=full", 2, "ext4-journal"}, Subject{"fragile_log:sync=0", 3, "somc"}),
    [](const testing::TestParamInfo<Subject>& subject) {
      std::string name =
          subject.param.target + '_' + subject.param.model + '_' + subject.param.tear;
      std::ranges::replace_if(
          name, [](char c) { return std::string_view(":=,-").contains(c); }, '_');
      return name;
    });

}  // namespace
}  // namespace plugpull
