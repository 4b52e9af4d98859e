#include "engine/cow_tree/cow_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "engine/bbolt_file/surgery.h"
#include "engine/cow_tree/checker.h"
#include "engine/cow_tree/leak_audit.h"
#include "engine/cow_tree/retelling.h"
#include "engine/cow_tree/store_file.h"
#include "engine/cow_tree/tree_editor.h"
#include "engine/cow_tree/tree_reader.h"
#include "engine/cow_tree/tree_snapshot.h"
#include "engine/cow_tree/write_transaction.h"
#include "faults/base/assert.h"

namespace plugpull {
namespace cow_tree {
namespace {

constexpr std::string_view kBucketName = "kv";

Expected<void> CheckLimits(const Transaction& transaction) {
  for (const Change& change : transaction.changes) {
    if (!change.value) continue;
    if (change.key.empty()) return Fail(ErrorCode::kInvalidArgument, "key required");
    if (change.key.size() > kKeyBytesMax) {
      return Fail(ErrorCode::kInvalidArgument, "key too large");
    }
    if (change.value->size() > kValueBytesMax) {
      return Fail(ErrorCode::kInvalidArgument, "value too large");
    }
  }
  return {};
}

Expected<void> EditBucket(TreeEditor& bucket, const Transaction& transaction) {
  for (const Change& change : transaction.changes) {
    Expected<void> done = change.value ? bucket.Put(change.key, *change.value, /*flags=*/0)
                                       : bucket.Delete(change.key);
    if (!done) return done;
  }
  return {};
}

// Builds the trees of the next revision: the changes in the bucket, the bucket in the root bucket.
Expected<void> EditTrees(WriteTransaction& write, const Transaction& transaction) {
  TreeEditor root(write, BucketLocation{.header = write.meta().root});
  Expected<std::optional<std::string>> value = root.FindBucketValue(kBucketName);
  if (!value) return std::unexpected(value.error());
  if (!*value) {  // an empty bucket, inline
    std::vector<std::byte> empty(kBucketHeaderBytes + kPageHeaderBytes);
    SerializeNode(Node{}, EntryRange{}, std::span(empty).subspan(kBucketHeaderBytes));
    *value = std::string(AsText(empty));
    Expected<void> created = root.Put(kBucketName, **value, kBucketElementFlag);
    if (!created) return created;
  }
  const Expected<BucketLocation> location = ReadBucketValue(AsBytes(**value));
  if (!location) return std::unexpected(location.error());
  TreeEditor bucket(write, *location);
  if (Expected<void> edited = EditBucket(bucket, transaction); !edited) return edited;
  if (Expected<void> balanced = root.Rebalance(); !balanced) return balanced;
  if (Expected<void> balanced = bucket.Rebalance(); !balanced) return balanced;
  if (bucket.is_changed()) {
    const Expected<std::string> spilled = bucket.SpillAsValue();
    if (!spilled) return std::unexpected(spilled.error());
    Expected<void> put = root.Put(kBucketName, *spilled, kBucketElementFlag);
    if (!put) return put;
  }
  if (!root.is_changed()) return {};
  const Expected<PageId> page = root.Spill();
  if (!page) return std::unexpected(page.error());
  write.meta().root.root = *page;
  return {};
}

class CowTreeEngine final : public Engine {
 public:
  CowTreeEngine(Vfs& vfs, const Options& options)
      : vfs_(vfs), options_(options), free_list_(options) {}

  ~CowTreeEngine() override { Assert(readers_.empty(), "readers go before their store does"); }

  Expected<void> Open() override {
    Assert(file_ == nullptr, "a store is opened once");
    Expected<OpenedStore> opened = OpenStoreFile(vfs_, options_);
    if (!opened) return std::unexpected(opened.error());
    file_ = std::move(opened->file);
    is_settled_ = opened->is_new;
    if (Expected<void> loaded = LoadState(); !loaded) return loaded;
    Expected<void> mutated = RecoverBadly(vfs_, *file_, state_, options_.protocol);
    if (!mutated) return mutated;
    are_slots_stale_ = options_.protocol.normalise_on_open;
    const bool is_new = state_.active.transaction_id <= 1;
    if (options_.protocol.audits_leaks_late && options_.persist_freelist && !is_new) {
      if (Expected<void> begun = audit_.Begin(View()); !begun) return begun;
    }
    if (options_.protocol.syncs_only_when_new && !is_new) options_.sync = false;
    // bbolt, too, writes here: asked to keep a freelist, it commits an empty transaction on a file
    // without one.
    if (options_.persist_freelist && state_.active.freelist == kNoFreelist) return Commit(nullptr);
    return {};
  }

  Expected<void> Apply(const Transaction& transaction) override {
    if (Expected<void> checked = CheckLimits(transaction); !checked) return checked;
    return Commit(&transaction);
  }

  Expected<void> Scan(PairVisitor& visitor) override {
    if (Expected<void> fresh = EnsureFresh(); !fresh) return fresh;
    const Expected<std::optional<BucketLocation>> bucket =
        FindBucket(*pages_, state_.active, AsBytes(kBucketName));
    if (!bucket) return std::unexpected(bucket.error());
    return *bucket ? ScanBucket(*pages_, **bucket, visitor) : Expected<void>();
  }

  Expected<std::unique_ptr<Snapshot>> OpenSnapshot() override {
    if (Expected<void> fresh = EnsureFresh(); !fresh) return std::unexpected(fresh.error());
    return MakeTreeSnapshot(*file_, state_.active, AsBytes(kBucketName), readers_);
  }

  // Does all of a commit that comes before its first write.
  Expected<bool> Rollback(const Transaction& transaction) override {
    if (Expected<void> checked = CheckLimits(transaction); !checked) {
      return std::unexpected(checked.error());
    }
    if (Expected<void> ready = PrepareToWrite(); !ready) return std::unexpected(ready.error());
    const FileGrowth growth = growth_;
    WriteTransaction write = BeginWrite();
    const Expected<void> built = Build(write, &transaction);
    growth_ = growth;
    if (!built) {  // somewhere in the middle: the file says what is free
      is_free_list_loaded_ = false;
      return std::unexpected(built.error());
    }
    free_list_.Undo();
    return true;
  }

  Expected<CheckReport> Check() override {
    if (Expected<void> fresh = EnsureFresh(); !fresh) return std::unexpected(fresh.error());
    if (Expected<void> read = RefreshSlots(); !read) return std::unexpected(read.error());
    return CheckStore(View());
  }

  Expected<void> Close() override {
    Assert(readers_.empty(), "readers go before their store does");
    file_.reset();
    return {};
  }

 private:
  StoreView View() {
    return StoreView{.pages = *pages_,
                     .file_size_bytes = state_.file_size_bytes,
                     .slots = state_.slots,
                     .meta = state_.active,
                     .keeps_previous_tree = options_.free_policy == FreePolicy::kHoldTwoGenerations,
                     .stores_all_free_pages = options_.free_policy != FreePolicy::kDelayedFree};
  }

  // Reads what the file says now. The freelist is looked at, but taken in only when it is needed.
  Expected<void> LoadState() {
    const Expected<StoreState> state = ReadStoreState(*file_, options_);
    if (!state) return std::unexpected(state.error());
    state_ = *state;
    is_stale_ = true;
    are_slots_stale_ = false;
    is_free_list_loaded_ = false;
    AttachPages();
    growth_.Map(state_.file_size_bytes);
    if (state_.active.freelist != kNoFreelist) {
      const Expected<FreelistPage> page =
          FreelistPage::Read(*pages_, state_.active.freelist, state_.active.high_water_mark);
      if (!page) return std::unexpected(page.error());
    } else if (Expected<void> loaded = LoadFreeList(); !loaded) {
      return loaded;
    }
    is_stale_ = false;
    return {};
  }

  void AttachPages() {
    const uint64_t file_pages = state_.file_size_bytes / state_.active.page_size_bytes;
    pages_->Attach(*file_, state_.active.page_size_bytes,
                   std::min(state_.active.high_water_mark, file_pages));
  }

  Expected<void> EnsureFresh() {
    Assert(file_ != nullptr, "the store is open");
    return is_stale_ ? LoadState() : Expected<void>();
  }

  // A commit writes one slot: what counts is what the file has.
  Expected<void> RefreshSlots() {
    if (!are_slots_stale_) return {};
    const Expected<std::array<MetaSlot, 2>> slots =
        ReadMetaSlots(*file_, state_.active.page_size_bytes, options_.protocol);
    if (!slots) return std::unexpected(slots.error());
    state_.slots = *slots;
    are_slots_stale_ = false;
    return {};
  }

  Expected<void> LoadFreeList() {
    if (is_free_list_loaded_) return {};
    Expected<std::vector<PageId>> ids = ReadFreePages();
    if (!ids) return std::unexpected(ids.error());
    const Meta& active = state_.active;
    Expected<void> assigned =
        free_list_.Assign(*std::move(ids), active.high_water_mark, active.transaction_id);
    if (!assigned) return assigned;
    if (options_.free_policy == FreePolicy::kHoldTwoGenerations) {
      if (Expected<void> held = HoldPreviousTree(); !held) return held;
    }
    is_free_list_loaded_ = true;
    return {};
  }

  // Returns: what the file says is free. With delayed_free its freelist lacks the pages that the
  // transaction which wrote it had freed, and nobody would find them again: so the tree says it.
  Expected<std::vector<PageId>> ReadFreePages() {
    const Meta& active = state_.active;
    if (active.freelist == kNoFreelist) return FindFreePages(View());
    const Expected<FreelistPage> page =
        FreelistPage::Read(*pages_, active.freelist, active.high_water_mark);
    if (!page) return std::unexpected(page.error());
    if (options_.free_policy == FreePolicy::kDelayedFree) {
      Expected<std::vector<PageId>> unreached = FindFreePages(View());
      if (!unreached) return unreached;
      const PageId last = active.freelist + page->header().overflow;
      std::erase_if(*unreached, [&](PageId id) { return id >= active.freelist && id <= last; });
      return unreached;
    }
    std::vector<PageId> ids;
    ids.reserve(page->count());
    for (uint64_t index = 0; index < page->count(); ++index) ids.push_back(page->At(index));
    return ids;
  }

  // The freelist in the file does not tell free from pending. What the tree of the older meta uses
  // was freed by the transaction of the newer one.
  Expected<void> HoldPreviousTree() {
    if (Expected<void> read = RefreshSlots(); !read) return read;
    const Expected<PreviousTree> previous = WalkPreviousTree(View());
    if (!previous) return std::unexpected(previous.error());
    free_list_.Hold(previous->pages, state_.active.transaction_id);
    return {};
  }

  // Runs one write transaction, without changes when `transaction` is null. After an error nobody
  // knows which meta is on the disk, so the file is asked before anything else is done: bbolt, too,
  // goes on from the meta that its mapping shows.
  Expected<void> Commit(const Transaction* transaction) {
    if (Expected<void> ready = PrepareToWrite(); !ready) return ready;
    if (Expected<void> settled = Settle(); !settled) return settled;
    if (options_.protocol.audits_leaks_late) {
      Expected<void> audited = audit_.Step(state_.active, *pages_, free_list_);
      if (!audited) return audited;
    }
    is_stale_ = true;
    is_settled_ = false;
    WriteTransaction write = BeginWrite();
    if (Expected<void> built = Build(write, transaction); !built) return built;
    if (Expected<void> committed = write.Commit(); !committed) return committed;
    return AdoptCommitted(write.meta());
  }

  Expected<void> PrepareToWrite() {
    if (Expected<void> fresh = EnsureFresh(); !fresh) return fresh;
    const uint64_t file_pages = state_.file_size_bytes / state_.active.page_size_bytes;
    if (state_.active.high_water_mark > file_pages) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("file size too small: {} pages below the high water mark, {} in the "
                              "file",
                              state_.active.high_water_mark, file_pages));
    }
    return LoadFreeList();
  }

  WriteTransaction BeginWrite() {
    return WriteTransaction({*file_, *pages_, free_list_, growth_, readers_, options_},
                            state_.active);
  }

  // Makes all pages of the next revision, in memory.
  static Expected<void> Build(WriteTransaction& write, const Transaction* transaction) {
    if (transaction != nullptr) {
      if (Expected<void> edited = EditTrees(write, *transaction); !edited) return edited;
    }
    return write.BuildFreelistPage();
  }

  // Makes sure that what the file shows is on disk, before any of it is built upon. A sync may have
  // failed, in this process or in the one before it: then the meta that the file shows may be in
  // the page cache alone, and no later sync would write it, while the pages of the revision before
  // it are taken for free. Writing it again makes its page dirty. bbolt does not do this,
  // nor does `settle=0`.
  Expected<void> Settle() {
    if (is_settled_ || !options_.sync || !options_.settle) return {};
    if (Expected<void> written = WriteMetaPage(*file_, state_.active, options_.protocol); !written)
      return written;
    if (Expected<void> synced = file_->Sync(SyncKind::kData); !synced) return synced;
    if (options_.sync_directory) {
      if (Expected<void> synced = vfs_.SyncDirectory(""); !synced) return synced;
    }
    is_settled_ = true;
    return {};
  }

  Expected<void> AdoptCommitted(const Meta& meta) {
    const Expected<uint64_t> size = file_->Size();
    if (!size) return std::unexpected(size.error());
    state_.file_size_bytes = *size;
    state_.active = meta;
    are_slots_stale_ = true;
    AttachPages();
    is_stale_ = false;
    is_settled_ = true;
    return {};
  }

  Vfs& vfs_;
  Options options_;
  std::unique_ptr<VfsFile> file_;
  PooledPageCache pages_;
  StoreState state_;
  FreeList free_list_;
  ReaderSet readers_;
  FileGrowth growth_;
  LeakAudit audit_;
  bool is_free_list_loaded_ = false;
  bool are_slots_stale_ = false;
  bool is_stale_ = false;    // a commit failed, or is under way
  bool is_settled_ = false;  // what the file shows is on disk
};

class CowTreeEngineType final : public EngineType {
 public:
  std::string_view name() const override { return "cow_tree"; }
  std::string_view description() const override {
    return "copy-on-write B+ tree in bbolt's file format, two alternating metas, no log";
  }
  const std::vector<OptionSpec>& options() const override { return OptionSpecs(); }
  std::unique_ptr<Engine> Create(Vfs& vfs, const EngineOptions& options) const override {
    return std::make_unique<CowTreeEngine>(vfs, ParseOptions(options));
  }
  std::span<const Repair> repairs() const override { return bbolt_file::Repairs(); }
  std::string RoleOf(std::string_view path) const override {
    return path == kStorePath || path == kNewStorePath ? "store" : "unknown";
  }
  std::string Retell(const RecoveryStory& story) const override { return cow_tree::Retell(story); }
};

}  // namespace
}  // namespace cow_tree

const EngineType& CowTreeType() {
  static const cow_tree::CowTreeEngineType type;
  return type;
}

}  // namespace plugpull
