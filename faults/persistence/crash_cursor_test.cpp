// Goal: at each crash point, exactly the crash states that the definition allows are left.
//
// Method: the rules one by one, by what a program could see after the crash; then random programs,
// whose states by the definition (ReferenceStates) must look like those of cursor and graph.
#include "faults/persistence/crash_cursor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "faults/base/bytes.h"
#include "faults/persistence/materialise.h"
#include "faults/persistence/stale.h"
#include "faults/persistence/testing.h"
#include "faults/trace/validate.h"
#include "faults/vfs/memory_vfs.h"
#include "faults/vfs/recording_vfs.h"

namespace plugpull {
namespace {

using ::testing::UnorderedElementsAre;

constexpr size_t kMostStates = 5000;

// Returns: all that may be visible when the plug is pulled at `position`.
std::set<std::string> Left(const Trace& trace, size_t position, const Model& model, Tear tear) {
  CrashCursor cursor(trace, model, tear);
  cursor.AdvanceTo(position);
  CrashGraph graph;
  graph.Build(cursor, tear);
  const auto states = LegalStates(graph.constraints(), kMostStates);
  EXPECT_TRUE(states.has_value());
  std::set<std::string> left;
  for (const State& state : *states) {
    left.insert(Visible(Materialise(trace, position, LostAtoms(graph, state), graph.tear())));
  }
  return left;
}

// Returns: what a new block at the start of a file may show instead of zeros.
std::string Stale(size_t length) {
  std::string bytes;
  for (size_t i = 0; i < length; ++i) bytes += static_cast<char>(StaleByte(i));
  return bytes;
}

// A program that a test writes by hand. What is left at its end shows files as "name size bytes;".
class Program {
 public:
  Vfs& vfs() { return recorder_; }
  Trace& trace() { return recorder_.trace(); }

  std::unique_ptr<VfsFile> Open(const char* path) { return *vfs().Open(path, {.create = true}); }

  static void Write(VfsFile& file, uint64_t offset_bytes, const std::string& data) {
    EXPECT_TRUE(file.Write(offset_bytes, AsBytes(data)).has_value());
  }

  static void Sync(VfsFile& file) { EXPECT_TRUE(file.Sync(SyncKind::kFull).has_value()); }

  void SyncDirectory(const char* path = "") { EXPECT_TRUE(vfs().SyncDirectory(path).has_value()); }

  // A file that is on disk for good.
  void MakeDurable(const char* path, const std::string& data) {
    const auto file = Open(path);
    Write(*file, 0, data);
    Sync(*file);
    SyncDirectory();
  }

  std::set<std::string> Left(const char* model = "posix-minimal", Tear tear = Tear::kNone) {
    EXPECT_TRUE(ValidateTrace(trace()).has_value()) << ValidateTrace(trace()).error().context;
    return plugpull::Left(trace(), trace().ops.size(), *FindModel(model), tear);
  }

 private:
  MemoryVfs disk_;
  RecordingVfs recorder_{disk_};
};

TEST(CrashCursorTest, SyncedFileKeepsBytesAndSizeButNotItsName) {
  Program program;
  const auto file = program.Open("f");
  program.Write(*file, 0, "one");
  program.Sync(*file);
  EXPECT_THAT(program.Left(), UnorderedElementsAre("", "f 3 one;"));
}

TEST(CrashCursorTest, SyncedDirectoryKeepsNamesButNotBytesOfItsFiles) {
  Program program;
  const auto file = program.Open("f");
  program.Write(*file, 0, "one");
  program.SyncDirectory();
  const std::string zeros(3, '\0');
  EXPECT_THAT(program.Left("ext4-ordered"),
              UnorderedElementsAre("f 0 ;", "f 3 " + zeros + ";", "f 3 one;"));
  // POSIX does not say what a new block shows.
  EXPECT_THAT(program.Left(), UnorderedElementsAre("f 0 ;", "f 3 " + zeros + ";", "f 3 one;",
                                                   "f 3 " + Stale(3) + ";"));
}

TEST(CrashCursorTest, NothingIsUndecidedOnceFileAndDirectoryAreSynced) {
  Program program;
  program.MakeDurable("f", "one");
  EXPECT_THAT(program.Left(), UnorderedElementsAre("f 3 one;"));
}

TEST(CrashCursorTest, WhatIsWrittenAfterASyncIsNotCoveredByIt) {
  Program program;
  program.MakeDurable("f", "one");
  const auto file = program.Open("f");
  program.Write(*file, 0, "two");
  EXPECT_THAT(program.Left(), UnorderedElementsAre("f 3 one;", "f 3 two;"));
}

TEST(CrashCursorTest, AFailedSyncCoversNothing) {
  Program program;
  const auto file = program.Open("f");
  program.SyncDirectory();
  program.Write(*file, 0, "x");
  program.Sync(*file);
  program.trace().ops.back().result_errno = 5;
  const std::string zero(1, '\0');
  EXPECT_THAT(program.Left("ext4-ordered"),
              UnorderedElementsAre("f 0 ;", "f 1 " + zero + ";", "f 1 x;"));
}

TEST(CrashCursorTest, BothNamesOfARenameChangeTogether) {
  Program program;
  program.MakeDurable("old", "1");
  program.MakeDurable("new", "2");
  EXPECT_TRUE(program.vfs().Rename("new", "old").has_value());
  EXPECT_THAT(program.Left(), UnorderedElementsAre("new 1 2;old 1 1;", "old 1 2;"));
}

TEST(CrashCursorTest, SyncOfOneDirectoryOfARenameDragsTheOtherOneOnRealFileSystems) {
  Program program;
  EXPECT_TRUE(program.vfs().MakeDirectory("d").has_value());
  program.MakeDurable("f", "1");
  EXPECT_TRUE(program.vfs().Rename("f", "d/f").has_value());
  EXPECT_THAT(program.Left("somc"), UnorderedElementsAre("d()f 1 1;", "d(f 1 1;)"));
  program.SyncDirectory("d");
  EXPECT_THAT(program.Left("somc"), UnorderedElementsAre("d(f 1 1;)"));
}

TEST(CrashCursorTest, PosixTiesNoTwoDirectoriesTogether) {
  Program program;
  EXPECT_TRUE(program.vfs().MakeDirectory("d").has_value());
  program.MakeDurable("f", "1");
  EXPECT_TRUE(program.vfs().Rename("f", "d/f").has_value());
  EXPECT_THAT(program.Left(),
              UnorderedElementsAre("d()f 1 1;", "d(f 1 1;)", "d()", "d(f 1 1;)f 1 1;"));
  program.SyncDirectory("d");
  EXPECT_THAT(program.Left(), UnorderedElementsAre("d(f 1 1;)", "d(f 1 1;)f 1 1;"));
}

TEST(CrashCursorTest, SyncOfOneDirectoryOfARenameDragsWhatTheOldNameWasBefore) {
  Program program;
  EXPECT_TRUE(program.vfs().MakeDirectory("d").has_value());
  program.SyncDirectory();
  const auto file = program.Open("f");
  program.Write(*file, 0, "1");
  program.Sync(*file);
  EXPECT_TRUE(program.vfs().Rename("f", "d/f").has_value());
  program.SyncDirectory("d");
  EXPECT_THAT(program.Left("somc"), UnorderedElementsAre("d(f 1 1;)"));
  CrashCursor cursor(program.trace(), *FindModel("somc"));
  cursor.AdvanceTo(program.trace().ops.size());
  EXPECT_TRUE(cursor.pending().empty());
}

TEST(CrashCursorTest, SyncOfTheNewDirectoryOfARenameSaysNothingAboutTheOldOne) {
  Program program;
  EXPECT_TRUE(program.vfs().MakeDirectory("d").has_value());
  EXPECT_TRUE(program.vfs().MakeDirectory("e").has_value());
  program.Open("d/f");
  EXPECT_TRUE(program.vfs().Rename("d/f", "e/f").has_value());
  program.SyncDirectory("e");
  CrashCursor cursor(program.trace(), *FindModel("posix-minimal"));
  cursor.AdvanceTo(program.trace().ops.size());
  ASSERT_EQ(cursor.pending().size(), 5U);
  for (const Effect& effect : cursor.pending()) {
    // The file and its new directory exist for certain, and the new name does.
    const bool is_file = effect.kind == EffectKind::kInode && !effect.is_directory;
    EXPECT_FALSE(is_file);
    const bool is_name = effect.kind == EffectKind::kName;
    EXPECT_FALSE(is_name && effect.inode != kNoInode && effect.directory == 3);
  }
}

TEST(CrashCursorTest, ASyncedDirectoryExistsButMayHaveNoName) {
  Program program;
  EXPECT_TRUE(program.vfs().MakeDirectory("d").has_value());
  program.SyncDirectory("d");
  CrashCursor cursor(program.trace(), *FindModel("posix-minimal"));
  cursor.AdvanceTo(program.trace().ops.size());
  ASSERT_EQ(cursor.pending().size(), 1U);
  EXPECT_EQ(cursor.pending().front().kind, EffectKind::kName);
  EXPECT_THAT(program.Left(), UnorderedElementsAre("", "d()"));
}

TEST(CrashCursorTest, AFileThatIsRenamedTwiceIsInOnePlace) {
  Program program;
  program.MakeDurable("f", "1");
  EXPECT_TRUE(program.vfs().Rename("f", "g").has_value());
  EXPECT_TRUE(program.vfs().Rename("g", "h").has_value());
  EXPECT_THAT(program.Left(), UnorderedElementsAre("f 1 1;", "g 1 1;", "h 1 1;"));
}

TEST(CrashCursorTest, UnlinkIsUndoneUntilTheDirectoryIsSynced) {
  Program program;
  program.MakeDurable("f", "1");
  EXPECT_TRUE(program.vfs().Unlink("f").has_value());
  EXPECT_THAT(program.Left(), UnorderedElementsAre("", "f 1 1;"));
  program.SyncDirectory();
  EXPECT_THAT(program.Left(), UnorderedElementsAre(""));
}

TEST(CrashCursorTest, AJournalThatWasUnlinkedAndMadeAgainMayBeOldGoneOrNew) {
  Program program;
  program.MakeDurable("journal", "old");
  EXPECT_TRUE(program.vfs().Unlink("journal").has_value());
  const auto journal = program.Open("journal");
  program.Write(*journal, 0, "new");
  program.Sync(*journal);
  EXPECT_THAT(program.Left(), UnorderedElementsAre("journal 3 old;", "", "journal 3 new;"));
  EXPECT_THAT(program.Left("ordered"), UnorderedElementsAre("journal 3 new;"));
  program.SyncDirectory();
  EXPECT_THAT(program.Left(), UnorderedElementsAre("journal 3 new;"));
}

TEST(CrashCursorTest, FilesThatNoNameCanReachAgainAreForgotten) {
  Program program;
  program.MakeDurable("f", "1");
  const auto file = program.Open("f");
  EXPECT_TRUE(program.vfs().Unlink("f").has_value());
  program.Write(*file, 0, "2");
  CrashCursor cursor(program.trace(), *FindModel("posix-minimal"));
  cursor.AdvanceTo(program.trace().ops.size());
  EXPECT_EQ(cursor.pending().size(), 2U);  // the name, and the bytes, which may come back with it
  program.SyncDirectory();
  program.Write(*file, 0, "3");
  cursor.AdvanceTo(program.trace().ops.size());
  EXPECT_TRUE(cursor.pending().empty());
  EXPECT_TRUE(cursor.durable().files.empty());
}

TEST(CrashCursorTest, AFileKeepsItsSecondNameWhenTheFirstGoes) {
  Program program;
  program.MakeDurable("f", "1");
  EXPECT_TRUE(program.vfs().Link("f", "g").has_value());
  program.SyncDirectory();
  EXPECT_TRUE(program.vfs().Unlink("f").has_value());
  program.SyncDirectory();
  const auto file = program.Open("g");
  program.Write(*file, 0, "2");
  EXPECT_THAT(program.Left(), UnorderedElementsAre("g 1 1;", "g 1 2;"));
}

TEST(CrashCursorTest, AnEmptyWriteDoesNothing) {
  Program program;
  program.MakeDurable("f", "1");
  program.trace().ops.push_back(
      {.kind = OpKind::kWrite, .inode = program.trace().ops.front().inode, .offset_bytes = 9});
  EXPECT_THAT(program.Left(), UnorderedElementsAre("f 1 1;"));
}

TEST(CrashCursorTest, AGapBeforeAWriteIsNoStepOfTheSize) {
  Program program;
  program.MakeDurable("f", "1");
  const auto file = program.Open("f");
  program.Write(*file, uint64_t{1} << 40, "2");
  CrashCursor cursor(program.trace(), *FindModel("ext4-ordered"));
  cursor.AdvanceTo(program.trace().ops.size());
  CrashGraph graph;
  graph.Build(cursor, Tear::kPages);
  EXPECT_EQ(graph.atoms().size(), 2U);
}

TEST(CrashCursorTest, OrderedLeavesPrefixesOfWhatWasIssued) {
  Program program;
  program.MakeDurable("f", "1");
  program.MakeDurable("g", "1");
  const auto f = program.Open("f");
  const auto g = program.Open("g");
  program.Write(*f, 0, "2");
  program.Write(*g, 0, "2");
  program.Write(*f, 0, "3");
  EXPECT_THAT(program.Left("ordered"),
              UnorderedElementsAre("f 1 1;g 1 1;", "f 1 2;g 1 1;", "f 1 2;g 1 2;", "f 1 3;g 1 2;"));
}

TEST(CrashCursorTest, OrderedKeepsWhatCameBeforeASyncedAtomAndNotWhatCameAfter) {
  Program program;
  program.MakeDurable("f", "1");
  program.MakeDurable("g", "1");
  const auto f = program.Open("f");
  const auto g = program.Open("g");
  program.Write(*f, 0, "2");
  program.Write(*g, 0, "2");
  program.Write(*f, 0, "3");
  program.Sync(*g);
  EXPECT_THAT(program.Left("ordered"), UnorderedElementsAre("f 1 2;g 1 2;", "f 1 3;g 1 2;"));
  program.Sync(*g);  // covers nothing more
  EXPECT_THAT(program.Left("ordered"), UnorderedElementsAre("f 1 2;g 1 2;", "f 1 3;g 1 2;"));
}

TEST(CrashCursorTest, OrderedKeepsWhatCameBeforeASyncedWriteToAFileWithoutAName) {
  Program program;
  program.MakeDurable("f", "1");
  program.MakeDurable("g", "1");
  const auto f = program.Open("f");
  EXPECT_TRUE(program.vfs().Unlink("f").has_value());
  program.SyncDirectory();
  const auto g = program.Open("g");
  program.Write(*g, 0, "2");
  program.Write(*f, 0, "2");
  program.Write(*g, 0, "3");
  program.Sync(*f);
  EXPECT_THAT(program.Left("ordered"), UnorderedElementsAre("g 1 2;", "g 1 3;"));
  EXPECT_THAT(program.Left("posix-minimal"), UnorderedElementsAre("g 1 1;", "g 1 2;", "g 1 3;"));
}

TEST(CrashCursorTest, AKilledProcessLosesNothing) {
  Program program;
  const auto file = program.Open("f");
  program.Write(*file, 0, "1");
  EXPECT_THAT(program.Left("process-kill"), UnorderedElementsAre("f 1 1;"));
}

TEST(CrashCursorTest, TransactionsAreCountedAsTheyGoBy) {
  MemoryVfs disk;
  RecordingVfs recorder(disk);
  recorder.Begin(1);
  recorder.Acknowledge(1);
  recorder.Begin(2);
  CrashCursor cursor(recorder.trace(), Models().front());
  cursor.AdvanceTo(1);
  EXPECT_EQ(cursor.transactions_attempted(), 1U);
  EXPECT_EQ(cursor.transactions_acknowledged(), 0U);
  cursor.AdvanceTo(3);
  EXPECT_EQ(cursor.transactions_attempted(), 2U);
  EXPECT_EQ(cursor.transactions_acknowledged(), 1U);
}

// Compares what cursor and graph leave of a random program with what the definition does.
TEST(CrashCursorTest, RandomProgramsLeaveWhatTheDefinitionAllows) {
  int compared = 0;
  size_t states = 0;
  for (uint64_t seed = 1; seed <= 250; ++seed) {
    const Trace trace = RandomProgram(seed, 12);
    ASSERT_TRUE(ValidateTrace(trace).has_value()) << ValidateTrace(trace).error().context;
    for (const Model& model : Models()) {
      for (const Tear tear : kAllTears) {
        const size_t position = trace.ops.size() - seed % 5;
        const auto expected = ReferenceStates(trace, position, model, tear, 300);
        if (!expected) continue;
        std::set<std::string> visible;
        for (const std::vector<AtomId>& lost : *expected) {
          visible.insert(Visible(Materialise(trace, position, lost, EffectiveTear(model, tear))));
        }
        ASSERT_EQ(Left(trace, position, model, tear), visible)
            << "seed " << seed << " model " << model.name << " tear " << Name(tear);
        ++compared;
        states += visible.size();
      }
    }
  }
  EXPECT_GT(compared, 1000);
  EXPECT_GT(states, 8000U);
}

// A synced atom is never among those that a state loses, wherever the plug is pulled.
TEST(CrashCursorTest, NoModelLosesWhatWasSynced) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    const Trace trace = RandomProgram(seed, 60);
    for (const Model& model : Models()) {
      CrashCursor cursor(trace, model);
      for (size_t position = 0; position < trace.ops.size(); ++position) {
        const Op& op = trace.ops[position];
        cursor.AdvanceTo(position + 1);
        if (op.result_errno != 0) continue;
        for (const Effect& effect : cursor.pending()) {
          const bool is_name = effect.kind == EffectKind::kName;
          if (op.kind == OpKind::kSync || op.kind == OpKind::kDataSync) {
            ASSERT_TRUE(is_name || effect.inode != op.inode);
          }
          if (op.kind == OpKind::kSyncDirectory) {
            ASSERT_FALSE(is_name && effect.directory == op.inode);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace plugpull
