// The crash states of a recovery that was cut short: a generation of crashes after the first. It
// depends only on the choices up to the moment when the power failed, so it is made once for all
// executions that begin with them, and kept until the search has left them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "faults/persistence/atom.h"
#include "faults/persistence/choices.h"
#include "faults/persistence/crash_cursor.h"
#include "faults/persistence/crash_graph.h"
#include "faults/persistence/crash_view.h"
#include "faults/persistence/recovery_log.h"
#include "faults/persistence/state_count.h"
#include "faults/vfs/image.h"

namespace plugpull {

// A recovery that was cut short, as an ordinary trace: the operations [0, begin) make the disk that
// it began on, the others are its own.
struct RecoveryCut {
  Trace trace;
  size_t begin = 0;
  std::vector<std::pair<AtomId, bool>> chosen;  // (atom of the trace, kept)
};

class CrashInRecovery {
 public:
  // Requires: everything referred to outlives this object. `below`: what the recovery began on.
  CrashInRecovery(const Model& model, Tear tear, Choices& choices, LazyDisk& below)
      : model_(model), view_(graph_, choices, below), tear_(tear) {}

  // Returns: whether the path that leads here is the beginning of `path`.
  bool IsOn(std::span<const Choice> path) const;

  // Makes the crash states of the recovery that did what `log` says. `taken`: the path up to here.
  // `states_before`: how many states of the crashes before agree with it.
  void Enter(const RecoveryLog& log, std::span<const Choice> taken,
             const StateCount& states_before);

  // Comes again, by the same path: everything is open.
  void Reenter();

  // Takes in that an execution stands for so many states, of all crashes together.
  void Cover(const StateCount& states);

  // Call when the search has left the path. `finished`: it has tried everything. Where counts are
  // exact, checks that the executions add up to all states.
  void Leave(bool finished);

  bool is_open() const { return is_open_; }
  size_t path_length() const { return path_.size(); }
  uint64_t recoveries() const { return recoveries_; }
  CrashView& view() { return view_; }
  CrashGraph& graph() { return graph_; }
  StateCounter& counter() { return *counter_; }

  // Returns: the recovery as a trace of its own, that begins on `image`, with what the path chose
  // about it. Requires: `image` is a state that agrees with the path.
  RecoveryCut CutOn(const Image& image, std::span<const Choice> path) const;

 private:
  const Model& model_;
  std::vector<Choice> path_;
  RecoveryLog log_;
  std::optional<CrashCursor> cursor_;
  CrashGraph graph_;
  CrashView view_;
  std::optional<StateCounter> counter_;
  StateCount total_ = 0;
  StateCount covered_ = 0;
  uint64_t recoveries_ = 0;
  Tear tear_;
  bool exact_ = true;
  bool is_open_ = false;
};

}  // namespace plugpull
