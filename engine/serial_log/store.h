// One store: transactions, and the background work of Falcon's threads as calls. Nothing happens in
// the background; whoever owns a store calls GopherStep, CheckpointBegin and the rest, so that each
// schedule is a list of steps.
//
// A transaction's changes and its commit go to the log; a commit is acknowledged when that is
// synced. The gopher applies committed transactions, in their order, to pages in memory.
// Checkpoints write those.
//
// After an error of a call that writes, nobody knows what the files have. The store refuses
// everything from then on: open it again.
#pragma once

#include <deque>
#include <map>

#include "engine/engine.h"
#include "engine/serial_log/checkpoint.h"
#include "engine/serial_log/recovery.h"
#include "engine/serial_log/store_files.h"

namespace plugpull::serial_log {

// Memory that opening needs, handed from one store to the next on the same thread.
struct StoreMemory {
  LogScan scan;
};

class RecordStore {
 public:
  RecordStore(Vfs& vfs, const Options& options);
  ~RecordStore();

  // Opens the store: creates it when it is absent, recovers it. Called once, and first.
  Expected<void> Open();

  // Starts a transaction. At most one transaction may hold changes of a key: kBusy for others.
  TransactionId Begin();
  Expected<void> Put(TransactionId id, std::string_view key, std::string_view value);
  Expected<void> Delete(TransactionId id, std::string_view key);

  // Writes the changes so far to the log, without a sync. Put and Delete are over for it.
  Expected<void> WriteChanges(TransactionId id);

  // Makes the transaction survive a crash undecided. Put and Delete are over for it.
  Expected<void> Prepare(TransactionId id);

  // Commits. It is acknowledged when unacknowledged() does not count it any more.
  Expected<void> Commit(TransactionId id);
  Expected<void> Rollback(TransactionId id);

  // Returns: the transactions that are prepared and not decided, the oldest first.
  std::vector<TransactionId> Prepared() const;

  // Returns: how many of the commits made last are not synced yet (option group).
  uint32_t unacknowledged() const { return unacknowledged_; }

  // Applies committed transactions to pages, at most `count`.
  Expected<void> GopherStep(size_t count);
  Expected<void> CheckpointBegin();
  Expected<void> CheckpointWriteNext(size_t count);
  Expected<void> CheckpointWriteUntil(PageNumber page);
  Expected<void> CheckpointFinish();
  Expected<void> LogFlush();
  Expected<void> Run(const Step& step);

  // Shows what is committed.
  Expected<void> Scan(PairVisitor& visitor);

  Expected<CheckReport> Check();

  // Applies and writes everything.
  Expected<void> Close();

 private:
  using Change = PreparedTransaction::Change;

  struct Active {
    BlockNumber first_block = 0;  // 0: nothing of it is in the log
    bool is_prepared = false;
    std::map<std::string, Change, std::less<>> changes;  // by key
  };
  struct Committed {
    BlockNumber first_block = 0;
    BlockNumber commit_block = 0;
    std::vector<Change> changes;
  };

  Expected<void> Recover();
  Expected<void> LoadIndex();
  Expected<void> AdoptPrepared(const std::vector<PreparedTransaction>& prepared);
  Expected<Change*> FindChange(TransactionId id, std::string_view key, bool is_insert);
  Expected<void> LogChanges(TransactionId id, Active& active);
  Expected<void> LogChangesOf(TransactionId id, Active& active, bool has_earlier_version);
  Expected<void> Acknowledge();
  std::optional<BlockNumber> OldestNeeded() const;
  Expected<void> Usable() const;
  Expected<void> Note(Expected<void> done);  // remembers the error

  Vfs& vfs_;
  const Options options_;
  std::unique_ptr<StoreMemory> memory_;
  PooledPageCache pages_;
  StoreFiles files_;
  std::optional<LogFiles> log_;
  std::optional<PageSpace> space_;
  std::optional<RecordPages> records_;
  std::optional<Checkpoint> checkpoint_;

  bool is_index_loaded_ = false;
  RecordIndex index_;
  std::map<TransactionId, Active> active_;
  std::deque<Committed> committed_;  // not applied to pages yet, in order of their commits
  TransactionId next_id_ = 1;
  uint32_t unacknowledged_ = 0;
  std::optional<Error> failure_;
};

}  // namespace plugpull::serial_log
