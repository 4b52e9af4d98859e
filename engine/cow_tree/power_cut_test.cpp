// Goal: whatever a power cut leaves of a store, the revision that was acknowledged last or the one
// that was attempted is there, sound, and can be written to; with every free policy, with readers
// that hold pages back and with transactions that are rolled back. Method: every crash state of
// every operation under the weakest model, sectors torn, decided as they are read. With
// hold_two_generations the check has the tree of the previous meta looked at in each of them.
#include "engine/cow_tree/test_support.h"
#include "faults/persistence/crash_view.h"
#include "faults/persistence/model.h"
#include "faults/vfs/recording_vfs.h"

namespace plugpull::cow_tree {
namespace {

constexpr uint32_t kTransactions = 40;

// Plays transactions of which each rewrites most pages of a small store.
class Recording {
 public:
  Recording(const OptionList& options, bool has_readers) {
    const std::unique_ptr<Engine> engine = OpenStore(recorder_, options);
    std::vector<std::unique_ptr<Snapshot>> readers;
    for (uint32_t number = 1; number <= kTransactions; ++number) {
      if (has_readers) {
        readers.push_back(OpenSnapshot(*engine));
        if (readers.size() > 2) readers.erase(readers.begin());
        RollbackOk(*engine, ChangesOf(number + 10));
      }
      begun_.push_back(recorder_.trace().ops.size());
      ApplyOk(*engine, ChangesOf(number));
      acknowledged_.push_back(recorder_.trace().ops.size());
      contents_.push_back(ContentsOf(*engine));
    }
  }

  const Trace& trace() const { return recorder_.trace(); }

  // Returns: whether a store may have these contents when the power fails at `position`.
  bool Allows(const Contents& contents, size_t position) const {
    for (size_t revision = 0; revision < contents_.size(); ++revision) {
      const bool is_attempted = revision == 0 || begun_[revision - 1] < position;
      const bool is_over = revision + 1 < contents_.size() && acknowledged_[revision] <= position;
      if (is_attempted && !is_over && contents == contents_[revision]) return true;
    }
    return false;
  }

 private:
  static std::vector<Change> ChangesOf(uint32_t number) {
    std::vector<Change> changes;
    for (uint32_t index = 0; index < 12; ++index) {
      if ((index + number) % 4 == 0) continue;
      Change change{fmt::format("key{:02}", index), std::nullopt};
      if ((index + number) % 5 != 0) change.value = std::string(100 + 10 * number, 'v');
      changes.push_back(std::move(change));
    }
    return changes;
  }

  MemoryVfs memory_;
  RecordingVfs recorder_{memory_};
  std::vector<size_t> begun_;
  std::vector<size_t> acknowledged_;
  std::vector<Contents> contents_{Contents()};
};

// Returns: what is wrong with a store after a power cut; "" when nothing is.
std::string FaultOf(Vfs& vfs, const OptionList& options, const Recording& recording,
                    size_t position) {
  const std::unique_ptr<Engine> engine = MakeStore(vfs, options);
  if (const Expected<void> opened = engine->Open(); !opened) return opened.error().context;
  ContentsVisitor visitor;
  if (const Expected<void> done = engine->Scan(visitor); !done) return done.error().context;
  if (!recording.Allows(visitor.contents, position)) return "wrong contents";
  for (int use = 0; use < 2; ++use) {
    const Expected<CheckReport> report = engine->Check();
    if (!report) return report.error().context;
    if (!report->structure.empty()) return report->structure.front();
    if (!report->leaks.empty()) return report->leaks.front();
    const Expected<void> applied = engine->Apply({{{"key01", "used again"}}});
    if (!applied) return applied.error().context;
  }
  return "";
}

// Returns: the first fault that a store with `options` shows after a power cut in `recording`.
std::string FirstFault(const Recording& recording, const OptionList& options) {
  CrashCursor cursor(recording.trace(), *FindModel("posix-minimal"));
  for (size_t position = 0; position <= recording.trace().ops.size(); ++position) {
    cursor.AdvanceTo(position);
    CrashGraph graph;
    std::vector<Choice> path(4096);
    uint32_t length = 0;
    Choices choices(path, length);
    CrashView view(graph, choices);
    graph.Build(cursor, Tear::kSectorsContiguous);
    do {
      view.Restart();
      const std::string fault = FaultOf(view, options, recording, position);
      if (!fault.empty()) return fmt::format("operation {}: {}", position, fault);
      choices.Finish();
      EXPECT_FALSE(choices.diverged() || choices.overflowed());
    } while (choices.Advance());
  }
  return "";
}

using Setting = std::tuple<const char*, const char*, bool>;  // free_policy, freelist, readers

class PowerCutTest : public testing::TestWithParam<Setting> {};

TEST_P(PowerCutTest, LeavesTheOldRevisionOrTheNew) {
  const auto [policy, freelist, has_readers] = GetParam();
  const OptionList options = {
      {"free_policy", policy}, {"freelist", freelist}, {"page_size", "1024"}};
  EXPECT_EQ(FirstFault(Recording(options, has_readers), options), "");
}

std::string NameOf(const testing::TestParamInfo<Setting>& setting) {
  const auto& [policy, freelist, has_readers] = setting.param;
  return fmt::format("{}_{}{}", policy, freelist, has_readers ? "_readers" : "");
}

INSTANTIATE_TEST_SUITE_P(Stores, PowerCutTest,
                         testing::Combine(testing::Values("stock", "delayed_free",
                                                          "hold_two_generations"),
                                          testing::Values("synced", "none"), testing::Bool()),
                         NameOf);

OptionList WithMutant(const char* mutant) { return {{"mutant", mutant}, {"page_size", "1024"}}; }

// The same search finds what it is for.
TEST(PowerCut, MutantsAreFound) {
  for (const char* mutant : {"M1", "M2", "M5", "M7a", "M7b", "M8", "M11", "M18", "M19"}) {
    const Recording recording(WithMutant(mutant), /*has_readers=*/false);
    EXPECT_NE(FirstFault(recording, WithMutant(mutant)), "") << mutant;
  }
}

// A meta lies in one sector, so that these are no bugs on a disk that does not tear sectors.
TEST(PowerCut, MutantsOfOneSectorAreEquivalent) {
  for (const char* mutant : {"M3", "M4", "M10b", "M20"}) {
    const Recording recording(WithMutant(mutant), /*has_readers=*/false);
    EXPECT_EQ(FirstFault(recording, WithMutant(mutant)), "") << mutant;
  }
}

// What the stock policy leaves is not enough for a check that wants the previous tree whole.
TEST(PowerCut, StockOverwritesThePreviousTree) {
  const Recording recording(WithMutant("none"), /*has_readers=*/false);
  EXPECT_THAT(FirstFault(recording, {{"free_policy", "hold_two_generations"}}),
              testing::HasSubstr("tree of the previous meta: "));
}

}  // namespace
}  // namespace plugpull::cow_tree
