// Goal: a real file does what VfsFile says, and what cannot be opened is told in one line.
// Method: a temporary directory; what was written is read back through the standard library.
#include "faults/vfs/real_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "faults/base/bytes.h"

namespace plugpull {
namespace {

class RealFileTest : public testing::Test {
 protected:
  RealFileTest() {
    std::string name = (std::filesystem::temp_directory_path() / "plugpull-file-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    std::ofstream(path()) << "0123456789";
  }
  ~RealFileTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  std::string path(const std::string& name = "file") const { return directory_ / name; }
  std::string Text() const {
    std::ifstream file(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::filesystem::path directory_;
};

TEST_F(RealFileTest, ReadsAndWritesAtPlaces) {
  const auto file = *OpenRealFile(path(), RealFileMode::kReadWrite);
  std::string out(4, ' ');
  const auto bytes = std::as_writable_bytes(std::span(out));
  EXPECT_EQ(file->Read(8, bytes), 2U);
  EXPECT_EQ(out, "89  ");
  EXPECT_EQ(file->Read(10, bytes), 0U);
  EXPECT_TRUE(file->Write(12, AsBytes("ab")));
  EXPECT_EQ(Text(), std::string("0123456789\0\0ab", 14));
  EXPECT_TRUE(file->Truncate(3));
  EXPECT_EQ(file->Size(), 3U);
  EXPECT_TRUE(file->Allocate(2, 3));
  EXPECT_EQ(Text(), std::string("012\0\0", 5));
  EXPECT_TRUE(file->Sync(SyncKind::kFull));
  EXPECT_TRUE(file->Sync(SyncKind::kData));
  EXPECT_TRUE(file->SyncRange(0, 5));
}

TEST_F(RealFileTest, ThatIsOpenForReadingIsNotChanged) {
  const auto file = *OpenRealFile(path(), RealFileMode::kRead);
  const Expected<void> written = file->Write(0, AsBytes("x"));
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().context.find(path()), std::string::npos);
  EXPECT_FALSE(file->Truncate(0));
  EXPECT_EQ(Text(), "0123456789");
}

TEST_F(RealFileTest, LocksExcludeOtherHandles) {
  const auto one = *OpenRealFile(path(), RealFileMode::kReadWrite);
  const auto two = *OpenRealFile(path(), RealFileMode::kReadWrite);
  EXPECT_EQ(one->Lock(LockLevel::kExclusive), true);
  EXPECT_EQ(two->Lock(LockLevel::kShared), false);
  EXPECT_EQ(one->Lock(LockLevel::kNone), true);
  EXPECT_EQ(two->Lock(LockLevel::kShared), true);
  EXPECT_EQ(one->Lock(LockLevel::kShared), true);
}

TEST_F(RealFileTest, WhatIsNoFileIsRefused) {
  const auto error_of = [](const std::string& path) {
    const auto file = OpenRealFile(path, RealFileMode::kRead);
    return file ? Error{ErrorCode::kIo, "opened"} : file.error();
  };
  EXPECT_EQ(error_of(path("nowhere")).code, ErrorCode::kNotFound);
  EXPECT_EQ(error_of(directory_).code, ErrorCode::kInvalidArgument);
  EXPECT_NE(error_of(directory_).context.find("is a directory"), std::string::npos);
  EXPECT_EQ(error_of("/dev/null").code, ErrorCode::kInvalidArgument);
  // Nobody writes to the pipe: the open must not wait for somebody.
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(error_of(path("pipe")).code, ErrorCode::kInvalidArgument);
}

TEST_F(RealFileTest, AnAdoptedDescriptorIsAFile) {
  const int descriptor = ::open(path().c_str(), O_RDWR);
  ASSERT_GE(descriptor, 0);
  {
    const auto file = AdoptRealFile(descriptor, "mine");
    EXPECT_TRUE(file->Write(0, AsBytes("x")));
    EXPECT_EQ(file->Size(), 10U);
  }
  EXPECT_EQ(Text(), "x123456789");
  EXPECT_EQ(::fcntl(descriptor, F_GETFD), -1);
}

}  // namespace
}  // namespace plugpull
