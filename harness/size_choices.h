// What a choice about a file's size means to a model in which the sizes that writes raise are in no
// order (SizeOrder::kMax): "kept" says that the file is at least that long, which any later step
// says as well, and "lost" that it is shorter, so that no later step is kept either.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "faults/persistence/atom.h"
#include "faults/persistence/crash_graph.h"

namespace plugpull {

// Removes each choice to lose a step of a size where a later step of the same file is kept, with no
// truncate between the two: the later one says what can be read.
void DropImpliedSizes(const Trace& trace, std::vector<std::pair<AtomId, bool>>& chosen);

// The choices about sizes of one state under one model.
class SizeChoices {
 public:
  // Requires: `graph` outlives this object.
  explicit SizeChoices(CrashGraph& graph) : graph_(graph) {}

  // Takes in that the step `variable` of the file is kept or lost; kNoVariable: it is durable.
  // Returns: false when that contradicts what is decided.
  bool Add(InodeId inode, VariableId variable, bool kept);

  // Decides a step for each size that is to be there. Returns: false when none were found that can
  // be kept together, after a number of attempts that no trace has needed so far.
  bool Solve();

 private:
  bool SolveFrom(size_t index);

  CrashGraph& graph_;
  std::vector<std::vector<VariableId>> kept_;  // for each choice the steps of which one is kept
  uint32_t attempts_left_ = 4096;
};

}  // namespace plugpull
