// Goal: an open in good order reads no tree; a recovery reads each page in use once, and no free
// one; what a crash leaves at any point of a recovery is recovered to the same. Method: a Vfs that
// counts reads, and one that fails.
#include "engine/revision_tree/engine_testing.h"

namespace plugpull::revision_tree {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// Passes everything on and counts reads of PageIOs.
class CountingVfs final : public Vfs {
 public:
  explicit CountingVfs(Vfs& base) : base_(base) {}

  std::map<uint64_t, int> reads;  // by page

  Expected<std::unique_ptr<VfsFile>> Open(std::string_view path, OpenOptions options) override;
  Expected<void> Unlink(std::string_view path) override { return base_.Unlink(path); }
  Expected<void> Rename(std::string_view from, std::string_view to) override {
    return base_.Rename(from, to);
  }
  Expected<void> Link(std::string_view existing, std::string_view added) override {
    return base_.Link(existing, added);
  }
  Expected<void> MakeDirectory(std::string_view path) override { return base_.MakeDirectory(path); }
  Expected<void> RemoveDirectory(std::string_view path) override {
    return base_.RemoveDirectory(path);
  }
  Expected<void> SyncDirectory(std::string_view path) override { return base_.SyncDirectory(path); }
  Expected<bool> Exists(std::string_view path) override { return base_.Exists(path); }
  Expected<std::vector<std::string>> List(std::string_view path) override {
    return base_.List(path);
  }

 private:
  Vfs& base_;
};

class CountingFile final : public VfsFile {
 public:
  CountingFile(CountingVfs& vfs, std::unique_ptr<VfsFile> base)
      : vfs_(vfs), base_(std::move(base)) {}

  Expected<size_t> Read(uint64_t offset_bytes, std::span<std::byte> out) override {
    ++vfs_.reads[offset_bytes / 512];
    return base_->Read(offset_bytes, out);
  }
  Expected<void> Write(uint64_t offset_bytes, std::span<const std::byte> data) override {
    return base_->Write(offset_bytes, data);
  }
  Expected<void> Truncate(uint64_t size_bytes) override { return base_->Truncate(size_bytes); }
  Expected<void> Sync(SyncKind kind) override { return base_->Sync(kind); }
  Expected<void> SyncRange(uint64_t offset_bytes, uint64_t size_bytes) override {
    return base_->SyncRange(offset_bytes, size_bytes);
  }
  Expected<void> Allocate(uint64_t offset_bytes, uint64_t size_bytes) override {
    return base_->Allocate(offset_bytes, size_bytes);
  }
  Expected<uint64_t> Size() override { return base_->Size(); }
  Expected<bool> Lock(LockLevel level) override { return base_->Lock(level); }

 private:
  CountingVfs& vfs_;
  std::unique_ptr<VfsFile> base_;
};

Expected<std::unique_ptr<VfsFile>> CountingVfs::Open(std::string_view path, OpenOptions options) {
  Expected<std::unique_ptr<VfsFile>> file = base_.Open(path, options);
  if (!file) return file;
  return std::make_unique<CountingFile>(*this, *std::move(file));
}

// Puts `keys` keys, each in a transaction of its own, so that there are free pages as well.
std::unique_ptr<Engine> FilledStore(Vfs& vfs, int keys, const OptionList& options = {}) {
  std::unique_ptr<Engine> engine = OpenTree(vfs, options);
  for (int key = 0; key < keys; ++key) {
    ApplyOk(*engine, {{fmt::format("key{:05}", key * 7919 % 10007), std::string(100, 'v')}});
  }
  return engine;
}

TEST(RevisionRecovery, AnOpenInGoodOrderReadsTheHeaderAlone) {
  for (const char* proposal : {"E", "K"}) {
    MemoryVfs memory;
    std::unique_ptr<Engine> engine = FilledStore(memory, 100, {{"proposal", proposal}});
    CloseOk(engine);
    CountingVfs vfs(memory);
    engine = OpenTree(vfs);
    EXPECT_EQ(vfs.reads, (std::map<uint64_t, int>{{0, 1}, {1, 1}}));
    ExpectClean(*engine);
    EXPECT_EQ(ContentsOf(*engine).size(), 100U);
  }
}

TEST(RevisionRecovery, AScanReadsEachPageInUseOnceAndNoFreeOne) {
  for (const int keys : {10, 100, 1000}) {
    MemoryVfs memory;
    FilledStore(memory, keys).reset();
    CountingVfs vfs(memory);
    const std::unique_ptr<Engine> engine = OpenTree(vfs);
    vfs.reads.erase(0);
    vfs.reads.erase(1);
    for (const auto& [page, times] : vfs.reads) ASSERT_EQ(times, 1) << "page " << page;
    const Header header = HeaderOf(memory);
    EXPECT_LT(vfs.reads.size(), static_cast<size_t>(header.page_count));
    // The check finds as many pages in use, and the rest free.
    EXPECT_GT(vfs.reads.size(), static_cast<size_t>(keys) / 8);
    ExpectClean(*engine);
  }
}

TEST(RevisionRecovery, AFailureAtEachStepOfItIsFollowedByTheSame) {
  for (const char* options : {"E", "K"}) {
    MemoryVfs whole;
    FilledStore(whole, 40, {{"proposal", options}}).reset();
    const Contents expected = [&] {
      MemoryVfs copy(whole.image());
      return ContentsOf(*OpenTree(copy));
    }();
    ASSERT_EQ(expected.size(), 40U);
    bool has_failed = true;
    for (int step = 1; has_failed; ++step) {
      SCOPED_TRACE(step);
      ASSERT_LT(step, 1000);
      MemoryVfs memory(whole.image());
      LoggingVfs vfs(memory);
      vfs.fail_at = step;
      const Expected<void> opened = MakeTree(vfs)->Open();
      has_failed = !opened.has_value();
      const std::unique_ptr<Engine> engine = OpenTree(memory);
      ExpectClean(*engine);
      ASSERT_EQ(ContentsOf(*engine), expected);
    }
  }
}

TEST(RevisionRecovery, AStoreThatIsInUseButEqualIsScannedOnlyIfTheFlagIsTrusted) {
  MemoryVfs memory;
  FilledStore(memory, 10).reset();
  EXPECT_EQ(HeaderOf(memory).current, HeaderOf(memory).ongoing);
  {
    MemoryVfs copy(memory.image());
    EXPECT_THAT(ReportOf(*OpenTree(copy, {{"trust", "equal"}})).leaks, testing::Not(IsEmpty()));
  }
  ExpectClean(*OpenTree(memory));
}

TEST(RevisionRecovery, ProposalKMayStepBackToTheOlderRevision) {
  MemoryVfs vfs;
  auto engine = OpenTree(vfs, {{"proposal", "K"}, {"start", "older"}});
  ApplyOk(*engine, {{"a", "1"}});
  ApplyOk(*engine, {{"a", "2"}, {"b", "2"}});
  engine.reset();
  engine = OpenTree(vfs, {{"proposal", "K"}, {"start", "older"}});
  EXPECT_EQ(ContentsOf(*engine), (Contents{{"a", "1"}}));
  ExpectClean(*engine);
  ApplyOk(*engine, {{"c", "3"}});
  EXPECT_EQ(ContentsOf(*engine), (Contents{{"a", "1"}, {"c", "3"}}));
  CloseOk(engine);  // no crash: then there is nothing to step back from
  EXPECT_EQ(ContentsOf(*OpenTree(vfs, {{"proposal", "K"}, {"start", "older"}})),
            (Contents{{"a", "1"}, {"c", "3"}}));
}

TEST(RevisionRecovery, OneBrokenSlotOfTwoIsNoHarm) {
  for (const uint64_t slot : {0, 1}) {
    MemoryVfs vfs;
    auto engine = FilledStore(vfs, 5);
    CloseOk(engine);
    (void)(*vfs.Open(kStorePath, {}))->Write(slot * 512 + 20, AsBytes("x"));
    engine = OpenTree(vfs);
    EXPECT_EQ(ContentsOf(*engine).size(), 5U);
    ExpectClean(*engine);
  }
}

TEST(RevisionRecovery, ABrokenHeaderOrAShortFileIsRefused) {
  const auto error_of = [](const OptionList& options, uint64_t at, uint64_t size_bytes) {
    MemoryVfs vfs;
    FilledStore(vfs, 5, options).reset();
    const auto file = *vfs.Open(kStorePath, {});
    (void)file->Write(at, AsBytes("x"));
    if (size_bytes > 0) (void)file->Truncate(size_bytes);
    const Expected<void> opened = MakeTree(vfs)->Open();
    return opened ? std::string() : opened.error().context;
  };
  const OptionList one_slot = {{"slots", "1"}};
  EXPECT_THAT(error_of(one_slot, 0, 0), HasSubstr("not a revision tree"));
  EXPECT_THAT(error_of(one_slot, 20, 0), HasSubstr("checksum error"));
  EXPECT_THAT(error_of(one_slot, 400, 1024), HasSubstr("end of file: 2 pages"));
  EXPECT_THAT(error_of({{"slots", "1"}, {"checksum", "off"}}, 16, 0), HasSubstr("revisions"));
}

}  // namespace
}  // namespace plugpull::revision_tree
