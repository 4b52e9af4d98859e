// What became of each operation of a trace by the crash at its end: which sync had made it durable,
// and of the rest, what the crash kept and what it lost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "faults/persistence/atom.h"
#include "faults/persistence/model.h"
#include "faults/persistence/tear.h"
#include "faults/trace/trace.h"

namespace plugpull {

enum class OperationFate : uint8_t {
  kNoMatter,  // it changed nothing that a crash could undo: a mark, a failed call, a sync
  kBefore,    // it made what was there before the run
  kDurable,   // a sync had made it durable
  kGone,      // it did not matter any more: no name led to its file, or it was overwritten
  kKept,      // it could have been lost, and was not
  kLost,
  kTorn,    // a part of its bytes was lost
  kPartly,  // one of the several things that it does was lost: a name, the growth of a file
};

struct FateOfOperation {
  OperationFate fate = OperationFate::kNoMatter;
  std::optional<size_t> settled_by = {};  // kDurable: the sync; kGone: the operation
  std::vector<AtomId> lost = {};          // sorted
  // Of a write, the bytes of the file that were lost: [first, second), ascending.
  std::vector<std::pair<uint64_t, uint64_t>> lost_ranges = {};
  std::string lost_part = {};       // kPartly: in words: "its growth of the file"
  bool is_lie = false;              // of a sync: it made nothing durable, and returned success
  std::vector<size_t> covers = {};  // of a sync: the operations that it made durable, ascending
};

// Returns: one for each operation. `lost` is sorted, of atoms cut by `tear`. Syncs from `lies_from`
// on were lies. Requires: the state is one of the model, or as good as one.
std::vector<FateOfOperation> FatesOf(const Trace& trace, const Model& model, Tear tear,
                                     std::span<const AtomId> lost,
                                     std::optional<size_t> lies_from = std::nullopt);

}  // namespace plugpull
