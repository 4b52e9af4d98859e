// Goal: a watched Vfs does what the one below does, and every call that finds, reads or changes
// something is told once, with its outcome.
#include "faults/vfs/watching_vfs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "faults/vfs/memory_vfs.h"

namespace plugpull {
namespace {

using testing::ElementsAre;
using enum VfsCallKind;

TEST(WatchingVfsTest, TellsWhatWasAskedAndWhatCameOfIt) {
  MemoryVfs memory;
  std::vector<VfsCall> calls;
  WatchingVfs vfs(memory, [&](const VfsCall& call) { calls.push_back(call); });
  EXPECT_FALSE(*vfs.Exists("log"));
  EXPECT_FALSE(vfs.Open("log", {}));
  {
    const auto file = *vfs.Open("log", {.create = true});
    EXPECT_TRUE(file->Write(10, std::vector<std::byte>(20)));
    std::array<std::byte, 50> bytes{};
    EXPECT_EQ(*file->Read(5, bytes), 25);
    EXPECT_TRUE(file->Truncate(7));
    EXPECT_TRUE(file->Sync(SyncKind::kData));
  }
  EXPECT_TRUE(vfs.Open("log", {.truncate = true}));
  EXPECT_TRUE(vfs.Rename("log", "old"));
  EXPECT_TRUE(vfs.SyncDirectory(""));
  EXPECT_TRUE(vfs.Unlink("old"));
  EXPECT_FALSE(vfs.Unlink("old"));
  EXPECT_THAT(
      calls,
      ElementsAre(VfsCall{.kind = kExists, .done = false, .path = "log"},
                  VfsCall{.kind = kOpen, .done = false, .path = "log"},
                  VfsCall{.kind = kCreate, .path = "log"},
                  VfsCall{.kind = kWrite, .path = "log", .offset_bytes = 10, .size_bytes = 20},
                  VfsCall{.kind = kRead, .path = "log", .offset_bytes = 5, .size_bytes = 25},
                  VfsCall{.kind = kTruncate, .path = "log", .size_bytes = 7},
                  VfsCall{.kind = kSync, .path = "log"}, VfsCall{.kind = kOpen, .path = "log"},
                  VfsCall{.kind = kTruncate, .path = "log"},
                  VfsCall{.kind = kRename, .path = "log", .other = "old"},
                  VfsCall{.kind = kSyncDirectory}, VfsCall{.kind = kUnlink, .path = "old"},
                  VfsCall{.kind = kUnlink, .done = false, .path = "old"}));
}

}  // namespace
}  // namespace plugpull
