// Goal: a recorded trace says what happened, so exactly that replaying it gives the same files.
// Method: random programs, replayed at their end; then the rules that a replay cannot show.
#include "faults/vfs/recording_vfs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "faults/base/bytes.h"
#include "faults/persistence/materialise.h"
#include "faults/persistence/testing.h"
#include "faults/trace/validate.h"
#include "faults/vfs/memory_vfs.h"

namespace plugpull {
namespace {

// A disk that is full: nothing can be changed.
class FullVfs final : public Vfs {
 public:
  explicit FullVfs(Vfs& inner) : inner_(inner) {}

  bool full = false;

  Expected<std::unique_ptr<VfsFile>> Open(std::string_view path, OpenOptions options) override {
    if (full && options.create) return std::unexpected(Full().error());
    auto file = inner_.Open(path, options);
    if (!file) return file;
    return std::make_unique<File>(*this, std::move(*file));
  }
  Expected<void> Unlink(std::string_view path) override {
    return full ? Full() : inner_.Unlink(path);
  }
  Expected<void> Rename(std::string_view from, std::string_view to) override {
    return full ? Full() : inner_.Rename(from, to);
  }
  Expected<void> Link(std::string_view existing, std::string_view added) override {
    return full ? Full() : inner_.Link(existing, added);
  }
  Expected<void> MakeDirectory(std::string_view path) override {
    return full ? Full() : inner_.MakeDirectory(path);
  }
  Expected<void> RemoveDirectory(std::string_view path) override {
    return full ? Full() : inner_.RemoveDirectory(path);
  }
  Expected<void> SyncDirectory(std::string_view path) override {
    return full ? Full() : inner_.SyncDirectory(path);
  }
  Expected<bool> Exists(std::string_view path) override { return inner_.Exists(path); }
  Expected<std::vector<std::string>> List(std::string_view path) override {
    return inner_.List(path);
  }

 private:
  class File final : public VfsFile {
   public:
    File(FullVfs& disk, std::unique_ptr<VfsFile> inner) : disk_(disk), inner_(std::move(inner)) {}
    Expected<size_t> Read(uint64_t offset_bytes, std::span<std::byte> out) override {
      return inner_->Read(offset_bytes, out);
    }
    Expected<void> Write(uint64_t offset_bytes, std::span<const std::byte> data) override {
      return disk_.full ? Full() : inner_->Write(offset_bytes, data);
    }
    Expected<void> Truncate(uint64_t size_bytes) override {
      return disk_.full ? Full() : inner_->Truncate(size_bytes);
    }
    Expected<void> Sync(SyncKind kind) override { return disk_.full ? Full() : inner_->Sync(kind); }
    Expected<void> SyncRange(uint64_t offset_bytes, uint64_t size_bytes) override {
      return disk_.full ? Full() : inner_->SyncRange(offset_bytes, size_bytes);
    }
    Expected<void> Allocate(uint64_t offset_bytes, uint64_t size_bytes) override {
      return disk_.full ? Full() : inner_->Allocate(offset_bytes, size_bytes);
    }
    Expected<uint64_t> Size() override { return inner_->Size(); }
    Expected<bool> Lock(LockLevel level) override { return inner_->Lock(level); }

   private:
    FullVfs& disk_;
    std::unique_ptr<VfsFile> inner_;
  };

  static Expected<void> Full() { return Fail(ErrorCode::kNoSpace, "full", ENOSPC); }

  Vfs& inner_;
};

std::string Listing(const Trace& trace) {
  std::string listing;
  const auto names = LastNames(trace);
  for (const Op& op : trace.ops) listing += Describe(op, names) + "\n";
  return listing;
}

TEST(RecordingVfsTest, ReplayOfARandomProgramLooksLikeWhatItLeft) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    MemoryVfs disk;
    RecordingVfs recorder(disk);
    Explore(recorder, seed, 80, /*writes=*/true);
    const Trace& trace = recorder.trace();
    ASSERT_TRUE(ValidateTrace(trace).has_value())
        << "seed " << seed << ": " << ValidateTrace(trace).error().context;
    for (const Tear tear : kAllTears) {
      ASSERT_TRUE(Materialise(trace, trace.ops.size(), {}, tear).LooksLike(disk.image()))
          << "seed " << seed << "\n"
          << Listing(trace);
    }
  }
}

TEST(RecordingVfsTest, AProgramSeesTheSameWithAndWithoutARecorder) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    MemoryVfs plain;
    MemoryVfs disk;
    RecordingVfs recorder(disk);
    ASSERT_EQ(Explore(recorder, seed, 80, /*writes=*/true),
              Explore(plain, seed, 80, /*writes=*/true));
  }
}

TEST(RecordingVfsTest, EveryKindOfOperationIsWrittenDownInOrder) {
  MemoryVfs disk;
  RecordingVfs recorder(disk);
  recorder.Begin(1);
  EXPECT_TRUE(recorder.MakeDirectory("d").has_value());
  {
    const auto file = *recorder.Open("d/f", {.create = true, .truncate = true});
    EXPECT_TRUE(file->Write(3, AsBytes("abc")).has_value());
    EXPECT_TRUE(file->Write(9, {}).has_value());
    EXPECT_TRUE(file->Truncate(4).has_value());
    EXPECT_TRUE(file->Sync(SyncKind::kFull).has_value());
    EXPECT_TRUE(file->Sync(SyncKind::kData).has_value());
  }
  EXPECT_TRUE(recorder.Open("d/f", {.truncate = true}).has_value());
  EXPECT_TRUE(recorder.Link("d/f", "g").has_value());
  EXPECT_TRUE(recorder.Rename("d/f", "g").has_value());  // does nothing: one file
  EXPECT_TRUE(recorder.Rename("g", "h").has_value());
  EXPECT_TRUE(recorder.Unlink("d/f").has_value());
  EXPECT_TRUE(recorder.SyncDirectory("d").has_value());
  EXPECT_TRUE(recorder.RemoveDirectory("d").has_value());
  EXPECT_FALSE(recorder.Open("missing", {}).has_value());
  recorder.Acknowledge(1);
  std::vector<OpKind> kinds;
  for (const Op& op : recorder.trace().ops) kinds.push_back(op.kind);
  EXPECT_EQ(kinds, (std::vector<OpKind>{OpKind::kBegin, OpKind::kMakeDirectory, OpKind::kCreate,
                                        OpKind::kWrite, OpKind::kTruncate, OpKind::kSync,
                                        OpKind::kDataSync, OpKind::kTruncate, OpKind::kLink,
                                        OpKind::kRename, OpKind::kUnlink, OpKind::kSyncDirectory,
                                        OpKind::kRemoveDirectory, OpKind::kAcknowledge}));
  const Op& write = recorder.trace().ops[3];
  EXPECT_EQ(write.offset_bytes, 3U);
  EXPECT_EQ(AsText(recorder.trace().Payload(write)), "abc");
}

TEST(RecordingVfsTest, GoesOnFromATrace) {
  MemoryVfs disk;
  RecordingVfs first(disk);
  EXPECT_TRUE(first.MakeDirectory("d").has_value());
  EXPECT_TRUE((*first.Open("d/old", {.create = true}))->Write(0, AsBytes("abc")).has_value());
  EXPECT_TRUE((*first.Open("gone", {.create = true}))->Write(0, AsBytes("x")).has_value());
  EXPECT_TRUE(first.Unlink("gone").has_value());
  const Trace so_far = first.trace();
  MemoryVfs again(disk.image());
  RecordingVfs recorder(again, so_far, disk.image().names);
  EXPECT_TRUE((*recorder.Open("d/old", {}))->Write(3, AsBytes("def")).has_value());
  EXPECT_TRUE((*recorder.Open("d/new", {.create = true}))->Write(0, AsBytes("n")).has_value());
  EXPECT_TRUE(recorder.Rename("d/old", "d/moved").has_value());
  const Trace& trace = recorder.trace();
  EXPECT_TRUE(ValidateTrace(trace).has_value()) << Describe(ValidateTrace(trace).error());
  EXPECT_TRUE(std::equal(so_far.ops.begin(), so_far.ops.end(), trace.ops.begin()));
  EXPECT_EQ(trace.ops.size(), so_far.ops.size() + 4);
  EXPECT_TRUE(Materialise(trace, trace.ops.size(), {}, Tear::kNone).LooksLike(again.image()));
}

TEST(RecordingVfsTest, RangesAreWrittenDown) {
  MemoryVfs disk;
  RecordingVfs recorder(disk);
  const auto file = *recorder.Open("f", {.create = true});
  EXPECT_TRUE(file->Allocate(100, 5'000).has_value());
  EXPECT_TRUE(file->SyncRange(4096, 1'000).has_value());
  EXPECT_EQ(*file->Size(), 5'100U) << "the inner disk did it too";
  const std::vector<Op>& ops = recorder.trace().ops;
  ASSERT_EQ(ops.size(), 3U);
  const Op allocate{
      .kind = OpKind::kAllocate, .inode = 2, .offset_bytes = 100, .size_bytes = 5'000};
  const Op sync{.kind = OpKind::kSyncRange, .inode = 2, .offset_bytes = 4096, .size_bytes = 1'000};
  EXPECT_EQ(ops[1], allocate);
  EXPECT_EQ(ops[2], sync);
  EXPECT_FALSE(file->Allocate(7, 0).has_value());
  EXPECT_EQ(ops.back().result_errno, EINVAL);
  EXPECT_TRUE(ValidateTrace(recorder.trace()).has_value());
}

TEST(RecordingVfsTest, ASynchronousWriteIsAWriteAndItsReturn) {
  for (const auto& [sync_kind, flags] :
       {std::pair{SyncKind::kData, uint32_t{0}}, std::pair{SyncKind::kFull, uint32_t{kFullSync}}}) {
    MemoryVfs disk;
    RecordingVfs recorder(disk);
    const auto file =
        *recorder.Open("f", {.create = true, .truncate = true, .synchronous_writes = sync_kind});
    const auto other = *recorder.Open("f", {});
    EXPECT_TRUE(file->Write(3, AsBytes("abc")).has_value());
    EXPECT_TRUE(file->Write(9, {}).has_value());
    EXPECT_TRUE(file->Truncate(5).has_value());
    EXPECT_TRUE(other->Write(0, AsBytes("x")).has_value());
    EXPECT_EQ(Listing(recorder.trace()),
              "create f\nwrite f 3+3\nsync-write f 3+3\ntruncate f to 5\nwrite f 0+1\n");
    EXPECT_EQ(recorder.trace().ops[1].flags, 0U);
    EXPECT_EQ(recorder.trace().ops[2].flags, flags);
    EXPECT_TRUE(ValidateTrace(recorder.trace()).has_value());
  }
}

TEST(RecordingVfsTest, ASynchronousWriteThatFailsMakesNothingDurable) {
  MemoryVfs memory;
  FullVfs disk(memory);
  RecordingVfs recorder(disk);
  const auto file = *recorder.Open("f", {.create = true, .synchronous_writes = SyncKind::kFull});
  disk.full = true;
  EXPECT_FALSE(file->Write(0, AsBytes("abc")).has_value());
  EXPECT_EQ(Listing(recorder.trace()), "create f\nwrite f 0+3 failed: No space left on device\n");
}

TEST(RecordingVfsTest, FailedOperationsAreMarkedAndChangeNothing) {
  MemoryVfs memory;
  FullVfs disk(memory);
  RecordingVfs recorder(disk);
  const auto file = *recorder.Open("f", {.create = true});
  EXPECT_TRUE(file->Write(0, AsBytes("abc")).has_value());
  EXPECT_TRUE(recorder.MakeDirectory("d").has_value());
  const size_t before = recorder.trace().ops.size();
  disk.full = true;
  EXPECT_FALSE(file->Write(0, AsBytes("xyz")).has_value());
  EXPECT_FALSE(file->Truncate(1).has_value());
  EXPECT_FALSE(file->Sync(SyncKind::kFull).has_value());
  EXPECT_FALSE(file->SyncRange(0, 3).has_value());
  EXPECT_FALSE(file->Allocate(0, 9).has_value());
  EXPECT_FALSE(recorder.Unlink("f").has_value());
  EXPECT_FALSE(recorder.Rename("f", "g").has_value());
  EXPECT_FALSE(recorder.Link("f", "g").has_value());
  EXPECT_FALSE(recorder.RemoveDirectory("d").has_value());
  EXPECT_FALSE(recorder.SyncDirectory("").has_value());
  const Trace& trace = recorder.trace();
  ASSERT_EQ(trace.ops.size(), before + 10);
  for (size_t i = before; i < trace.ops.size(); ++i) EXPECT_EQ(trace.ops[i].result_errno, ENOSPC);
  EXPECT_TRUE(ValidateTrace(trace).has_value());
  disk.full = false;
  EXPECT_TRUE(recorder.Unlink("f").has_value());
  EXPECT_TRUE(Materialise(trace, trace.ops.size(), {}, Tear::kNone).LooksLike(memory.image()));
}

}  // namespace
}  // namespace plugpull
