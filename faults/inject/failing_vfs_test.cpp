// Goal: a failed call does what it does on a real system, no less and no more; the trace holds it;
// and what a crash may leave after it is what the file system could have left.
//
// Method: programs written by hand on a small file, read back while they run, and all crash states
// of their traces.
#include "faults/inject/failing_vfs.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <map>
#include <set>

#include "faults/base/bytes.h"
#include "faults/inject/failure_injector.h"
#include "faults/persistence/crash_cursor.h"
#include "faults/persistence/crash_graph.h"
#include "faults/persistence/materialise.h"
#include "faults/persistence/model_text.h"
#include "faults/persistence/testing.h"
#include "faults/trace/trace_file.h"
#include "faults/trace/validate.h"
#include "faults/vfs/recording_vfs.h"
#include "faults/vfs/whole_calls.h"

namespace plugpull {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

constexpr uint64_t kPage = kPageBytes;

// A disk that fails by plan, under a recorder.
class Disk {
 public:
  explicit Disk(std::string_view plan) : injector_(*ParseFailurePlan(plan)) {
    file_ = *vfs().Open("f", {.create = true});
  }

  Vfs& vfs() { return recorder_; }
  VfsFile& file() { return *file_; }
  FailureInjector& injector() { return injector_; }
  Trace& trace() { return recorder_.trace(); }

  // Fills pages with one letter each.
  void Write(uint64_t page, const std::string& letters) {
    std::string bytes;
    for (const char letter : letters) bytes += std::string(kPage, letter);
    EXPECT_TRUE(file_->Write(page * kPage, AsBytes(bytes)).has_value());
  }

  bool Sync() { return file_->Sync(SyncKind::kData).has_value(); }

  // Returns: the first letter of each page, as the program sees the file; '.' for zeros.
  std::string Reads() {
    std::vector<std::byte> bytes(*file_->Size());
    EXPECT_EQ(file_->Read(0, bytes).value(), bytes.size());
    return Letters(AsText(bytes));
  }

  // Returns: what the file may be after a crash now, its name being durable.
  std::set<std::string> Left(const char* model = "posix-minimal,fill=zero") {
    const Trace& trace = recorder_.trace();
    EXPECT_TRUE(ValidateTrace(trace).has_value()) << ValidateTrace(trace).error().context;
    EXPECT_EQ(DecodeTrace(EncodeTrace(trace)).value(), trace);
    const Model& parsed = **ParseModelText(model);
    CrashCursor cursor(trace, parsed, Tear::kPages);
    cursor.AdvanceTo(trace.ops.size());
    CrashGraph graph;
    graph.Build(cursor, Tear::kPages);
    std::set<std::string> left;
    const auto states = LegalStates(graph.constraints(), 5000);
    EXPECT_TRUE(states.has_value());
    for (const State& state : *states) {
      const Image image =
          Materialise(trace, trace.ops.size(), LostAtoms(graph, state), graph.tear());
      const Expected<InodeId> inode = image.names.Resolve("f");
      if (!inode) continue;
      const FileContent& file = image.files.at(*inode);
      std::vector<std::byte> bytes(file.size_bytes());
      file.Read(0, bytes);
      left.insert(Letters(AsText(bytes)));
    }
    return left;
  }

  // Returns: the kinds of the operations from `first` on, with '!' for those that failed.
  std::vector<std::string> Recorded(size_t first) {
    std::vector<std::string> lines;
    for (size_t i = first; i < recorder_.trace().ops.size(); ++i) {
      const Op& op = recorder_.trace().ops[i];
      lines.push_back(fmt::format("{}{} {}+{}", Name(op.kind), op.result_errno != 0 ? "!" : "",
                                  op.offset_bytes, op.size_bytes));
    }
    return lines;
  }

 private:
  static std::string Letters(std::string_view bytes) {
    std::string letters;
    for (uint64_t at = 0; at < bytes.size(); at += kPage) {
      letters += bytes[at] == '\0' ? '.' : bytes[at];
    }
    return letters;
  }

  FailureInjector injector_;
  MemoryVfs memory_;
  FailingVfs failing_{memory_};
  RecordingVfs recorder_{failing_, &failing_.report()};
  std::unique_ptr<VfsFile> file_;
};

// The second sync of each program fails.
std::string FailingSync(const char* aftermath) {
  return fmt::format("fail(point=vfs/sync,call=2,errno=EIO,aftermath={})", aftermath);
}

TEST(FailingVfsTest, KeptPagesReadAsNewAndAreNeverWritten) {
  Disk disk(FailingSync("keep"));
  disk.Write(0, "AA");
  EXPECT_TRUE(disk.Sync());
  disk.Write(1, "BC");
  EXPECT_FALSE(disk.Sync());
  EXPECT_EQ(disk.Reads(), "ABC");
  // The next sync succeeds and makes the size durable, but the pages are clean.
  EXPECT_TRUE(disk.Sync());
  EXPECT_THAT(disk.Left(), UnorderedElementsAre("AA.", "AB.", "AAC", "ABC"));
}

TEST(FailingVfsTest, AKeptPageThatIsWrittenToAgainIsWrittenAsAWhole) {
  Disk disk(FailingSync("keep"));
  disk.Write(0, "AA");
  EXPECT_TRUE(disk.Sync());
  disk.Write(1, "B");
  EXPECT_FALSE(disk.Sync());
  EXPECT_TRUE(disk.file().Write(2 * kPage - 1, AsBytes("c")).has_value());
  EXPECT_TRUE(disk.Sync());
  EXPECT_THAT(disk.Left(), UnorderedElementsAre("AB"));
}

TEST(FailingVfsTest, EvictedPagesReadAsOnDisk) {
  Disk disk(FailingSync("keep-evict"));
  disk.Write(0, "AA");
  EXPECT_TRUE(disk.Sync());
  disk.Write(1, "BC");
  EXPECT_FALSE(disk.Sync());
  EXPECT_EQ(disk.Reads(), "AA.");
  EXPECT_TRUE(disk.Sync());
  EXPECT_THAT(disk.Left(), UnorderedElementsAre("AA."));
  EXPECT_THAT(disk.Left("process-kill"), UnorderedElementsAre("AA."));
}

TEST(FailingVfsTest, EvictedPagesStayOutWhatWasTruncated) {
  Disk disk(FailingSync("keep-evict"));
  disk.Write(0, "AA");
  EXPECT_TRUE(disk.Sync());
  EXPECT_TRUE(disk.file().Truncate(kPage).has_value());
  disk.Write(1, "B");
  EXPECT_FALSE(disk.Sync());
  EXPECT_EQ(disk.Reads(), "A.");
}

TEST(FailingVfsTest, ALateReportComesWithTheNextSync) {
  Disk disk(FailingSync("late"));
  disk.Write(0, "AA");
  EXPECT_TRUE(disk.Sync());
  disk.Write(1, "B");
  EXPECT_TRUE(disk.Sync());  // a lie
  EXPECT_THAT(disk.Left(), UnorderedElementsAre("AA", "AB"));
  disk.Write(0, "C");
  EXPECT_FALSE(disk.Sync());
  EXPECT_EQ(disk.Reads(), "CB");
  EXPECT_TRUE(disk.Sync());  // what the failed one did not drop, this one writes
  EXPECT_THAT(disk.Left(), UnorderedElementsAre("CA", "CB"));
}

TEST(FailingVfsTest, ALateReportIsGivenOnceThoughEachSyncFails) {
  Disk disk("fail(point=vfs/sync,call=1,errno=EIO,then=always,aftermath=late)");
  EXPECT_TRUE(disk.Sync());
  EXPECT_FALSE(disk.Sync());
  EXPECT_TRUE(disk.Sync());
  EXPECT_FALSE(disk.Sync());
}

TEST(FailingVfsTest, ARevertTakesBytesAndSizeBack) {
  Disk disk(FailingSync("revert"));
  disk.Write(0, "AA");
  EXPECT_TRUE(disk.Sync());
  disk.Write(1, "BC");
  EXPECT_FALSE(disk.Sync());
  EXPECT_EQ(disk.Reads(), "AA");
  EXPECT_THAT(disk.Left(), UnorderedElementsAre("AA"));
  EXPECT_THAT(disk.Left("process-kill"), UnorderedElementsAre("AA"));
  disk.Write(2, "D");
  EXPECT_TRUE(disk.Sync());
  EXPECT_THAT(disk.Left(), UnorderedElementsAre("AAD"));
}

TEST(FailingVfsTest, AnInterruptedSyncDropsNothing) {
  Disk disk("fail(point=vfs/sync,call=2,errno=EINTR)");
  disk.Write(0, "A");
  EXPECT_TRUE(disk.Sync());
  disk.Write(0, "B");
  EXPECT_FALSE(disk.Sync());
  EXPECT_THAT(disk.Left(), UnorderedElementsAre("A", "B"));
  EXPECT_TRUE(disk.Sync());
  EXPECT_THAT(disk.Left(), UnorderedElementsAre("B"));
}

TEST(FailingVfsTest, AFailedWriteWritesNothing) {
  Disk disk("fail(point=vfs/write,call=2,errno=ENOSPC)");
  disk.Write(0, "A");
  const Expected<void> failed = disk.file().Write(0, AsBytes("B"));
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().os_errno, ENOSPC);
  EXPECT_EQ(failed.error().code, ErrorCode::kNoSpace);
  EXPECT_EQ(disk.Reads(), "A");
  EXPECT_THAT(disk.Recorded(1), ElementsAre("write 0+4096", "write! 0+1"));
}

TEST(FailingVfsTest, AShortWriteIsRecordedAsWhatItWrote) {
  Disk disk("fail(point=vfs/write,call=1,short=3)");
  const Expected<void> cut = disk.file().Write(0, AsBytes("abcde"));
  ASSERT_FALSE(cut.has_value());
  EXPECT_EQ(cut.error().done_bytes, 3U);
  EXPECT_EQ(disk.file().Size().value(), 3U);
  EXPECT_THAT(disk.Recorded(1), ElementsAre("write 0+3"));
}

TEST(FailingVfsTest, CarefulProgramsAbsorbShortCountsAndInterruptions) {
  // Of the rules that fit a call, the first decides.
  Disk disk(
      "fail(point=vfs/read,call=2,errno=EINTR)+fail(point=vfs/write,call=2,errno=EINTR)+"
      "fail(point=vfs/write,short=2,then=always)+fail(point=vfs/read,short=2,then=always)");
  EXPECT_TRUE(WriteFully(disk.file(), 0, AsBytes("abcde")).has_value());
  EXPECT_THAT(disk.Recorded(1), ElementsAre("write 0+2", "write! 2+3", "write 2+2", "write 4+1"));
  std::string text(9, '-');
  EXPECT_EQ(ReadFully(disk.file(), 0, std::as_writable_bytes(std::span(text))).value(), 5U);
  EXPECT_EQ(text, "abcde----");
  EXPECT_TRUE(
      std::ranges::none_of(disk.injector().fired(), [](uint64_t fired) { return fired == 0; }));
}

TEST(FailingVfsTest, EveryPointOfADiskFails) {
  const std::map<std::string, std::function<bool(Disk&)>> calls = {
      {"vfs/open", [](Disk& disk) { return disk.vfs().Open("f", {}).has_value(); }},
      {"vfs/read",
       [](Disk& disk) {
         std::array<std::byte, 1> out{};
         return disk.file().Read(0, out).has_value();
       }},
      {"vfs/write", [](Disk& disk) { return disk.file().Write(0, AsBytes("x")).has_value(); }},
      {"vfs/truncate", [](Disk& disk) { return disk.file().Truncate(1).has_value(); }},
      {"vfs/sync", [](Disk& disk) { return disk.file().Sync(SyncKind::kFull).has_value(); }},
      {"vfs/sync_range", [](Disk& disk) { return disk.file().SyncRange(0, 1).has_value(); }},
      {"vfs/allocate", [](Disk& disk) { return disk.file().Allocate(0, 1).has_value(); }},
      {"vfs/size", [](Disk& disk) { return disk.file().Size().has_value(); }},
      {"vfs/lock", [](Disk& disk) { return disk.file().Lock(LockLevel::kShared).has_value(); }},
      {"vfs/unlink", [](Disk& disk) { return disk.vfs().Unlink("f").has_value(); }},
      {"vfs/rename", [](Disk& disk) { return disk.vfs().Rename("f", "g").has_value(); }},
      {"vfs/link", [](Disk& disk) { return disk.vfs().Link("f", "g").has_value(); }},
      {"vfs/make_directory", [](Disk& disk) { return disk.vfs().MakeDirectory("d").has_value(); }},
      {"vfs/remove_directory",
       [](Disk& disk) {
         static_cast<void>(disk.vfs().MakeDirectory("d"));
         return disk.vfs().RemoveDirectory("d").has_value();
       }},
      {"vfs/sync_directory", [](Disk& disk) { return disk.vfs().SyncDirectory("").has_value(); }},
      {"vfs/exists", [](Disk& disk) { return disk.vfs().Exists("f").has_value(); }},
      {"vfs/list", [](Disk& disk) { return disk.vfs().List("").has_value(); }},
  };
  size_t points = 0;
  for (size_t i = 0; i < kFailurePoints; ++i) {
    const FailurePointInfo& info = InfoOf(static_cast<FailurePoint>(i));
    if (!info.name.starts_with("vfs/")) continue;
    ++points;
    const auto call = calls.find(std::string(info.name));
    ASSERT_NE(call, calls.end()) << info.name;
    // The disk opens a file of its own first.
    Disk disk(fmt::format("fail(point={},call={},errno={})", info.name,
                          info.name == "vfs/open" ? 2 : 1, ErrnoName(info.errnos.front())));
    EXPECT_FALSE(call->second(disk)) << info.name;
    EXPECT_EQ(disk.injector().failures(), 1U) << info.name;
    EXPECT_TRUE(call->second(disk)) << info.name << " fails once";
    EXPECT_TRUE(ValidateTrace(disk.trace()).has_value()) << info.name;
  }
  EXPECT_EQ(points, calls.size());
}

}  // namespace
}  // namespace plugpull
