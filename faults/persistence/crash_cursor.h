// Walks along a trace and keeps, for the crash point that it stands at, what is certainly on disk
// (an image) and what may or may not be (a list of effects, in issue order).
//
// The cost of a step is that of the operation, not of the trace: a crash point late in a long run
// costs no more than an early one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "faults/persistence/effect.h"
#include "faults/persistence/model.h"
#include "faults/persistence/recovery_log.h"
#include "faults/persistence/sync_coverage.h"
#include "faults/trace/trace.h"
#include "faults/vfs/byte_patch.h"
#include "faults/vfs/image.h"

namespace plugpull {

class CrashCursor {
 public:
  // Requires: `trace` and `model` outlive the cursor; the trace passed DecodeTrace or was recorded.
  // `tear`: as the graphs of this cursor are built with.
  CrashCursor(const Trace& trace, const Model& model, Tear tear = Tear::kSectorsContiguous);

  // Walks along a recovery that began on a disk which this cursor does not know. Then durable() has
  // the names and sizes that the recovery has changed, as they are now, but no others, and no
  // bytes: what those are is in stored(). Requires: as above, of the log.
  CrashCursor(const RecoveryLog& log, const Model& model, Tear tear);

  // Goes on until the operations [0, position) have been issued.
  // Requires: position >= this->position(), position <= trace.ops.size().
  void AdvanceTo(size_t position);

  // From now on syncs return success and make nothing durable, nor do they order anything.
  void LieFromNowOn() { is_lying_ = true; }

  bool is_lying() const { return is_lying_; }

  // Returns: how many syncs lied that had something to make durable.
  uint32_t lies() const { return lies_; }

  // Puts the bytes of `patches` in the place of durable ones, as a faulty disk does, until Repair.
  // Returns: whether each of them changed something, and nothing that is left to fate lies on it.
  // Requires: the cursor does not move before Repair.
  bool Damage(std::span<const BytePatch> patches);
  void Repair();

  size_t position() const { return position_; }
  const Trace& trace() const { return trace_; }
  const Model& model() const { return model_; }

  // What every crash state at this point has.
  const Image& durable() const { return durable_; }

  // What is left to fate, in issue order. Effects on files that no name can ever reach again are
  // left out: no recovery can see them.
  std::span<const Effect> pending() const { return pending_; }

  // What a failed sync has taken back: every crash state at this point loses it.
  std::span<const Effect> reverted() const { return reverted_; }

  // Returns: a number above all inodes of the trace up to here.
  InodeId next_inode() const { return next_inode_; }

  // --- Of a recovery ---
  // What has become durable, in that order.
  std::span<const Effect> stored() const { return stored_; }
  // Returns: whether durable() says what the name stands for.
  bool KnowsName(InodeId directory, std::string_view name) const;
  // Returns: whether durable() says the size of the file.
  bool KnowsSize(InodeId inode) const;
  // Returns: the size of the file when the recovery came upon it. Requires: KnowsSize.
  uint64_t FoundSize(InodeId inode) const;

  uint32_t transactions_attempted() const { return attempted_; }
  uint32_t transactions_acknowledged() const { return acknowledged_; }

 private:
  void TakeFound(uint32_t op_index);
  void Issue(uint32_t op_index);
  void SettleSnapshot();
  void IssueFailedSync(uint32_t op_index);
  void IssueInode(uint32_t op_index);
  void EndRewrites(const Op& op);
  bool NamesAreOne(const Op& op) const;
  void IssueRename(uint32_t op_index);
  void IssueExchange(uint32_t op_index);
  void IssueBytes(uint32_t op_index);
  void IssueTruncate(uint32_t op_index);
  void IssueAllocate(uint32_t op_index);
  void IssueAttribute(uint32_t op_index);
  void IssueName(Effect effect);
  void Add(Effect effect);
  // Notes that an attribute of `inode` changes, visibly or not: its times change with most calls.
  void Touch(InodeId inode, uint32_t op_index);
  bool IsLost(InodeId inode) const;

  void Sync(uint32_t op_index);
  void CoverFile(SyncCoverage& coverage, const Op& op, bool attributes);
  void CoverDirectory(SyncCoverage& coverage, const Op& op);
  void CoverWrite(SyncCoverage& coverage, uint32_t op_index);
  void CoverMapped(SyncCoverage& coverage, uint32_t op_index);
  // Adds the metadata that a sync writes because it comes before what it has to write.
  // `attributes_of`: the inode whose attributes it has to write, or kNoInode.
  void Drag(SyncCoverage& coverage, uint32_t op_index, InodeId attributes_of);
  void MakeDurable(SyncCoverage& coverage);
  void Store(const Effect& effect);
  void StoreBytes(const Effect& effect);
  void ForgetUnreachable();
  bool IsPending(const BytePatch& patch) const;

  const Trace& trace_;
  const Model& model_;
  bool whole_writes_;                 // no part of a write survives alone
  const RecoveryLog* log_ = nullptr;  // null: the disk was empty
  size_t found_next_ = 0;
  std::vector<NameCell> known_names_;
  std::unordered_map<InodeId, uint64_t> found_sizes_;
  std::vector<Effect> stored_;
  InodeId next_inode_ = kRootInode + 1;
  size_t snapshot_end_;  // everything before it is on disk
  size_t position_ = 0;
  Image durable_;
  std::vector<Effect> pending_;
  std::vector<Effect> reverted_;
  std::unordered_map<InodeId, uint64_t> size_issued_;   // as the program sees it
  std::unordered_map<InodeId, uint64_t> size_highest_;  // that it ever was, at its last write
  std::unordered_map<InodeId, uint32_t> references_;    // durable names and pending ones
  std::vector<InodeId> unreferenced_;
  std::unordered_map<InodeId, uint32_t> last_change_;     // the last operation that touched it
  std::unordered_map<InodeId, uint32_t> rewrite_groups_;  // of files that were truncated to 0
  NameTree names_issued_;                                 // as the program sees them
  uint32_t committed_end_ = 0;  // metadata of operations before this one is durable
  uint32_t epoch_ = 0;
  uint32_t next_group_ = 1;
  uint32_t attempted_ = 0;
  uint32_t acknowledged_ = 0;
  bool is_lying_ = false;
  uint32_t lies_ = 0;
  std::vector<std::pair<InodeId, FileContent>> undamaged_;  // what Repair puts back
};

}  // namespace plugpull
