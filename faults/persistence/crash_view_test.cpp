// Goal: exploring lazily shows exactly the crash states that there are, no more and no fewer.
//
// Method: random programs leave traces. At their crash points every legal state is materialised
// the plain way and looked at by a second random program, the explorer; what it sees is counted.
// Then the same explorer runs on a CrashView until all executions are done, and each execution
// counts for the states that agree with its choices. Both counts must agree for every observation.
#include "faults/persistence/crash_view.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "faults/base/bytes.h"
#include "faults/persistence/materialise.h"
#include "faults/persistence/stale.h"
#include "faults/persistence/state_count.h"
#include "faults/persistence/testing.h"
#include "faults/vfs/memory_vfs.h"
#include "faults/vfs/recording_vfs.h"

namespace plugpull {
namespace {

using Counts = std::map<std::string, StateCount>;  // by observation

// What an explorer does, and on what.
struct Setting {
  const CrashGraph* graph;
  uint64_t seed;
  int steps;
  bool writes;

  std::string SeenOn(const State& state) const {
    const CrashCursor& cursor = graph->cursor();
    MemoryVfs disk(
        Materialise(cursor.trace(), cursor.position(), LostAtoms(*graph, state), graph->tear()));
    return Explore(disk, seed, steps, writes);
  }
};

Counts CountPlainly(const Setting& setting, const std::vector<State>& states) {
  Counts counts;
  for (const State& state : states) counts[setting.SeenOn(state)] += 1;
  return counts;
}

// The lazy side. One for many crash points, as the explorer has it.
struct Lazy {
  CrashGraph graph;
  std::array<Choice, 256> path{};
  uint32_t length = 0;
  Choices choices{path, length};
  CrashView view{graph, choices};

  Counts Count(const Setting& setting, StateCounter& counter) {
    length = 0;
    Counts counts;
    do {
      view.Restart();
      const std::string seen = Explore(view, setting.seed, setting.steps, setting.writes);
      choices.Finish();
      EXPECT_FALSE(choices.diverged());
      EXPECT_FALSE(choices.overflowed());
      counts[seen] += counter.CountAgreeing();
      // The execution stands for each of its states, so also for the one that loses least.
      graph.constraints().KeepTheRest();
      EXPECT_EQ(setting.SeenOn(DecidedState(graph.constraints())), seen);
    } while (choices.Advance() && !::testing::Test::HasFailure());
    return counts;
  }
};

// How much a run of comparisons has compared, so that a test can say that it was enough.
struct Effort {
  int points = 0;
  size_t states = 0;
};

// Compares at every crash point of `trace` that has few enough states to count them plainly.
void ExpectAgreement(const Trace& trace, const Model& model, Tear tear, uint64_t seed, bool writes,
                     Effort& effort) {
  constexpr size_t kMostStates = 150;
  CrashCursor cursor(trace, model, tear);
  Lazy lazy;
  for (size_t position = 0; position <= trace.ops.size(); ++position) {
    cursor.AdvanceTo(position);
    lazy.graph.Build(cursor, tear);
    const auto states = LegalStates(lazy.graph.constraints(), kMostStates);
    if (!states || states->size() < 2) continue;
    StateCounter counter(lazy.graph);
    ASSERT_TRUE(counter.exact());
    ASSERT_EQ(counter.total(), states->size()) << "seed " << seed << " position " << position
                                               << " model " << model.name << " tear " << Name(tear);
    const Setting setting{&lazy.graph, seed + position, 14, writes};
    ASSERT_EQ(lazy.Count(setting, counter), CountPlainly(setting, *states))
        << "seed " << seed << " position " << position << " model " << model.name << " tear "
        << Name(tear);
    ++effort.points;
    effort.states += states->size();
  }
}

void ExpectAgreementOnRandomPrograms(bool writes, uint64_t first_seed, uint64_t seeds,
                                     Effort& effort) {
  for (uint64_t seed = first_seed; seed < first_seed + seeds; ++seed) {
    const Trace trace = RandomProgram(seed, 16);
    for (const Model& model : Models()) {
      for (const Tear tear : kAllTears) {
        ASSERT_NO_FATAL_FAILURE(ExpectAgreement(trace, model, tear, seed, writes, effort));
      }
    }
  }
}

TEST(CrashViewTest, ReadersSeeEveryCrashStateAndNoOther) {
  Effort effort;
  ExpectAgreementOnRandomPrograms(/*writes=*/false, 1, 60, effort);
  EXPECT_GT(effort.points, 2000);
  EXPECT_GT(effort.states, 40'000U);
}

TEST(CrashViewTest, ProgramsThatWriteSeeEveryCrashStateAndNoOther) {
  Effort effort;
  ExpectAgreementOnRandomPrograms(/*writes=*/true, 1001, 60, effort);
  EXPECT_GT(effort.points, 2000);
  EXPECT_GT(effort.states, 40'000U);
}

// A program that a test writes by hand, pulled at its end, and what a recovery makes of it.
class Recovery {
 public:
  Recovery() {
    file_ = *recorder_.Open("f", {.create = true});
    Write(0, std::string(8192, '0'));
    EXPECT_TRUE(file_->Sync(SyncKind::kFull).has_value());
    EXPECT_TRUE(recorder_.SyncDirectory("").has_value());
  }

  Vfs& vfs() { return recorder_; }

  void Write(uint64_t offset_bytes, const std::string& data) {
    EXPECT_TRUE(file_->Write(offset_bytes, AsBytes(data)).has_value());
  }

  void Truncate(uint64_t size_bytes) { EXPECT_TRUE(file_->Truncate(size_bytes).has_value()); }

  // Runs `recover` on every crash state of posix-minimal. Returns: what it returned, in the order
  // of the executions.
  template <typename Recover>
  std::vector<std::string> Run(Tear tear, Recover recover) {
    CrashCursor cursor(recorder_.trace(), *FindModel("posix-minimal"));
    cursor.AdvanceTo(recorder_.trace().ops.size());
    Lazy lazy;
    lazy.graph.Build(cursor, tear);
    StateCounter counter(lazy.graph);
    StateCount covered = 0;
    std::vector<std::string> seen;
    do {
      lazy.view.Restart();
      seen.push_back(recover(static_cast<Vfs&>(lazy.view)));
      lazy.choices.Finish();
      EXPECT_FALSE(lazy.choices.diverged());
      covered += counter.CountAgreeing();
    } while (lazy.choices.Advance());
    EXPECT_EQ(covered, counter.total());
    return seen;
  }

  static std::string Read(Vfs& vfs, uint64_t offset_bytes, size_t length) {
    const auto file = *vfs.Open("f", {});
    std::string text(length, '?');
    text.resize(*file->Read(offset_bytes, std::as_writable_bytes(std::span(text))));
    return text;
  }

 private:
  MemoryVfs disk_;
  RecordingVfs recorder_{disk_};
  std::unique_ptr<VfsFile> file_;
};

using Seen = std::vector<std::string>;

TEST(CrashViewTest, OnlyTheNewestWriteThatChangesTheBytesIsAskedAbout) {
  Recovery recovery;
  recovery.Write(0, std::string(1024, 'a'));
  recovery.Write(512, std::string(1024, 'a'));
  recovery.Write(4096, "b");
  const auto read = [&](Vfs& vfs) { return recovery.Read(vfs, 600, 1); };
  EXPECT_EQ(recovery.Run(Tear::kSectorsAny, read), (Seen{"a", "0"}));
}

TEST(CrashViewTest, ARewriteOfTheSameBytesIsNoChoice) {
  Recovery recovery;
  recovery.Write(0, std::string(4096, '0'));
  const auto read = [&](Vfs& vfs) { return recovery.Read(vfs, 100, 2); };
  EXPECT_EQ(recovery.Run(Tear::kSectorsContiguous, read), (Seen{"00"}));
}

// Returns: what a new block shows at an offset where it was not zeroed.
std::string Stale(uint64_t offset_bytes) { return {static_cast<char>(StaleByte(offset_bytes))}; }

TEST(CrashViewTest, SizesAreAskedOnlyAsFarAsAReadNeeds) {
  Recovery recovery;
  recovery.Write(8192, std::string(8192, '1'));
  const auto read = [&](Vfs& vfs) { return recovery.Read(vfs, 8191, 1); };
  EXPECT_EQ(recovery.Run(Tear::kPages, read), (Seen{"0"}));
  const auto read_beyond = [&](Vfs& vfs) { return recovery.Read(vfs, 12'288, 1); };
  EXPECT_EQ(recovery.Run(Tear::kPages, read_beyond),
            (Seen{"1", std::string(1, '\0'), Stale(12'288), ""}));
}

TEST(CrashViewTest, WhatRecoveryWroteIsNoChoice) {
  Recovery recovery;
  recovery.Write(0, std::string(4096, '1'));
  const auto recover = [&](Vfs& vfs) {
    const auto file = *vfs.Open("f", {});
    EXPECT_TRUE(file->Write(0, AsBytes(std::string(4096, '2'))).has_value());
    return recovery.Read(vfs, 0, 2);
  };
  EXPECT_EQ(recovery.Run(Tear::kSectorsAny, recover), (Seen{"22"}));
}

TEST(CrashViewTest, BytesBeyondTheEndDoNotComeBackWhenRecoveryGrowsTheFile) {
  Recovery recovery;
  recovery.Write(8192, "1");
  const auto recover = [&](Vfs& vfs) {
    const auto file = *vfs.Open("f", {});
    EXPECT_TRUE(file->Write(8194, AsBytes("2")).has_value());
    return recovery.Read(vfs, 8191, 9);
  };
  // Kept: size and byte; the size alone, on a new block that is zeroed or not; neither or the byte
  // alone, which look the same.
  const std::string zeros("0\0\0002", 4);
  EXPECT_EQ(
      recovery.Run(Tear::kPages, recover),
      (Seen{std::string("01\0002", 4), zeros, "0" + Stale(8192) + std::string("\0002", 2), zeros}));
}

TEST(CrashViewTest, ATruncateThatMayBeLostMayComeBackUnderALaterWrite) {
  Recovery recovery;
  recovery.Truncate(0);
  recovery.Write(0, "1");
  const auto recover = [&](Vfs& vfs) { return recovery.Read(vfs, 0, 2); };
  EXPECT_EQ(recovery.Run(Tear::kNone, recover), (Seen{"1", std::string(1, '\0'), "", "10", "00"}));
}

TEST(CrashViewTest, RenameOverAnUndecidedNameDoesNotAskWhatItWas) {
  Recovery recovery;
  EXPECT_TRUE(recovery.vfs().Open("g", {.create = true}).has_value());
  const auto recover = [](Vfs& vfs) {
    EXPECT_TRUE(vfs.Rename("f", "g").has_value());
    return *vfs.Exists("g") && !*vfs.Exists("f") ? "renamed" : "not";
  };
  EXPECT_EQ(recovery.Run(Tear::kNone, recover), (Seen{"renamed"}));
}

TEST(CrashViewTest, RenameAsksWhereTheOtherNameMayBeTheSameFile) {
  Recovery recovery;
  EXPECT_TRUE(recovery.vfs().Link("f", "g").has_value());
  const auto recover = [](Vfs& vfs) {
    EXPECT_TRUE(vfs.Rename("f", "g").has_value());
    return *vfs.Exists("f") ? "both stay" : "moved";
  };
  EXPECT_EQ(recovery.Run(Tear::kNone, recover), (Seen{"both stay", "moved"}));
}

class CrashViewPathTest : public ::testing::Test {
 protected:
  CrashViewPathTest() : cursor_(recorder_.trace(), Models().front()) {
    for (const char* name : {"a", "b"}) {
      const auto file = *recorder_.Open(name, {.create = true});
      for (const char letter : {'1', '2'}) {
        EXPECT_TRUE(file->Write(300, AsBytes(std::string(6000, letter))).has_value());
      }
      EXPECT_TRUE(file->Truncate(5000).has_value());
    }
    cursor_.AdvanceTo(recorder_.trace().ops.size());
    lazy_.graph.Build(cursor_, Tear::kSectorsContiguous);
  }

  std::string Execute(uint64_t seed) {
    lazy_.view.Restart();
    std::string seen = Explore(lazy_.view, seed, 30, /*writes=*/true);
    lazy_.choices.Finish();
    return seen;
  }

  MemoryVfs disk_;
  RecordingVfs recorder_{disk_};
  CrashCursor cursor_;
  Lazy lazy_;
};

TEST_F(CrashViewPathTest, ExecutionsRepeatAlongTheirPath) {
  int executions = 0;
  do {
    const std::string first = Execute(1);
    const std::vector<Choice> path(lazy_.choices.path().begin(), lazy_.choices.path().end());
    EXPECT_EQ(Execute(1), first);
    EXPECT_FALSE(lazy_.choices.diverged());
    EXPECT_TRUE(std::ranges::equal(lazy_.choices.path(), path));
  } while (lazy_.choices.Advance() && ++executions < 200);
  EXPECT_GT(executions, 10);
}

// Looks at names in an order that changes from one execution to the next.
TEST_F(CrashViewPathTest, AnExecutionThatAsksOtherQuestionsIsCalledDiverged) {
  const auto look = [this](const char* first, const char* second) {
    lazy_.view.Restart();
    EXPECT_TRUE(lazy_.view.Exists(first).has_value());
    EXPECT_TRUE(lazy_.view.Exists(second).has_value());
    lazy_.choices.Finish();
  };
  look("a", "b");
  ASSERT_EQ(lazy_.length, 2U);
  look("a", "b");
  EXPECT_FALSE(lazy_.choices.diverged());
  look("b", "a");
  EXPECT_TRUE(lazy_.choices.diverged());
  EXPECT_EQ(lazy_.length, 2U);
}

TEST_F(CrashViewPathTest, AnExecutionThatAsksFewerQuestionsIsCalledDiverged) {
  Execute(1);
  ASSERT_GT(lazy_.length, 0U);
  lazy_.view.Restart();
  lazy_.choices.Finish();
  EXPECT_TRUE(lazy_.choices.diverged());
}

TEST_F(CrashViewPathTest, APathThatIsTooShortIsNoticed) {
  std::array<Choice, 1> path{};
  uint32_t length = 0;
  Choices choices(path, length);
  CrashView view(lazy_.graph, choices);
  view.Restart();
  Explore(view, 1, 30, /*writes=*/true);
  EXPECT_TRUE(choices.overflowed());
  EXPECT_EQ(length, 1U);
}

TEST_F(CrashViewPathTest, OnlyAChangeMakesAViewModified) {
  lazy_.view.Restart();
  Explore(lazy_.view, 1, 30, /*writes=*/false);
  EXPECT_FALSE(lazy_.view.modified());
  EXPECT_TRUE(lazy_.view.Open("new", {.create = true}).has_value());
  EXPECT_TRUE(lazy_.view.modified());
}

}  // namespace
}  // namespace plugpull
