// Goal: counts of crash states are exact where they say so.
//
// Method: on random programs, against plain enumeration, with nothing decided and after random
// decisions; on structured programs that are too large to enumerate, against closed formulas.
#include "faults/persistence/state_count.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "faults/base/bytes.h"
#include "faults/base/random.h"
#include "faults/persistence/testing.h"
#include "faults/vfs/memory_vfs.h"
#include "faults/vfs/recording_vfs.h"

namespace plugpull {
namespace {

StateCount CountAgreeingPlainly(const Constraints& constraints, const std::vector<State>& states) {
  StateCount count = 0;
  for (const State& state : states) {
    bool agrees = true;
    for (const VariableId variable : constraints.trail()) {
      agrees = agrees && (constraints.fate(variable) == Fate::kKept) == (state[variable] != 0);
    }
    if (agrees) ++count;
  }
  return count;
}

// Decides variables at random until none is open, and compares the count after each decision.
void ExpectCountsToAgree(Random& random, CrashGraph& graph, const std::vector<State>& states) {
  StateCounter counter(graph);
  Constraints& constraints = graph.constraints();
  ASSERT_TRUE(counter.exact());
  ASSERT_EQ(counter.total(), states.size());
  ASSERT_EQ(counter.CountAgreeing(), states.size());
  for (VariableId tries = 0; tries < 2 * constraints.size(); ++tries) {
    const auto variable = static_cast<VariableId>(random.Below(constraints.size()));
    const size_t mark = constraints.Mark();
    if (!constraints.Decide(variable, random.OneIn(1, 2))) {
      constraints.Undo(mark);
      continue;
    }
    ASSERT_EQ(counter.CountAgreeing(), CountAgreeingPlainly(constraints, states));
  }
  ASSERT_TRUE(counter.exact());
  constraints.Undo(0);
}

TEST(StateCountTest, CountsOfRandomProgramsAreThoseOfPlainEnumeration) {
  int points = 0;
  CrashGraph graph;
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    const Trace trace = RandomProgram(seed, 14);
    Random random(seed, "state-count");
    for (const Model& model : Models()) {
      CrashCursor cursor(trace, model);
      for (size_t position = 1; position <= trace.ops.size(); ++position) {
        cursor.AdvanceTo(position);
        for (const Tear tear : kAllTears) {
          graph.Build(cursor, tear);
          const auto states = LegalStates(graph.constraints(), 400);
          if (!states || graph.constraints().size() == 0) continue;
          ASSERT_NO_FATAL_FAILURE(ExpectCountsToAgree(random, graph, *states))
              << "seed " << seed << " position " << position << " model " << model.name << " tear "
              << Name(tear);
          ++points;
        }
      }
    }
  }
  EXPECT_GT(points, 3000);
}

// A program that a test writes by hand.
class Program {
 public:
  std::unique_ptr<VfsFile> Create(const char* path) {
    return *recorder_.Open(path, {.create = true});
  }

  // A file of `size_bytes` that is on disk for good.
  std::unique_ptr<VfsFile> CreateDurable(const char* path, size_t size_bytes) {
    std::unique_ptr<VfsFile> file = Create(path);
    Write(*file, 0, size_bytes);
    EXPECT_TRUE(file->Sync(SyncKind::kFull).has_value());
    EXPECT_TRUE(recorder_.SyncDirectory("").has_value());
    return file;
  }

  static void Write(VfsFile& file, uint64_t offset_bytes, size_t size_bytes) {
    const std::string data(size_bytes, 'x');
    EXPECT_TRUE(file.Write(offset_bytes, AsBytes(data)).has_value());
  }

  // Returns: the number of crash states at the end, which must be exact.
  StateCount Count(const char* model, Tear tear) const {
    CrashCursor cursor(recorder_.trace(), *FindModel(model));
    cursor.AdvanceTo(recorder_.trace().ops.size());
    CrashGraph graph;
    graph.Build(cursor, tear);
    const StateCounter counter(graph);
    EXPECT_TRUE(counter.exact());
    return counter.total();
  }

 private:
  MemoryVfs disk_;
  RecordingVfs recorder_{disk_};
};

TEST(StateCountTest, RewritesOfOnePageAreAChainInEachOfItsPieces) {
  Program program;
  const auto file = program.CreateDurable("f", 4096);
  constexpr int kRewrites = 5;
  for (int i = 0; i < kRewrites; ++i) program.Write(*file, 0, 4096);
  EXPECT_EQ(program.Count("posix-minimal", Tear::kNone), kRewrites + 1);
  EXPECT_EQ(program.Count("posix-minimal", Tear::kPages), kRewrites + 1);
  EXPECT_EQ(program.Count("posix-minimal", Tear::kSectorsAny), pow(StateCount(kRewrites + 1), 8));
  EXPECT_EQ(program.Count("ordered", Tear::kPages), kRewrites + 1);
  EXPECT_EQ(program.Count("ordered", Tear::kSectorsAny), 8 * kRewrites + 1);
  EXPECT_EQ(program.Count("process-kill", Tear::kSectorsAny), 1);
}

TEST(StateCountTest, DecisionsAboutFewOfManyPagesLeaveTheOthersOpen) {
  MemoryVfs disk;
  RecordingVfs recorder(disk);
  const auto file = *recorder.Open("f", {.create = true});
  constexpr int kPages = 60;
  const std::string data(kPages * 4096, 'x');
  ASSERT_TRUE(file->Write(0, AsBytes(data)).has_value());
  ASSERT_TRUE(file->Sync(SyncKind::kFull).has_value());
  ASSERT_TRUE(recorder.SyncDirectory("").has_value());
  ASSERT_TRUE(file->Write(0, AsBytes(data)).has_value());
  CrashCursor cursor(recorder.trace(), *FindModel("posix-minimal"));
  cursor.AdvanceTo(recorder.trace().ops.size());
  CrashGraph graph;
  graph.Build(cursor, Tear::kPages);
  StateCounter counter(graph);
  EXPECT_EQ(counter.total(), StateCount(1) << kPages);
  for (VariableId page = 0; page < kPages; ++page) {
    ASSERT_TRUE(graph.constraints().Decide(page, page % 2 == 0));
    ASSERT_EQ(counter.CountAgreeing(), StateCount(1) << (kPages - 1 - static_cast<int>(page)));
  }
}

TEST(StateCountTest, OneTornPageIsAPrefixOrASuffix) {
  Program program;
  const auto file = program.CreateDurable("f", 3 * 4096);
  program.Write(*file, 0, 4096);
  EXPECT_EQ(program.Count("posix-minimal", Tear::kSectorsContiguous), 16);
  program.Write(*file, 4096, 2 * 4096);
  EXPECT_EQ(program.Count("posix-minimal", Tear::kSectorsContiguous), 16 * 16 * 16);
}

TEST(StateCountTest, ANewFileHasNothingBeforeItExists) {
  Program program;
  const auto file = program.Create("f");
  program.Write(*file, 0, 3 * 4096);
  // Not there at all; or there: named or not, each page kept or not, three steps of the size. All
  // that twice, for new blocks that were zeroed and for such that were not.
  EXPECT_EQ(program.Count("posix-minimal", Tear::kPages), 2 * (1 + 2 * 8 * 4));
  EXPECT_EQ(program.Count("posix-minimal", Tear::kNone), 2 * (1 + 2 * 2 * 2));
  EXPECT_EQ(program.Count("posix-minimal", Tear::kSectorsContiguous),
            2 * (1 + 2 * 16 * 16 * 16 * 4));
  EXPECT_EQ(program.Count("posix-minimal", Tear::kSectorsAny),
            2 * (1 + 2 * pow(StateCount(2), 24) * 4));
  // There with its name or not at all; each page alone; the size a chain.
  EXPECT_EQ(program.Count("ext4-ordered", Tear::kPages), 1 + 8 * 4);
  // Each page kept or not, and if it is, its step of the size kept or not.
  EXPECT_EQ(program.Count("xfs", Tear::kPages), 1 + 3 * 3 * 3);
  EXPECT_EQ(program.Count("xfs", Tear::kSectorsContiguous), 1 + 17 * 17 * 17);
  // As many pages of the size as pages before them.
  EXPECT_EQ(program.Count("ext4-ordered-classic", Tear::kPages), 1 + 8 + 4 + 2 + 1);
  EXPECT_EQ(program.Count("btrfs", Tear::kSectorsContiguous), 1 + 8 * 8);
  // A prefix: nothing, the file, three pages, three steps of the size.
  EXPECT_EQ(program.Count("ext4-journal", Tear::kPages), 1 + 1 + 3 + 3);
  EXPECT_EQ(program.Count("ordered", Tear::kPages), 1 + 2 + 3 + 3);
}

TEST(StateCountTest, ManySmallAppendsToANewLogAreCountedExactly) {
  Program program;
  const auto log = program.Create("log");
  constexpr int kAppends = 400;
  for (uint64_t i = 0; i < kAppends; ++i) program.Write(*log, i * 4096, 4096);
  // Each page kept or not, the size a chain; new blocks zeroed or not.
  EXPECT_EQ(program.Count("posix-minimal", Tear::kPages),
            2 * (1 + 2 * pow(StateCount(2), kAppends) * (kAppends + 1)));
  EXPECT_EQ(program.Count("posix-minimal", Tear::kSectorsContiguous),
            2 * (1 + 2 * pow(StateCount(16), kAppends) * (kAppends + 1)));
}

TEST(StateCountTest, ManyRewritesOfTheSectorsOfOnePageDoNotOverflow) {
  Program program;
  const auto file = program.CreateDurable("f", 4096);
  program.Write(*file, 0, 1024);
  constexpr int kRewrites = 400;
  for (int i = 0; i < kRewrites; ++i) {
    for (uint64_t sector = 0; sector < 8; ++sector) program.Write(*file, sector * 512, 512);
  }
  // The first write has a prefix or a suffix of two sectors, so any subset: a chain in each sector.
  EXPECT_EQ(program.Count("posix-minimal", Tear::kSectorsContiguous),
            pow(StateCount(kRewrites + 2), 2) * pow(StateCount(kRewrites + 1), 6));
}

}  // namespace
}  // namespace plugpull
