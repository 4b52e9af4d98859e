#include "engine/serial_log/store.h"

#include <fmt/format.h>

#include <algorithm>

#include "faults/base/assert.h"
#include "faults/base/bytes.h"

namespace plugpull::serial_log {
namespace {

constexpr size_t kPooledStoresMax = 8;

std::vector<std::unique_ptr<StoreMemory>>& MemoryPool() {
  thread_local std::vector<std::unique_ptr<StoreMemory>> pool;
  return pool;
}

}  // namespace

RecordStore::RecordStore(Vfs& vfs, const Options& options) : vfs_(vfs), options_(options) {
  if (MemoryPool().empty()) {
    memory_ = std::make_unique<StoreMemory>();
  } else {
    memory_ = std::move(MemoryPool().back());
    MemoryPool().pop_back();
  }
}

RecordStore::~RecordStore() {
  if (MemoryPool().size() < kPooledStoresMax && memory_->scan.is_small())
    MemoryPool().push_back(std::move(memory_));
}

Expected<void> RecordStore::Open() {
  Assert(!log_.has_value(), "a store is opened once");
  Expected<StoreFiles> files = OpenStoreFiles(vfs_, options_);
  if (!files) return std::unexpected(files.error());
  files_ = *std::move(files);
  pages_->Attach(*files_.tablespace, files_.header.page_size_bytes, files_.tablespace_bytes,
                 options_.page_checksum);
  log_.emplace(vfs_, std::move(files_.logs), options_);
  space_.emplace(*pages_, *log_, options_);
  records_.emplace(*pages_, *log_, *space_, options_);
  checkpoint_.emplace(*files_.tablespace, *pages_, *log_, options_);
  if (!files_.is_new) return Note(Recover());
  log_->BeginNew();
  return {};
}

Expected<void> RecordStore::Recover() {
  LogScan& scan = memory_->scan;
  if (Expected<void> read = scan.Read(log_->files(), options_); !read) return read;
  const Expected<Recovered> recovered = Recovery(*pages_, *space_, *records_, options_).Run(scan);
  if (!recovered) return std::unexpected(recovered.error());
  log_->BeginAfter(scan);
  checkpoint_->set_last(recovered->checkpoint_block);
  next_id_ = recovered->highest + 1;
  if (!recovered->prepared.empty()) {
    if (Expected<void> adopted = AdoptPrepared(recovered->prepared); !adopted) return adopted;
  }
  if (!recovered->has_redone) return {};
  // What redo has allocated is told by the pages, which will be in the log.
  if (options_.page_images) log_->DropBuffered();
  if (Expected<void> begun = checkpoint_->Begin(OldestNeeded()); !begun) return begun;
  return options_.mutations.reset_log_early ? checkpoint_->FinishRecordFirst()
                                            : checkpoint_->FinishRecovery(recovered->is_in_log);
}

TransactionId RecordStore::Begin() {
  const TransactionId id = next_id_++;
  active_[id];
  return id;
}

// Returns: the change of a key in this transaction, made now if it is the first one; null: there is
// nothing to delete.
Expected<RecordStore::Change*> RecordStore::FindChange(TransactionId id, std::string_view key,
                                                       bool is_insert) {
  if (Expected<void> usable = Usable(); !usable) return std::unexpected(usable.error());
  if (Expected<void> loaded = LoadIndex(); !loaded) return std::unexpected(loaded.error());
  const auto found = active_.find(id);
  Assert(found != active_.end() && !found->second.is_prepared, "the transaction takes changes");
  auto& changes = found->second.changes;
  if (const auto change = changes.find(key); change != changes.end()) return &change->second;
  for (const auto& [other, active] : active_) {
    if (other == id || !active.changes.contains(key)) continue;
    return Fail(ErrorCode::kBusy, fmt::format("key '{}' is locked by transaction {}", key, other));
  }
  const std::optional<RecordId> known = index_.Find(key);
  if (!known && !is_insert) return nullptr;
  Change change{.id = known ? *known : index_.TakeNumber(SectionOf(key, files_.header.sections)),
                .has_earlier_version = known.has_value(),
                .bytes = {}};
  return &changes.emplace(key, std::move(change)).first->second;
}

Expected<void> RecordStore::Put(TransactionId id, std::string_view key, std::string_view value) {
  const Expected<Change*> change = FindChange(id, key, /*is_insert=*/true);
  if (!change) return std::unexpected(change.error());
  (*change)->bytes = MakeRecord(key, value);
  return {};
}

Expected<void> RecordStore::Delete(TransactionId id, std::string_view key) {
  const Expected<Change*> change = FindChange(id, key, /*is_insert=*/false);
  if (!change) return std::unexpected(change.error());
  if (*change == nullptr) return {};
  if ((*change)->has_earlier_version) {
    (*change)->bytes.clear();
    return {};
  }
  index_.GiveBack((*change)->id);
  auto& changes = active_.at(id).changes;
  changes.erase(changes.find(key));
  return {};
}

Expected<void> RecordStore::LogChanges(TransactionId id, Active& active) {
  if (active.first_block != 0) return {};
  active.first_block = log_->last_block() + 1;
  if (Expected<void> logged = LogChangesOf(id, active, true); !logged) return logged;
  return LogChangesOf(id, active, false);
}

// Appends UpdateRecords, in blocks of their own where they are many.
Expected<void> RecordStore::LogChangesOf(TransactionId id, Active& active,
                                         bool has_earlier_version) {
  constexpr size_t kBodyBytesMax = 1024;
  for (uint32_t section = 0; section < kSectionsMax; ++section) {
    LogRecord record{.type = LogRecordType::kUpdateRecords,
                     .transaction = id,
                     .section = static_cast<int32_t>(section),
                     .has_earlier_version = has_earlier_version};
    std::vector<std::byte> body;
    for (const auto& [key, change] : active.changes) {
      if (change.id.section != record.section) continue;
      if (change.has_earlier_version != has_earlier_version) continue;
      PutRecordChange(body, {.record = change.id.record, .bytes = AsBytes(change.bytes)});
      if (body.size() < kBodyBytesMax) continue;
      record.body = body;
      log_->Append(record);
      body.clear();
      if (const Expected<BlockNumber> written = log_->WriteBuffered(); !written) {
        return std::unexpected(written.error());
      }
    }
    record.body = body;
    if (!body.empty()) log_->Append(record);
  }
  return {};
}

Expected<void> RecordStore::WriteChanges(TransactionId id) {
  if (Expected<void> usable = Usable(); !usable) return usable;
  const auto found = active_.find(id);
  Assert(found != active_.end(), "the transaction is active");
  if (Expected<void> logged = LogChanges(id, found->second); !logged) return Note(logged);
  const Expected<BlockNumber> written = log_->WriteBuffered();
  return written ? Expected<void>() : Note(std::unexpected(written.error()));
}

Expected<void> RecordStore::Prepare(TransactionId id) {
  if (Expected<void> usable = Usable(); !usable) return usable;
  const auto found = active_.find(id);
  Assert(found != active_.end(), "the transaction is active");
  if (Expected<void> logged = LogChanges(id, found->second); !logged) return Note(logged);
  log_->Append(LogRecord{.type = LogRecordType::kPrepare, .transaction = id});
  found->second.is_prepared = true;
  return Note(log_->Flush());
}

Expected<void> RecordStore::Commit(TransactionId id) {
  if (Expected<void> usable = Usable(); !usable) return usable;
  const auto found = active_.find(id);
  Assert(found != active_.end(), "the transaction is active");
  Active& active = found->second;
  if (Expected<void> logged = LogChanges(id, active); !logged) return Note(logged);
  log_->Append(LogRecord{.type = LogRecordType::kCommit, .transaction = id});
  const Expected<BlockNumber> block = log_->WriteBuffered();
  if (!block) return Note(std::unexpected(block.error()));
  Committed& committed = committed_.emplace_back();
  committed.first_block = active.first_block;
  committed.commit_block = *block;
  for (auto& [key, change] : active.changes) {
    if (!change.bytes.empty()) {
      index_.Put(key, change.id);
    } else {
      index_.Remove(key);
      index_.GiveBack(change.id);
    }
    committed.changes.push_back(std::move(change));
  }
  active_.erase(found);
  ++unacknowledged_;
  return Note(Acknowledge());
}

Expected<void> RecordStore::Acknowledge() {
  if (options_.mutations.acknowledge_before_sync) {
    unacknowledged_ = 0;
    return {};
  }
  if (unacknowledged_ < options_.group) return {};
  Expected<void> flushed = log_->Flush();
  if (flushed) unacknowledged_ = 0;
  return flushed;
}

Expected<void> RecordStore::Rollback(TransactionId id) {
  if (Expected<void> usable = Usable(); !usable) return usable;
  // Of what recovery found prepared: the numbers are taken until they are given back here.
  if (Expected<void> loaded = LoadIndex(); !loaded) return loaded;
  const auto found = active_.find(id);
  Assert(found != active_.end(), "the transaction is active");
  for (const auto& [key, change] : found->second.changes) {
    if (!change.has_earlier_version) index_.GiveBack(change.id);
  }
  const bool is_logged = found->second.first_block != 0;
  active_.erase(found);
  if (!is_logged) return {};
  log_->Append(LogRecord{.type = LogRecordType::kRollback, .transaction = id});
  return {};
}

std::vector<TransactionId> RecordStore::Prepared() const {
  std::vector<TransactionId> prepared;
  for (const auto& [id, active] : active_) {
    if (active.is_prepared) prepared.push_back(id);
  }
  return prepared;
}

Expected<void> RecordStore::GopherStep(size_t count) {
  if (Expected<void> usable = Usable(); !usable) return usable;
  const bool waits = !options_.mutations.acknowledge_before_sync;
  for (; count > 0 && !committed_.empty(); --count) {
    const Committed& next = committed_.front();
    if (waits && next.commit_block > log_->durable_block()) break;
    for (const Change& change : next.changes) {
      Expected<void> updated =
          records_->Update(change.id.section, change.id.record, AsBytes(change.bytes));
      if (!updated) return Note(updated);
    }
    committed_.pop_front();
  }
  return {};
}

// Returns: the first block that has something of a transaction which no page has.
std::optional<BlockNumber> RecordStore::OldestNeeded() const {
  std::optional<BlockNumber> oldest;
  const auto take = [&](BlockNumber block) {
    if (block != 0) oldest = std::min(block, oldest.value_or(block));
  };
  for (const Committed& each : committed_) take(each.first_block);
  for (const auto& [id, active] : active_) take(active.first_block);
  return oldest;
}

Expected<void> RecordStore::CheckpointBegin() {
  if (Expected<void> usable = Usable(); !usable) return usable;
  if (checkpoint_->is_under_way()) return {};
  return Note(checkpoint_->Begin(OldestNeeded()));
}

Expected<void> RecordStore::CheckpointWriteNext(size_t count) {
  if (Expected<void> usable = Usable(); !usable) return usable;
  return Note(checkpoint_->Write(count));
}

Expected<void> RecordStore::CheckpointWriteUntil(PageNumber page) {
  if (Expected<void> usable = Usable(); !usable) return usable;
  return Note(checkpoint_->WriteUntil(page));
}

Expected<void> RecordStore::CheckpointFinish() {
  if (Expected<void> usable = Usable(); !usable) return usable;
  if (Expected<void> finished = checkpoint_->Finish(); !finished) return Note(finished);
  if (log_->durable_block() == log_->last_block()) unacknowledged_ = 0;
  return {};
}

Expected<void> RecordStore::LogFlush() {
  if (Expected<void> usable = Usable(); !usable) return usable;
  if (Expected<void> flushed = log_->Flush(); !flushed) return Note(flushed);
  unacknowledged_ = 0;
  return {};
}

Expected<void> RecordStore::Run(const Step& step) {
  const size_t count = step.count == 0 ? SIZE_MAX : step.count;
  switch (step.kind) {
    case StepKind::kGopher:
      return GopherStep(count);
    case StepKind::kBegin:
      return CheckpointBegin();
    case StepKind::kWrite:
      return CheckpointWriteNext(count);
    case StepKind::kWriteUntil:
      return CheckpointWriteUntil(static_cast<PageNumber>(step.count));
    case StepKind::kFinish:
      return CheckpointFinish();
    case StepKind::kFlush:
      return LogFlush();
  }
  return {};
}

Expected<void> RecordStore::Close() {
  if (Expected<void> flushed = LogFlush(); !flushed) return flushed;
  if (Expected<void> applied = GopherStep(SIZE_MAX); !applied) return applied;
  if (Expected<void> finished = CheckpointFinish(); !finished) return finished;
  if (pages_->DirtyPages().empty()) return {};
  if (Expected<void> begun = CheckpointBegin(); !begun) return begun;
  return CheckpointFinish();
}

Expected<void> RecordStore::Usable() const {
  Assert(log_.has_value(), "the store is open");
  if (!failure_) return {};
  return Fail(failure_->code, "the store has to be opened again: " + failure_->context,
              failure_->os_errno);
}

Expected<void> RecordStore::Note(Expected<void> done) {
  if (!done && !failure_) failure_ = done.error();
  return done;
}

}  // namespace plugpull::serial_log
