// Goal: each operation has the fate that its model gives it: made durable by the sync that covers
// it, kept or lost, and of a torn write the bytes that are gone. By hand-made traces.
#include "harness/operation_fates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "faults/persistence/model.h"
#include "faults/vfs/memory_vfs.h"
#include "faults/vfs/recording_vfs.h"

namespace plugpull {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

// 0 create, 1 write of 8192 bytes, 2 fsync of the file, 3 write of 4096, 4 fsync of the directory.
Trace SmallFile(bool sync_directory = true) {
  MemoryVfs memory;
  RecordingVfs recorder(memory);
  const auto file = *recorder.Open("log", {.create = true});
  EXPECT_TRUE(file->Write(0, std::vector<std::byte>(8192, std::byte{1})));
  EXPECT_TRUE(file->Sync(SyncKind::kFull));
  EXPECT_TRUE(file->Write(8192, std::vector<std::byte>(4096, std::byte{2})));
  if (sync_directory) {
    EXPECT_TRUE(recorder.SyncDirectory(""));
  }
  return recorder.trace();
}

TEST(OperationFatesTest, ASyncOfAFileLeavesItsNameOpenInPosix) {
  const Trace trace = SmallFile(/*sync_directory=*/false);
  const AtomId name{.op = 0, .kind = AtomKind::kName};
  const std::vector<AtomId> lost = {name};
  const auto fates = FatesOf(trace, *FindModel("posix-minimal"), Tear::kNone, lost);
  EXPECT_EQ(fates[0].fate, OperationFate::kLost);
  EXPECT_EQ(fates[1].fate, OperationFate::kDurable);
  EXPECT_EQ(fates[1].settled_by, 2);
  EXPECT_THAT(fates[2].covers, ElementsAre(1));
  EXPECT_EQ(fates[3].fate, OperationFate::kKept);
}

TEST(OperationFatesTest, ASyncOfAFileHasItsNameInExt4) {
  const Trace trace = SmallFile(/*sync_directory=*/false);
  const auto fates = FatesOf(trace, *FindModel("ext4-ordered"), Tear::kNone, {});
  EXPECT_EQ(fates[0].fate, OperationFate::kDurable);
  EXPECT_EQ(fates[0].settled_by, 2);
  EXPECT_THAT(fates[2].covers, ElementsAre(0, 1));
}

TEST(OperationFatesTest, ASyncOfTheDirectoryHasTheNameAlone) {
  const Trace trace = SmallFile();
  const auto fates = FatesOf(trace, *FindModel("posix-minimal"), Tear::kNone, {});
  EXPECT_EQ(fates[0].settled_by, 4);
  EXPECT_EQ(fates[3].fate, OperationFate::kKept);
  EXPECT_THAT(fates[4].covers, ElementsAre(0));
}

TEST(OperationFatesTest, OfATornWriteTheLostBytesAreNamed) {
  const Trace trace = SmallFile();
  const std::vector<AtomId> lost = {{3, AtomKind::kData, 2}, {3, AtomKind::kData, 3}};
  const auto fates = FatesOf(trace, *FindModel("posix-minimal"), Tear::kSectorsAny, lost);
  EXPECT_EQ(fates[3].fate, OperationFate::kTorn);
  EXPECT_THAT(fates[3].lost_ranges, ElementsAre(Pair(8192 + 1024, 8192 + 2048)));
}

TEST(OperationFatesTest, TheGrowthOfAFileCanBeLostWithoutItsBytes) {
  const Trace trace = SmallFile();
  const std::vector<AtomId> lost = {{3, AtomKind::kSize, 0}};
  const auto fates = FatesOf(trace, *FindModel("posix-minimal"), Tear::kNone, lost);
  EXPECT_EQ(fates[3].fate, OperationFate::kPartly);
  EXPECT_EQ(fates[3].lost_part, "the growth of the file");
}

TEST(OperationFatesTest, ASyncThatLiesMakesNothingDurable) {
  const Trace trace = SmallFile();
  const auto fates = FatesOf(trace, *FindModel("posix-minimal"), Tear::kNone, {}, 2);
  EXPECT_EQ(fates[1].fate, OperationFate::kKept);
  EXPECT_THAT(fates[2].covers, IsEmpty());
}

TEST(OperationFatesTest, AKilledProcessLosesNothing) {
  const Trace trace = SmallFile();
  const auto fates = FatesOf(trace, *FindModel("process-kill"), Tear::kNone, {});
  for (const size_t i : {0, 1, 3}) EXPECT_EQ(fates[i].fate, OperationFate::kKept) << i;
}

}  // namespace
}  // namespace plugpull
