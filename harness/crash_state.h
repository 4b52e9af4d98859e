// A crash state of a finding: what it lost and kept in words, and which models and fault levels
// reach it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "faults/persistence/crash_cursor.h"
#include "faults/persistence/crash_graph.h"
#include "harness/point_explorer.h"
#include "harness/role_patterns.h"
#include "reports/verdict.h"

namespace plugpull {

// The choices that lead to a state, under the tear that their atoms were cut with: that of the
// search or, where that is coarser, of its model.
struct ChosenState {
  size_t position = 0;
  Tear tear = Tear::kNone;
  std::vector<std::pair<AtomId, bool>> chosen;  // (atom, kept)
  std::optional<size_t> lies_from = {};         // syncs from this position on lied
};

// A complete state: of all that is undecided at the point, what is lost and what is kept.
struct CompleteState {
  std::vector<AtomId> lost;  // sorted
  std::vector<AtomId> kept;  // sorted
};

// What becomes of all that choices leave open, where the order allows it.
enum class Rest : uint8_t { kKept, kLost };

// Answers questions about states of one trace. Keeps a cursor and a graph for each model, so
// questions about ascending positions, and more than one about the same, are cheap.
class StateInspector {
 public:
  // Requires: `trace` and `type` outlive the inspector.
  StateInspector(const Trace& trace, const EngineType& type);

  // Returns: the state that agrees with the choices and loses least, or with `rest` lost: most.
  // Requires: Admits(state, model, state.tear), or the choices were made under `model`.
  CompleteState Complete(const ChosenState& state, const Model& model, Rest rest = Rest::kKept);

  // Returns: true when some state of `model`, with writes cut by `tear` or as coarse as the model
  // cuts them, agrees with the choices. A choice about an atom that the model does not have, since
  // it is durable there or never lost, agrees when it is kept.
  // Requires: `tear` is that of the state, or coarser.
  bool Admits(const ChosenState& state, const Model& model, Tear tear);

  // Returns: the names of all Models() that admit the choices.
  std::vector<std::string> AdmittingModels(const ChosenState& state);

  // Returns: the names of those whose contract admits the choices, though they do not.
  std::vector<std::string> ContractModels(const ChosenState& state);

  // Returns: the weakest level that reaches the choices, for a search under `model`.
  FaultLevel WeakestLevel(const ChosenState& state, const Model& model);

  // Returns: the same choices for writes cut by `tear`, or as coarse as `model` cuts them, without
  // those that `model` does not leave open. Requires: Admits(state, model, tear).
  ChosenState Weaken(const ChosenState& state, const Model& model, Tear tear);

  // Returns: the kinds of operation and roles of file among `atoms`, each once, sorted:
  // "unlink(journal)". They stay the same from night to night.
  std::vector<std::string> Kinds(const std::vector<AtomId>& atoms) const;

  // Returns: the roles of the files that `atoms` are about, each once, sorted.
  std::vector<std::string> Roles(const std::vector<AtomId>& atoms) const;

  // Returns: one line for each operation among `atoms`, with the pieces meant where not all are.
  // Requires: sorted.
  std::vector<std::string> Lines(const std::vector<AtomId>& atoms, Tear tear) const;

 private:
  // A model and a tear with their graph of the position that was asked about last.
  struct View {
    const Model* model = nullptr;
    std::unique_ptr<CrashCursor> cursor;
    std::unique_ptr<CrashGraph> graph;
    Tear tear = Tear::kNone;
    std::optional<size_t> lies_from = {};
  };

  // Returns: the view of a state's point with nothing decided.
  View& ViewAt(const ChosenState& state, const Model& model, Tear tear);
  // Decides what the choices mean. Returns: false when that contradicts the model.
  bool Decide(View& view, const ChosenState& state) const;
  std::string PathOf(InodeId inode) const;

  const Trace& trace_;
  TraceRoles roles_;
  std::map<InodeId, std::string> names_;
  std::vector<View> views_;
};

}  // namespace plugpull
