// A stretch of a workload on a store that a crash left: nothing else goes wrong, the store is just
// used, for longer than the short use after every recovery. Damage that nobody could see when the
// store came back may show now.
#pragma once

#include <atomic>
#include <optional>

#include "engine/target.h"
#include "faults/vfs/vfs.h"
#include "harness/recovery.h"
#include "harness/reference_model.h"

namespace plugpull {

class Stretch {
 public:
  // Requires: everything referred to outlives this object. `phase` may be shared memory.
  Stretch(const Target& target, const std::vector<Transaction>& transactions,
          const ReferenceModel& model, Promise promise, std::atomic<Phase>& phase);

  // Opens the store on `vfs`, runs the transactions of the model after `recovered`, and looks at
  // the store before and after closing it: its contents and its own check. Returns: the first thing
  // that is wrong and breaks the promise. Requires: the store shows the contents after `recovered`.
  std::optional<Violation> Judge(Vfs& vfs, uint32_t recovered);

 private:
  std::optional<Violation> Use(Vfs& vfs, uint32_t recovered);
  // Returns: what is wrong with a store that should show what a transaction of the window left.
  std::optional<Violation> Look(Engine& engine, Window window);

  const Target& target_;
  const std::vector<Transaction>& transactions_;
  const ReferenceModel& model_;
  Promise promise_;
  std::atomic<Phase>& phase_;
};

}  // namespace plugpull
