// What the tests of this engine share: stores with options, their contents, their bytes, and a Vfs
// that writes down what is done to the file and can fail on demand.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "engine/cow_tree/cow_tree.h"
#include "engine/cow_tree/format.h"
#include "engine/cow_tree/tree_node.h"
#include "faults/vfs/memory_vfs.h"

namespace plugpull::cow_tree {

using Contents = std::map<std::string, std::string>;
using OptionList = std::vector<std::pair<std::string, std::string>>;

inline EngineOptions OptionsWith(const OptionList& changed) {
  EngineOptions options;
  for (const OptionSpec& spec : CowTreeType().options()) options[spec.name] = spec.default_value;
  for (const auto& [name, value] : changed) options[name] = value;
  return options;
}

inline std::unique_ptr<Engine> MakeStore(Vfs& vfs, const OptionList& changed = {}) {
  return CowTreeType().Create(vfs, OptionsWith(changed));
}

// Returns: an open store. The test fails when it does not open.
inline std::unique_ptr<Engine> OpenStore(Vfs& vfs, const OptionList& changed = {}) {
  std::unique_ptr<Engine> engine = MakeStore(vfs, changed);
  const Expected<void> opened = engine->Open();
  EXPECT_TRUE(opened.has_value()) << Describe(opened.error());
  return engine;
}

// Returns: the error text of an open; "" when it succeeds.
inline std::string OpenError(Vfs& vfs, const OptionList& changed = {}) {
  const Expected<void> opened = MakeStore(vfs, changed)->Open();
  return opened ? "" : opened.error().context;
}

class ContentsVisitor final : public PairVisitor {
 public:
  void OnPair(std::span<const std::byte> key, std::span<const std::byte> value) override {
    const bool is_new = contents.emplace(AsText(key), AsText(value)).second;
    has_duplicates = has_duplicates || !is_new;
  }
  Contents contents;
  bool has_duplicates = false;
};

inline Contents ContentsOf(Engine& engine) {
  ContentsVisitor visitor;
  const Expected<void> scanned = engine.Scan(visitor);
  EXPECT_TRUE(scanned.has_value()) << Describe(scanned.error());
  EXPECT_FALSE(visitor.has_duplicates);
  return visitor.contents;
}

// Returns: what a reader sees; the error text under the key "error" when it cannot read on.
inline Contents ContentsOf(Snapshot& snapshot) {
  ContentsVisitor visitor;
  const Expected<void> scanned = snapshot.Scan(visitor);
  if (!scanned) return {{"error", scanned.error().context}};
  return visitor.contents;
}

inline std::unique_ptr<Snapshot> OpenSnapshot(Engine& engine) {
  Expected<std::unique_ptr<Snapshot>> snapshot = engine.OpenSnapshot();
  EXPECT_TRUE(snapshot.has_value()) << Describe(snapshot.error());
  return snapshot ? *std::move(snapshot) : nullptr;
}

inline CheckReport ReportOf(Engine& engine) {
  const Expected<CheckReport> report = engine.Check();
  EXPECT_TRUE(report.has_value()) << Describe(report.error());
  return report ? *report : CheckReport{};
}

inline void ExpectClean(Engine& engine) {
  const CheckReport report = ReportOf(engine);
  EXPECT_THAT(report.structure, testing::IsEmpty());
  EXPECT_THAT(report.leaks, testing::IsEmpty());
}

inline void ApplyOk(Engine& engine, std::vector<Change> changes) {
  const Expected<void> applied = engine.Apply(Transaction{std::move(changes)});
  ASSERT_TRUE(applied.has_value()) << Describe(applied.error());
}

inline void RollbackOk(Engine& engine, std::vector<Change> changes) {
  const Expected<bool> rolled_back = engine.Rollback(Transaction{std::move(changes)});
  ASSERT_TRUE(rolled_back.has_value()) << Describe(rolled_back.error());
  ASSERT_TRUE(*rolled_back);
}

// The bytes of a store file, taken out to be looked at or damaged, and put back.
class StoreImage {
 public:
  explicit StoreImage(Vfs& vfs) : vfs_(vfs) {
    const auto file = vfs_.Open("store.db", {});
    bytes.resize(*(*file)->Size());
    EXPECT_EQ((*file)->Read(0, bytes), bytes.size());
    if (bytes.size() < kMetaBytes) return;
    page_size = LoadMeta(bytes) ? LoadMeta(bytes)->page_size_bytes : 4096;
  }

  void Save() {
    const auto file = vfs_.Open("store.db", OpenOptions{.create = true, .truncate = true});
    EXPECT_TRUE((*file)->Write(0, bytes).has_value());
  }

  std::byte* Page(PageId id) { return &bytes[id * page_size]; }
  std::span<std::byte> PageSpan(PageId id) { return std::span(bytes).subspan(id * page_size); }
  TreePage Tree(PageId id) {
    const uint64_t run_bytes = (LoadPageHeader(Page(id)).overflow + 1ULL) * page_size;
    return TreePage(Bytes(Page(id), run_bytes));
  }

  PageId ActiveSlot() {
    const auto first = LoadMeta(PageSpan(0));
    const auto second = LoadMeta(PageSpan(1));
    return first && (!second || first->transaction_id > second->transaction_id) ? 0 : 1;
  }
  Meta Active() { return *LoadMeta(PageSpan(ActiveSlot())); }
  void SetActive(const Meta& meta) { StoreMeta(PageSpan(ActiveSlot()), ActiveSlot(), meta); }

  // Returns: the root page of the bucket "kv". Requires: it is not inline, the first of its leaf.
  PageId BucketRoot() {
    return LoadBucketHeader(Tree(Active().root.root).LeafElement(0).value.data()).root;
  }

  // Puts a page with these entries in place.
  void PutNode(PageId id, bool is_leaf, std::vector<Entry> entries) {
    std::fill_n(Page(id), page_size, std::byte{0});
    StorePageHeader(Page(id), PageHeader{.id = id});
    Node node;
    node.is_leaf = is_leaf;
    node.entries = std::move(entries);
    SerializeNode(node, EntryRange{0, node.entries.size()}, PageSpan(id).first(page_size));
  }

  std::vector<std::byte> bytes;
  uint32_t page_size = 4096;

 private:
  Vfs& vfs_;
};

// Passes everything on; writes down changes and syncs in pages of `page_size`.
class LoggingVfs final : public Vfs {
 public:
  explicit LoggingVfs(Vfs& base) : base_(base) {}

  std::vector<std::string> log;
  uint32_t page_size = 4096;
  int fail_at = 0;  // the how-manieth operation from now on fails; 0: none

  // Returns: the operations since the last call.
  std::vector<std::string> TakeLog() { return std::exchange(log, {}); }

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
  Expected<void> SyncDirectory(std::string_view path) override {
    if (Expected<void> noted = Note(fmt::format("sync directory '{}'", path)); !noted) return noted;
    return base_.SyncDirectory(path);
  }
  Expected<bool> Exists(std::string_view path) override { return base_.Exists(path); }
  Expected<std::vector<std::string>> List(std::string_view path) override {
    return base_.List(path);
  }

  Expected<void> Note(std::string operation) {
    if (fail_at > 0 && --fail_at == 0) return Fail(ErrorCode::kIo, "injected", EIO);
    log.push_back(std::move(operation));
    return {};
  }

 private:
  Vfs& base_;
};

class LoggingFile final : public VfsFile {
 public:
  LoggingFile(LoggingVfs& vfs, std::unique_ptr<VfsFile> base) : vfs_(vfs), base_(std::move(base)) {}

  Expected<size_t> Read(uint64_t offset_bytes, std::span<std::byte> out) override {
    return base_->Read(offset_bytes, out);
  }
  Expected<void> Write(uint64_t offset_bytes, std::span<const std::byte> data) override {
    Expected<void> noted = vfs_.Note(
        fmt::format("write {}+{}", offset_bytes / vfs_.page_size, data.size() / vfs_.page_size));
    return noted ? base_->Write(offset_bytes, data) : noted;
  }
  Expected<void> Truncate(uint64_t size_bytes) override {
    Expected<void> noted = vfs_.Note(fmt::format("truncate {}", size_bytes));
    return noted ? base_->Truncate(size_bytes) : noted;
  }
  Expected<void> Sync(SyncKind kind) override {
    Expected<void> noted = vfs_.Note(kind == SyncKind::kFull ? "fsync" : "fdatasync");
    return noted ? base_->Sync(kind) : noted;
  }
  Expected<void> SyncRange(uint64_t offset_bytes, uint64_t size_bytes) override {
    return base_->SyncRange(offset_bytes, size_bytes);
  }
  Expected<void> Allocate(uint64_t offset_bytes, uint64_t size_bytes) override {
    return base_->Allocate(offset_bytes, size_bytes);
  }
  Expected<uint64_t> Size() override { return base_->Size(); }
  Expected<bool> Lock(LockLevel level) override { return base_->Lock(level); }

 private:
  LoggingVfs& vfs_;
  std::unique_ptr<VfsFile> base_;
};

inline Expected<std::unique_ptr<VfsFile>> LoggingVfs::Open(std::string_view path,
                                                           OpenOptions options) {
  Expected<std::unique_ptr<VfsFile>> file = base_.Open(path, options);
  if (!file) return file;
  return std::make_unique<LoggingFile>(*this, *std::move(file));
}

}  // namespace plugpull::cow_tree
