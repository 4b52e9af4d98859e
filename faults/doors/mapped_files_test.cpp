// Goal: stores to shared mappings become writes, each once, with the bytes that were stored.
// Method: this process maps the file and stores to it. What the trace makes of it must read like
// the file, after random stores, writes, truncations and holes.
#include "faults/doors/mapped_files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "faults/base/bytes.h"
#include "faults/base/descriptor.h"
#include "faults/base/random.h"
#include "faults/doors/directory_image.h"
#include "faults/doors/testing.h"
#include "faults/persistence/materialise.h"

namespace plugpull {
namespace {

using Moment = MappedFiles::Moment;

constexpr InodeId kFile = 2;
constexpr size_t kMappedBytes = size_t{16} << 20;

class MappedFilesTest : public testing::Test {
 protected:
  MappedFilesTest() {
    umask(022);
    chmod(directory_.path().c_str(), 0755);
    recorder_.Append(
        {.kind = OpKind::kCreate, .inode = kFile, .directory = kRootInode, .name = "file"});
    file_ = Descriptor(open(directory_.At("file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    void* data = mmap(nullptr, kMappedBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file_.number(), 0);
    EXPECT_NE(data, MAP_FAILED);
    data_ = static_cast<char*>(data);
  }
  ~MappedFilesTest() override { munmap(data_, kMappedBytes); }

  // What the supervisor does for calls.
  void Resize(uint64_t size_bytes) {
    ASSERT_EQ(ftruncate(file_.number(), static_cast<off_t>(size_bytes)), 0);
    recorder_.Append({.kind = OpKind::kTruncate, .inode = kFile, .size_bytes = size_bytes});
    mapped_.Resized(kFile, size_bytes);
  }

  void Write(uint64_t offset_bytes, std::string_view text) {
    ASSERT_EQ(pwrite(file_.number(), text.data(), text.size(), static_cast<off_t>(offset_bytes)),
              static_cast<ssize_t>(text.size()));
    recorder_.Append({.kind = OpKind::kWrite, .inode = kFile, .offset_bytes = offset_bytes},
                     AsBytes(text));
    mapped_.Wrote(kFile, offset_bytes, AsBytes(text));
  }

  void Punch(uint64_t offset_bytes, uint64_t size_bytes) {
    ASSERT_EQ(fallocate(file_.number(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                        static_cast<off_t>(offset_bytes), static_cast<off_t>(size_bytes)),
              0);
    recorder_.Append({.kind = OpKind::kAllocate,
                      .inode = kFile,
                      .offset_bytes = offset_bytes,
                      .size_bytes = size_bytes,
                      .flags = kPunchHole | kKeepSize});
    mapped_.Zeroed(kFile, offset_bytes, size_bytes);
  }

  // Returns: the writes that a look has found, as "offset+size".
  std::vector<std::string> Look(Moment moment) {
    const size_t before = recorder_.trace().ops.size();
    const Expected<void> done = mapped_.Look(moment);
    EXPECT_TRUE(done) << Describe(done.error());
    std::vector<std::string> found;
    for (size_t i = before; i < recorder_.trace().ops.size(); ++i) {
      const Op& op = recorder_.trace().ops[i];
      EXPECT_EQ(op.kind, OpKind::kWrite);
      EXPECT_EQ(op.flags, kMapped);
      found.push_back(fmt::format("{}:{}+{}", op.inode, op.offset_bytes, op.size_bytes));
    }
    return found;
  }

  void ExpectReplay() {
    const Trace& trace = recorder_.trace();
    const Image replayed = Materialise(trace, trace.ops.size(), {}, Tear::kNone);
    EXPECT_EQ(FirstDifference(replayed, LoadDirectory(directory_.path())->image), "");
  }

  TestDirectory directory_;
  Recorder recorder_;
  MappedFiles mapped_{recorder_};
  Descriptor file_;
  char* data_ = nullptr;
};

using Found = std::vector<std::string>;

TEST_F(MappedFilesTest, StoresBecomeWritesOfPages) {
  Resize(3 * kPageBytes + 100);
  Write(5, "known before");
  EXPECT_FALSE(mapped_.any());
  EXPECT_EQ(Look(Moment::kEnd), Found{});
  ASSERT_TRUE(mapped_.Add(kFile, file_.number()));
  EXPECT_TRUE(mapped_.any());
  EXPECT_EQ(Look(Moment::kCall), Found{});
  data_[0] = 'x';
  data_[3 * kPageBytes + 99] = 'y';
  EXPECT_EQ(Look(Moment::kCall), (Found{"2:0+4096", "2:12288+100"}));
  EXPECT_EQ(Look(Moment::kCall), Found{});
  ExpectReplay();
}

TEST_F(MappedFilesTest, CallsAreNotTakenForStores) {
  Resize(2 * kPageBytes);
  ASSERT_TRUE(mapped_.Add(kFile, file_.number()));
  Write(4000, std::string(200, 'w'));
  EXPECT_EQ(Look(Moment::kCall), Found{});
  Punch(100, 5000);
  EXPECT_EQ(Look(Moment::kCall), Found{});
  Resize(10);
  Resize(3 * kPageBytes);
  EXPECT_EQ(Look(Moment::kCall), Found{});
  data_[2 * kPageBytes] = 'x';
  EXPECT_EQ(Look(Moment::kCall), Found{"2:8192+4096"});
  ExpectReplay();
}

TEST_F(MappedFilesTest, ReplaysLikeTheFile) {
  Random random(1, "mapped-files");
  Resize(5 * kPageBytes);
  ASSERT_TRUE(mapped_.Add(kFile, file_.number()));
  uint64_t size = 5 * kPageBytes;
  for (int step = 0; step < 1000; ++step) {
    switch (random.Below(6)) {
      case 0:
        size = random.Below(40 * kPageBytes);
        ASSERT_NO_FATAL_FAILURE(Resize(size));
        break;
      case 1: {
        const uint64_t offset = random.Below(40 * kPageBytes);
        const std::string text(1 + random.Below(6000), static_cast<char>('a' + step % 26));
        ASSERT_NO_FATAL_FAILURE(Write(offset, text));
        size = std::max(size, offset + text.size());
        break;
      }
      case 2:
        ASSERT_NO_FATAL_FAILURE(Punch(random.Below(20 * kPageBytes), 1 + random.Below(9000)));
        break;
      default:
        if (size > 0) data_[random.Below(size)] = static_cast<char>(step);
        break;
    }
    // Before every call, as the supervisor does: stores have their place before it.
    Look(Moment::kCall);
    if (step % 50 != 0) continue;
    ASSERT_NO_FATAL_FAILURE(ExpectReplay()) << step;
  }
  ExpectReplay();
}

TEST_F(MappedFilesTest, LargeFilesAreLookedAtWhereItMatters) {
  Resize(4 * MappedFiles::kOftenBytes);
  ASSERT_TRUE(mapped_.Add(kFile, file_.number()));
  data_[7] = 'x';  // holes do not count
  EXPECT_EQ(Look(Moment::kCall), Found{"2:0+4096"});
  std::memset(data_, 'm', MappedFiles::kOftenBytes + 1);
  EXPECT_EQ(Look(Moment::kCall).size(), MappedFiles::kOftenBytes / kPageBytes + 1);
  data_[7] = 'y';
  EXPECT_EQ(Look(Moment::kCall), Found{});
  EXPECT_EQ(Look(Moment::kSync), Found{"2:0+4096"});
  data_[7] = 'z';
  EXPECT_EQ(Look(Moment::kLine), Found{"2:0+4096"});
  data_[7] = '!';
  EXPECT_EQ(Look(Moment::kEnd), Found{"2:0+4096"});
  ExpectReplay();
}

TEST_F(MappedFilesTest, HolesStayHoles) {
  Resize(uint64_t{1} << 36);
  ASSERT_TRUE(mapped_.Add(kFile, file_.number()));
  data_[5 * kPageBytes] = 'x';
  EXPECT_EQ(Look(Moment::kEnd), Found{"2:20480+4096"});
  struct stat status = {};
  ASSERT_EQ(fstat(file_.number(), &status), 0);
  EXPECT_LT(status.st_blocks * 512, 1 << 20);
}

TEST_F(MappedFilesTest, FilesGrow) {
  Resize(10);
  ASSERT_TRUE(mapped_.Add(kFile, file_.number()));
  Resize(kMappedBytes);
  data_[kMappedBytes - 1] = 'x';
  EXPECT_EQ(Look(Moment::kEnd), Found{fmt::format("2:{}+4096", kMappedBytes - kPageBytes)});
  ExpectReplay();
}

TEST_F(MappedFilesTest, LocksOfTheProgramAreNotKept) {
  Resize(10);
  ASSERT_EQ(flock(file_.number(), LOCK_EX), 0);
  {
    const Descriptor ours(dup(file_.number()));
    ASSERT_TRUE(mapped_.Add(kFile, ours.number()));
  }
  munmap(data_, kMappedBytes);
  file_.Close();
  const Descriptor other(open(directory_.At("file").c_str(), O_RDWR | O_CLOEXEC));
  EXPECT_EQ(flock(other.number(), LOCK_EX | LOCK_NB), 0);
}

// Programs that make and remove a mapped file again and again would slow everything down.
TEST_F(MappedFilesTest, FilesThatNobodyCanStoreToAreForgotten) {
  const auto open_count = [] {
    int count = 0;
    for (int number = 0; number < 1000; ++number) count += fcntl(number, F_GETFD) >= 0 ? 1 : 0;
    return count;
  };
  Resize(2 * kPageBytes);
  ASSERT_TRUE(mapped_.Add(kFile, file_.number()));
  const int before = open_count();
  ASSERT_EQ(unlink(directory_.At("file").c_str()), 0);
  file_.Close();
  data_[0] = 'x';  // it is still mapped
  EXPECT_EQ(Look(Moment::kCall), Found{"2:0+4096"});
  data_[0] = 'y';
  EXPECT_EQ(Look(Moment::kCall), Found{"2:0+4096"});
  EXPECT_EQ(open_count(), before - 1);
  data_[kPageBytes] = 'z';
  munmap(data_, kMappedBytes);
  EXPECT_EQ(Look(Moment::kCall), Found{"2:4096+4096"});
  EXPECT_EQ(open_count(), before - 2);
  EXPECT_EQ(Look(Moment::kEnd), Found{});
}

TEST_F(MappedFilesTest, WhatCannotBeReadIsAnError) {
  const Expected<void> done = mapped_.Add(kFile, 9999);
  ASSERT_FALSE(done);
  EXPECT_THAT(Describe(done.error()), testing::HasSubstr("cannot open a file that the program"));
}

}  // namespace
}  // namespace plugpull
