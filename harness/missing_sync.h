// Which sync would have saved a case: looked for at the place where its losses begin to do harm,
// and told only when it is certain that the state could not have been left with it, and that what
// could have been left is sound.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "engine/engine.h"
#include "faults/base/error.h"
#include "harness/case_file.h"
#include "harness/point_search.h"

namespace plugpull {

struct SavingSync {
  bool is_directory = false;
  InodeId inode = kNoInode;
  size_t before = 0;  // the operation before which it is missing

  bool operator==(const SavingSync&) const = default;
};

struct SyncAdvice {
  // The operation that made the losses harmful: with the same losses, a crash just before it leaves
  // a sound store. Nothing: that is not known.
  std::optional<size_t> turned_by = {};
  std::vector<SavingSync> syncs = {};  // each alone would have done; with `needs_all`, only all
  bool needs_all = false;
  bool was_searched = false;  // false: the case is none that a sync could matter to
};

// Requires: `search` is of the case's trace; the case loses something, in one crash of a correct
// disk. Errors: as PointSearch::Replay.
Expected<SyncAdvice> FindMissingSync(const Case& saved, const EngineType& type,
                                     PointSearch& search);

// Returns: `trace` with a sync more, before the operation that it names.
Trace WithSync(const Trace& trace, const SavingSync& sync);

}  // namespace plugpull
