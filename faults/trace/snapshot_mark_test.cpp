// Goal: what a trace says to be its snapshot is there for every crash, whatever the model thinks of
// syncs, and a mark that makes no sense is none.
#include "faults/trace/snapshot_mark.h"

#include <gtest/gtest.h>

#include <set>

#include "faults/persistence/crash_cursor.h"
#include "faults/trace/trace_file.h"

namespace plugpull {
namespace {

constexpr InodeId kFile = 2;

// A file with two bytes of snapshot, then one more.
Trace Marked() {
  Trace trace;
  trace.payload = {std::byte{'a'}, std::byte{'b'}, std::byte{'c'}};
  trace.ops = {
      {.kind = OpKind::kCreate, .inode = kFile, .directory = kRootInode, .name = "f"},
      {.kind = OpKind::kTruncate, .inode = kFile, .size_bytes = 0},
      {.kind = OpKind::kWrite, .inode = kFile, .size_bytes = 2},
  };
  MarkSnapshot(trace, 0);
  trace.ops.push_back({.kind = OpKind::kWrite,
                       .inode = kFile,
                       .offset_bytes = 2,
                       .size_bytes = 1,
                       .payload_offset = 2});
  return trace;
}

TEST(SnapshotMark, IsSavedWithTheTraceAndWithWhatIsCutFromIt) {
  EXPECT_EQ(SnapshotEnd(Trace()), 0u);
  const Trace trace = Marked();
  EXPECT_EQ(SnapshotEnd(trace), 3u);
  const Expected<Trace> read = DecodeTrace(EncodeTrace(trace));
  ASSERT_TRUE(read.has_value()) << Describe(read.error());
  EXPECT_EQ(SnapshotEnd(*read), 3u);
}

TEST(SnapshotMark, ThatMakesNoSenseIsNone) {
  for (const char* text : {"", "x", "3x", "-1", "99999999999999999999999"}) {
    Trace trace = Marked();
    trace.facts["snapshot"] = text;
    EXPECT_EQ(SnapshotEnd(trace), 0u) << text;
  }
  Trace trace = Marked();
  trace.facts["snapshot"] = "100";
  EXPECT_EQ(SnapshotEnd(trace), trace.ops.size());
}

TEST(SnapshotMark, EverythingUpToItIsDurableUnderEveryModel) {
  Model lying = *FindModel("posix-minimal");
  lying.honest_flush = false;
  lying.sync_waits = false;
  std::vector<const Model*> models = {&lying};
  for (const Model& model : Models()) models.push_back(&model);
  for (const Model& model : FaultModels()) models.push_back(&model);
  const Trace trace = Marked();
  for (const Model* model : models) {
    CrashCursor cursor(trace, *model);
    cursor.AdvanceTo(3);
    EXPECT_TRUE(cursor.pending().empty()) << model->name;
    const Expected<InodeId> inode = cursor.durable().names.Resolve("f");
    ASSERT_TRUE(inode.has_value()) << model->name;
    EXPECT_EQ(cursor.durable().files.at(*inode).size_bytes(), 2u) << model->name;
    cursor.AdvanceTo(4);
    const bool survives = model->shape == Shape::kEverything;
    EXPECT_EQ(cursor.pending().empty(), survives) << model->name;
  }
}

}  // namespace
}  // namespace plugpull
