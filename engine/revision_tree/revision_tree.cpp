#include "engine/revision_tree/revision_tree.h"

#include <fmt/format.h>

#include "engine/revision_tree/reclaim_scan.h"
#include "engine/revision_tree/recovery.h"
#include "engine/revision_tree/repairs.h"
#include "engine/revision_tree/retelling.h"
#include "engine/revision_tree/revision_builder.h"
#include "engine/revision_tree/store_file.h"
#include "engine/revision_tree/tree_reader.h"
#include "engine/revision_tree/tree_snapshot.h"
#include "faults/base/assert.h"
#include "faults/base/bytes.h"

namespace plugpull {
namespace revision_tree {
namespace {

Expected<void> CheckLimits(const Transaction& transaction) {
  for (const Change& change : transaction.changes) {
    if (change.key.size() > kKeyBytesMax) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("a key of {} bytes, the most is {}",
                                                           change.key.size(), kKeyBytesMax));
    }
    if (change.value && change.value->size() > kValueBytesMax) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("a value of {} bytes, the most is {}",
                                                           change.value->size(), kValueBytesMax));
    }
  }
  return {};
}

class RevisionTreeEngine final : public Engine {
 public:
  RevisionTreeEngine(Vfs& vfs, const Options& options) : vfs_(vfs), options_(options) {}

  ~RevisionTreeEngine() override { Assert(readers_.empty(), "readers go before their store does"); }

  Expected<void> Open() override {
    Assert(file_ == nullptr, "a store is opened once");
    return Load(/*is_opening=*/true);
  }

  Expected<void> Apply(const Transaction& transaction) override {
    if (Expected<void> checked = CheckLimits(transaction); !checked) return checked;
    if (Expected<void> ready = PrepareToWrite(); !ready) return ready;
    is_stale_ = true;
    if (Expected<void> settled = Settle(); !settled) return settled;
    is_settled_ = false;
    WriteTransaction write = BeginWrite();
    if (Expected<void> reclaimed = ReclaimByScan(); !reclaimed) return reclaimed;
    if (Expected<void> built = Build(write, transaction); !built) return built;
    if (Expected<void> committed = write.Commit(); !committed) return committed;
    ++commits_;
    header_ = write.header();
    owes_scan_ = owes_scan_ || options_.finds_by_scan;
    if (Expected<void> attached = AttachPages(); !attached) return attached;
    is_stale_ = false;
    is_settled_ = true;
    return CompactIfDue();
  }

  Expected<void> Scan(PairVisitor& visitor) override {
    if (Expected<void> fresh = EnsureFresh(); !fresh) return fresh;
    const Expected<int64_t> root = FindUserRoot(*pages_, header_);
    if (!root) return std::unexpected(root.error());
    return ScanTree(*pages_, *root, visitor);
  }

  Expected<std::unique_ptr<Snapshot>> OpenSnapshot() override {
    if (Expected<void> fresh = EnsureFresh(); !fresh) return std::unexpected(fresh.error());
    const Expected<int64_t> root = FindUserRoot(*pages_, header_);
    if (!root) return std::unexpected(root.error());
    return MakeTreeSnapshot(*file_, header_, *root, readers_);
  }

  // Does all of a commit that comes before its first write.
  Expected<bool> Rollback(const Transaction& transaction) override {
    if (Expected<void> checked = CheckLimits(transaction); !checked) {
      return std::unexpected(checked.error());
    }
    if (Expected<void> ready = PrepareToWrite(); !ready) return std::unexpected(ready.error());
    const FreeSpace before = space_;
    WriteTransaction write = BeginWrite();
    const Expected<void> built = Build(write, transaction);
    space_ = before;
    if (!built) return std::unexpected(built.error());
    return true;
  }

  Expected<CheckReport> Check() override {
    if (Expected<void> fresh = EnsureFresh(); !fresh) return std::unexpected(fresh.error());
    const Expected<HeadersRead> read = ReadHeaders(*file_, header_.page_size_bytes);
    if (!read) return std::unexpected(read.error());
    if (Expected<void> attached = AttachPages(); !attached) {
      return std::unexpected(attached.error());
    }
    std::vector<KeptRevision> older;
    if (header_.has(kProposalKFlag) && !header_.has(kCopiedPagesFlag) && !options_.holds_one &&
        header_.previous_root != kNoOffset) {
      older.push_back({.revision = header_.current - 1, .root = header_.previous_root});
    }
    std::vector<KeptRevision> readers;
    for (const auto& [revision, root] : readers_) readers.push_back({revision, root});
    const std::vector<PageNumber> pending = space_.Waiting();
    const StoreView view{.pages = *pages_,
                         .file_size_bytes = file_size_bytes_,
                         .slots = read->slots,
                         .header = header_,
                         .older = older,
                         .readers = readers,
                         .pending = pending,
                         .ignores_free_chain = drops_free_chain_,
                         .owes_scan = owes_scan_};
    return CheckStore(view);
  }

  // Leaves the store so that the next open needs no scan, where that is possible.
  Expected<void> Close() override {
    Assert(readers_.empty(), "readers go before their store does");
    const bool is_dirty = !is_stale_ && file_ && header_.has(kInUseFlag) && !owes_scan_;
    if (is_dirty && commits_ > 0) {
      if (Expected<void> ended = EndUse(); !ended) return ended;
    }
    file_.reset();
    return {};
  }

 private:
  RecoveryParts Parts() {
    return {.vfs = vfs_,
            .file = *file_,
            .pages = *pages_,
            .space = space_,
            .slots = slots_,
            .options = options_,
            .readers = readers_};
  }

  // Reads what the file says now, and recovers it when that is called for.
  Expected<void> Load(bool is_opening) {
    is_stale_ = true;
    scan_.Stop();
    if (!file_) {
      Expected<OpenedStore> opened = OpenStoreFile(vfs_, options_);
      if (!opened) return std::unexpected(opened.error());
      file_ = std::move(opened->file);
    }
    const Expected<HeadersRead> read = ReadHeaders(*file_, options_.page_size_bytes);
    if (!read) return std::unexpected(read.error());
    header_ = read->newest;
    slots_ = HeaderSlots(*file_, read->newest_slot);
    if (Expected<void> attached = AttachPages(); !attached) return attached;
    is_settled_ = false;
    is_space_loaded_ = false;
    owes_scan_ = options_.finds_by_scan;
    drops_free_chain_ = header_.has(kProposalKFlag) && options_.trust == Trust::kEqual;
    // A commit that failed leaves the store as a crash does. In this process nothing is remembered
    // of what was free or waiting for readers, either.
    const bool needs_scan = !is_opening && !options_.protocol.recovers_never;
    if (needs_scan || NeedsRecovery(*read, options_)) {
      if (Expected<void> recovered = Recover(is_opening); !recovered) return recovered;
    } else if (drops_free_chain_) {
      owes_scan_ = true;
    }
    is_stale_ = false;
    return {};
  }

  Expected<void> Recover(bool is_opening) {
    Header header = header_;
    const bool steps_back = is_opening && options_.starts_from_older && header.has(kInUseFlag);
    if (steps_back) {
      const Expected<Header> older = StepBack(*pages_, header);
      if (!older) return std::unexpected(older.error());
      header = *older;
    }
    const Expected<Header> recovered = RecoverStore(Parts(), header, steps_back);
    if (!recovered) return std::unexpected(recovered.error());
    header_ = *recovered;
    is_space_loaded_ = true;
    owes_scan_ = false;
    drops_free_chain_ = false;
    return AttachPages();
  }

  Expected<void> AttachPages() {
    const Expected<uint64_t> size = file_->Size();
    if (!size) return std::unexpected(size.error());
    file_size_bytes_ = *size;
    const uint64_t file_pages = *size / header_.page_size_bytes;
    const auto pages = static_cast<uint64_t>(header_.page_count);
    if (file_pages < pages) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("end of file: {} pages, the header says {}", file_pages, pages));
    }
    pages_->Attach(*file_, header_, pages);
    return {};
  }

  Expected<void> EnsureFresh() { return is_stale_ ? Load(/*is_opening=*/false) : Expected<void>(); }

  Expected<void> PrepareToWrite() {
    if (Expected<void> fresh = EnsureFresh(); !fresh) return fresh;
    if (is_space_loaded_) return {};
    space_.Reset();
    if (!drops_free_chain_) {
      if (Expected<void> loaded = space_.LoadChain(*pages_, header_); !loaded) return loaded;
    }
    is_space_loaded_ = true;
    return {};
  }

  // Makes sure that what the file shows is on disk, and that the file says that it is in use,
  // before any of it is built upon. A sync may have failed, in this process or in the one before
  // it: then the header that the file shows may be in the page cache alone. Proposal E with its
  // barrier writes the header first in any case.
  Expected<void> Settle() {
    if (is_settled_) return {};
    if (header_.has(kProposalKFlag) || !options_.barrier) {
      header_.flags |= kInUseFlag;
      if (drops_free_chain_) header_.first_free = kNoOffset;
      if (Expected<void> written = slots_.Write(header_); !written) return written;
      if (Expected<void> synced = file_->Sync(SyncKind::kFull); !synced) return synced;
      drops_free_chain_ = false;  // from now on the chain is this process's own
    }
    if (options_.sync_directory) {
      if (Expected<void> synced = vfs_.SyncDirectory(""); !synced) return synced;
    }
    return {};
  }

  // What revision N freed may be written by N+1; where the header keeps N-1, by N+2.
  WriteTransaction BeginWrite() {
    static const ReaderSet kNoReaders;
    const bool holds_two = header_.has(kProposalKFlag) && !options_.holds_one;
    space_.Release(header_.current - (holds_two ? 1 : 0),
                   options_.protocol.ignores_readers ? kNoReaders : readers_);
    return WriteTransaction(
        {.file = *file_, .pages = *pages_, .space = space_, .slots = slots_, .options = options_},
        header_);
  }

  Expected<void> Build(WriteTransaction& write, const Transaction& transaction) {
    const bool reclaims = (commits_ + 1) % options_.reclaim_every == 0;
    return BuildRevision(write, transaction, reclaims, readers_);
  }

  Expected<void> ReclaimByScan() {
    if (!options_.finds_by_scan) return {};
    if (!scan_.is_running()) {
      // What an open without a scan did not take for free is not to wait.
      const bool is_due = (commits_ + 1) % options_.reclaim_every == 0 || commits_ == 0;
      if (!is_due || !owes_scan_) return {};
      Expected<void> begun = scan_.Begin(*pages_, header_, space_, readers_);
      if (!begun) return begun;
    }
    return scan_.Step(*pages_, options_.reclaim_step, space_);
  }

  Expected<void> EndUse() {
    if (header_.has(kProposalKFlag) && header_.previous_root != kNoOffset) {
      header_.previous_root = kNoOffset;  // its pages are about to be overwritten
      if (Expected<void> written = slots_.Write(header_); !written) return written;
      if (Expected<void> synced = file_->Sync(SyncKind::kFull); !synced) return synced;
    }
    space_.Release(header_.current, readers_);
    const Expected<Header> clean = PublishClean(Parts(), header_);
    return clean ? Expected<void>() : std::unexpected(clean.error());
  }

  // Puts a file of the newest revision alone in the place of this one. Readers have the old file
  // open, so it waits for them.
  Expected<void> CompactIfDue() {
    if (options_.compact_every == 0 || commits_ - compacted_at_ < options_.compact_every ||
        !readers_.empty()) {
      return {};
    }
    std::vector<TreeNode::Element> elements;
    const Expected<int64_t> root = FindUserRoot(*pages_, header_);
    if (!root) return std::unexpected(root.error());
    const auto add = [&elements](const LeafElement& element) -> Expected<void> {
      elements.push_back({std::string(AsText(element.key)), std::string(AsText(element.value))});
      return {};
    };
    if (Expected<void> read = VisitTree(*pages_, *root, add); !read) return read;
    const StoreImage image =
        MakeStoreImage(header_.page_size_bytes, header_.flags & ~kInUseFlag, options_.capacity,
                       header_.current, std::move(elements));
    is_stale_ = true;
    Expected<std::unique_ptr<VfsFile>> file = ReplaceStoreFile(vfs_, image, options_);
    file_ = file ? *std::move(file) : nullptr;  // which one has the name, the next look will show
    if (!file) return std::unexpected(file.error());
    compacted_at_ = commits_;
    header_ = image.header;
    slots_ = HeaderSlots(*file_, 0);
    space_.Reset();
    scan_.Stop();
    owes_scan_ = drops_free_chain_ = false;
    is_settled_ = false;
    if (Expected<void> attached = AttachPages(); !attached) return attached;
    is_stale_ = false;
    return {};
  }

  Vfs& vfs_;
  Options options_;
  std::unique_ptr<VfsFile> file_;
  PooledPageCache pages_;
  Header header_;
  HeaderSlots slots_;
  FreeSpace space_;
  ReaderSet readers_;
  ReclaimScan scan_;
  uint64_t file_size_bytes_ = 0;
  uint64_t commits_ = 0;  // since the open
  uint64_t compacted_at_ = 0;
  bool is_space_loaded_ = false;
  bool is_stale_ = false;          // a commit failed, or is under way
  bool is_settled_ = false;        // what the file shows is on disk, and says that it is in use
  bool owes_scan_ = false;         // pages may be of no class until a scan finds them
  bool drops_free_chain_ = false;  // K, which cannot tell whether the chain is sound
};

class RevisionTreeEngineType final : public EngineType {
 public:
  std::string_view name() const override { return "revision_tree"; }
  std::string_view description() const override {
    return "Mavibot's B-tree of revisions: proposals E and K, free pages found by a scan";
  }
  const std::vector<OptionSpec>& options() const override { return OptionSpecs(); }
  Expected<void> CheckOptions(const EngineOptions& options) const override {
    return CheckTogether(ParseOptions(options));
  }
  std::unique_ptr<Engine> Create(Vfs& vfs, const EngineOptions& options) const override {
    return std::make_unique<RevisionTreeEngine>(vfs, ParseOptions(options));
  }
  std::span<const Repair> repairs() const override { return revision_tree::Repairs(); }
  std::string Retell(const RecoveryStory& story) const override {
    return revision_tree::Retell(story);
  }
  std::string RoleOf(std::string_view path) const override {
    if (path == kStorePath || path == kNewStorePath) return "store";
    return path == kCompactedPath ? "compaction" : "unknown";
  }
};

}  // namespace
}  // namespace revision_tree

const EngineType& RevisionTreeType() {
  static const revision_tree::RevisionTreeEngineType type;
  return type;
}

}  // namespace plugpull
