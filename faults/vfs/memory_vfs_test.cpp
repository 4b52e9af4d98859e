// Goal: MemoryVfs behaves like a directory of a POSIX system, in what it does and what it refuses.
// Method: rule by rule. Its bytes are covered by file_content_test, its agreement with CrashView
// by crash_view_test.
#include "faults/vfs/memory_vfs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "faults/base/bytes.h"

namespace plugpull {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class MemoryVfsTest : public ::testing::Test {
 protected:
  std::unique_ptr<VfsFile> Create(const char* path, const std::string& data = "") {
    auto file = vfs_.Open(path, {.create = true});
    EXPECT_TRUE(file.has_value());
    EXPECT_TRUE((*file)->Write(0, AsBytes(data)).has_value());
    return std::move(*file);
  }

  std::string ReadAll(VfsFile& file) {
    std::string text(*file.Size(), '?');
    EXPECT_EQ(file.Read(0, std::as_writable_bytes(std::span(text))), text.size());
    return text;
  }

  std::string ReadAll(const char* path) {
    auto file = vfs_.Open(path, {});
    return file ? ReadAll(**file) : "missing";
  }

  template <typename T>
  static int ErrnoOf(const plugpull::Expected<T>& outcome) {
    return outcome ? 0 : outcome.error().os_errno;
  }

  MemoryVfs vfs_;
};

TEST_F(MemoryVfsTest, OpenFollowsItsOptions) {
  EXPECT_EQ(vfs_.Open("f", {}).error().code, ErrorCode::kNotFound);
  Create("f", "one");
  EXPECT_EQ(ReadAll("f"), "one");
  EXPECT_EQ(vfs_.Open("f", {.create = true, .exclusive = true}).error().code,
            ErrorCode::kAlreadyExists);
  EXPECT_TRUE(vfs_.Open("f", {.create = true, .truncate = true}).has_value());
  EXPECT_EQ(ReadAll("f"), "");
  EXPECT_EQ(ErrnoOf(vfs_.Open("d/f", {.create = true})), ENOENT);
  EXPECT_EQ(vfs_.Open("", {.create = true}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(vfs_.MakeDirectory("d").has_value());
  EXPECT_EQ(ErrnoOf(vfs_.Open("d", {})), EISDIR);
}

TEST_F(MemoryVfsTest, ReadsStopAtTheEndAndLeaveTheRestAlone) {
  const auto file = Create("f", "abc");
  std::string text = "?????";
  EXPECT_EQ(file->Read(1, std::as_writable_bytes(std::span(text))), 2U);
  EXPECT_EQ(text, "bc???");
  EXPECT_EQ(file->Read(3, std::as_writable_bytes(std::span(text))), 0U);
  EXPECT_EQ(file->Read(99, std::as_writable_bytes(std::span(text))), 0U);
}

TEST_F(MemoryVfsTest, GapsAndGrownEndsReadAsZeros) {
  const auto file = Create("f", "abcdef");
  EXPECT_TRUE(file->Truncate(2).has_value());
  EXPECT_TRUE(file->Write(4, AsBytes("x")).has_value());
  EXPECT_TRUE(file->Truncate(6).has_value());
  EXPECT_EQ(ReadAll(*file), std::string("ab\0\0x\0", 6));
  EXPECT_TRUE(file->Write(9, {}).has_value());
  EXPECT_EQ(*file->Size(), 6U);
}

TEST_F(MemoryVfsTest, AllocateGrowsWithZerosAndNeverShrinks) {
  const auto file = Create("f", "abcdef");
  EXPECT_TRUE(file->Allocate(4, 4).has_value());
  EXPECT_EQ(ReadAll(*file), std::string("abcdef\0\0", 8));
  EXPECT_TRUE(file->Allocate(0, 3).has_value());
  EXPECT_TRUE(file->Allocate(5, 3).has_value());
  EXPECT_EQ(ReadAll(*file), std::string("abcdef\0\0", 8));
  EXPECT_TRUE(file->Truncate(3).has_value());
  EXPECT_TRUE(file->Allocate(9, 1).has_value());
  EXPECT_EQ(ReadAll(*file), std::string("abc\0\0\0\0\0\0\0", 10));
  EXPECT_EQ(ErrnoOf(file->Allocate(20, 0)), EINVAL);
  EXPECT_EQ(*file->Size(), 10U);
}

TEST_F(MemoryVfsTest, SyncsOfEverySortSucceedAndChangeNothing) {
  const auto file = *vfs_.Open("f", {.create = true, .synchronous_writes = SyncKind::kData});
  EXPECT_TRUE(file->Write(0, AsBytes("abc")).has_value());
  EXPECT_TRUE(file->SyncRange(0, 9'000).has_value());
  EXPECT_TRUE(file->Sync(SyncKind::kData).has_value());
  EXPECT_EQ(ReadAll(*file), "abc");
}

TEST_F(MemoryVfsTest, BytesBeyondTheEndThatACrashLeftNeverComeBack) {
  Image image;
  image.names.Set(kRootInode, "f", 2);
  image.files[2].Store(0, AsBytes("abcdef"));
  image.files[2].Store(10'000, AsBytes("ghi"));
  image.files[2].RaiseSize(3);
  MemoryVfs crashed(image);
  const auto file = *crashed.Open("f", {});
  EXPECT_TRUE(file->Write(4, AsBytes("x")).has_value());
  EXPECT_EQ(ReadAll(*file), std::string("abc\0x", 5));
  EXPECT_TRUE(file->Truncate(10'002).has_value());
  EXPECT_EQ(ReadAll(*file).substr(9'998), std::string(4, '\0'));
  EXPECT_EQ(crashed.image().names.At(kRootInode, "f"), 2U);
}

TEST_F(MemoryVfsTest, NewFilesGetNewInodes) {
  Image image;
  image.names.AddDirectory(7);
  image.names.Set(kRootInode, "d", 7);
  image.names.Set(kRootInode, "f", 3);
  image.files[3];
  MemoryVfs crashed(image);
  EXPECT_TRUE(crashed.Open("g", {.create = true}).has_value());
  EXPECT_EQ(crashed.image().names.At(kRootInode, "g"), 8U);
}

TEST_F(MemoryVfsTest, AnOpenFileLivesOnWithoutItsName) {
  const auto file = Create("f", "abc");
  EXPECT_TRUE(vfs_.Unlink("f").has_value());
  EXPECT_EQ(ErrnoOf(vfs_.Unlink("f")), ENOENT);
  EXPECT_EQ(ReadAll(*file), "abc");
  Create("f", "new");
  EXPECT_EQ(ReadAll(*file), "abc");
  EXPECT_EQ(ReadAll("f"), "new");
}

TEST_F(MemoryVfsTest, RenameReplacesAFile) {
  const auto replaced = Create("old", "1");
  Create("new", "2");
  EXPECT_TRUE(vfs_.Rename("new", "old").has_value());
  EXPECT_EQ(ReadAll("old"), "2");
  EXPECT_EQ(ReadAll("new"), "missing");
  EXPECT_EQ(ReadAll(*replaced), "1");
  EXPECT_TRUE(vfs_.Rename("old", "old").has_value());
  EXPECT_EQ(ReadAll("old"), "2");
}

TEST_F(MemoryVfsTest, RenameBetweenTwoNamesOfOneFileDoesNothing) {
  Create("f", "1");
  EXPECT_TRUE(vfs_.Link("f", "g").has_value());
  EXPECT_TRUE(vfs_.Rename("f", "g").has_value());
  EXPECT_THAT(*vfs_.List(""), ElementsAre("f", "g"));
}

TEST_F(MemoryVfsTest, RenameRefusesWhatWouldBreakTheTree) {
  Create("f");
  EXPECT_TRUE(vfs_.MakeDirectory("d").has_value());
  EXPECT_TRUE(vfs_.MakeDirectory("full").has_value());
  Create("full/f");
  EXPECT_EQ(ErrnoOf(vfs_.Rename("missing", "f")), ENOENT);
  EXPECT_EQ(ErrnoOf(vfs_.Rename("f", "missing/f")), ENOENT);
  EXPECT_EQ(ErrnoOf(vfs_.Rename("f", "d")), EISDIR);
  EXPECT_EQ(ErrnoOf(vfs_.Rename("d", "f")), ENOTDIR);
  EXPECT_EQ(ErrnoOf(vfs_.Rename("d", "full")), ENOTEMPTY);
  EXPECT_EQ(ErrnoOf(vfs_.Rename("d", "d/e")), EINVAL);
  EXPECT_FALSE(vfs_.Rename("", "x").has_value());
  EXPECT_TRUE(vfs_.Rename("full", "d").has_value());
  EXPECT_THAT(*vfs_.List(""), ElementsAre("d", "f"));
  EXPECT_THAT(*vfs_.List("d"), ElementsAre("f"));
}

TEST_F(MemoryVfsTest, LinksShareTheirBytes) {
  const auto file = Create("f", "abc");
  EXPECT_TRUE(vfs_.Link("f", "g").has_value());
  EXPECT_TRUE(file->Write(0, AsBytes("x")).has_value());
  EXPECT_TRUE(vfs_.Unlink("f").has_value());
  EXPECT_EQ(ReadAll("g"), "xbc");
  EXPECT_EQ(ErrnoOf(vfs_.Link("missing", "h")), ENOENT);
  Create("f");
  EXPECT_EQ(ErrnoOf(vfs_.Link("f", "g")), EEXIST);
  EXPECT_TRUE(vfs_.MakeDirectory("d").has_value());
  EXPECT_EQ(ErrnoOf(vfs_.Link("d", "h")), EPERM);
  EXPECT_FALSE(vfs_.Link("", "h").has_value());
}

TEST_F(MemoryVfsTest, DirectoriesAreMadeListedAndRemoved) {
  EXPECT_TRUE(vfs_.MakeDirectory("d").has_value());
  EXPECT_EQ(ErrnoOf(vfs_.MakeDirectory("d")), EEXIST);
  Create("d/f");
  EXPECT_TRUE(*vfs_.Exists("d/f"));
  EXPECT_FALSE(*vfs_.Exists("d/g"));
  EXPECT_FALSE(*vfs_.Exists("e/f"));
  EXPECT_TRUE(*vfs_.Exists(""));
  EXPECT_EQ(ErrnoOf(vfs_.RemoveDirectory("d")), ENOTEMPTY);
  EXPECT_EQ(ErrnoOf(vfs_.RemoveDirectory("d/f")), ENOTDIR);
  EXPECT_EQ(ErrnoOf(vfs_.Unlink("d")), EISDIR);
  EXPECT_EQ(ErrnoOf(vfs_.List("d/f")), ENOTDIR);
  EXPECT_EQ(ErrnoOf(vfs_.SyncDirectory("d/f")), ENOTDIR);
  EXPECT_EQ(ErrnoOf(vfs_.SyncDirectory("e")), ENOENT);
  EXPECT_TRUE(vfs_.SyncDirectory("d").has_value());
  EXPECT_TRUE(vfs_.Unlink("d/f").has_value());
  EXPECT_TRUE(vfs_.RemoveDirectory("d").has_value());
  EXPECT_THAT(*vfs_.List(""), IsEmpty());
  EXPECT_EQ(ErrnoOf(vfs_.List("d")), ENOENT);
  EXPECT_FALSE(vfs_.RemoveDirectory("").has_value());
}

TEST_F(MemoryVfsTest, LocksAreSharedOrExclusive) {
  const auto first = Create("f");
  auto second = *vfs_.Open("f", {});
  EXPECT_TRUE(*first->Lock(LockLevel::kShared));
  EXPECT_TRUE(*second->Lock(LockLevel::kShared));
  EXPECT_FALSE(*first->Lock(LockLevel::kExclusive));
  EXPECT_TRUE(*second->Lock(LockLevel::kNone));
  EXPECT_TRUE(*first->Lock(LockLevel::kExclusive));
  EXPECT_FALSE(*second->Lock(LockLevel::kShared));
  EXPECT_TRUE(*first->Lock(LockLevel::kShared));
  EXPECT_TRUE(*second->Lock(LockLevel::kShared));
  second.reset();
  EXPECT_TRUE(*first->Lock(LockLevel::kExclusive));
}

}  // namespace
}  // namespace plugpull
