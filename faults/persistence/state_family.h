// Crash states one after another, for who cannot see what a recovery reads: all of them where a
// point has few, else those that find most (persistence models, 6.3 and 6.4). The ends; every
// prefix of the operations; omit-one (everything but one operation and what depends on it) and
// keep-one (nothing but one operation and what it needs), which together cover every feasible
// pattern of any three operations; writes that are torn; pairs of operations omitted or kept among
// the last ones; then seeded random states.
//
// Torn writes come before pairs: there are few of them, and many pairs.
//
// Every state is closed under the edges and parts of the constraints, so that the shapes of models
// and of weaker faults (a prefix, everything) come out by themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "faults/base/random.h"
#include "faults/persistence/choices.h"
#include "faults/persistence/constraints.h"
#include "faults/persistence/crash_graph.h"

namespace plugpull {

// What is undecided about one operation, by what can be lost without the rest.
struct OpenOperation {
  std::vector<VariableId> all{};
  // The names, the bytes, the sizes, ...; where there is one only, nothing.
  std::vector<std::vector<VariableId>> aspects{};
  std::vector<VariableId> pieces{};  // of its bytes, in file order
};

// Returns: the operations of the point, in issue order.
std::vector<OpenOperation> OpenOperations(const CrashGraph& graph);

struct FamilyBounds {
  uint64_t most_states = 512;  // that Next shows; where there are no more, it shows all
  bool cuts_families = false;  // also of those families that are few; else pairs and samples only
  uint64_t seed = 1;
  size_t window = 24;  // operations that pairs are taken from
};

class StateFamily {
 public:
  // `total`: the number of states, if that is known and fits.
  // Requires: nothing of `constraints` is decided; it outlives the family.
  StateFamily(Constraints& constraints, std::vector<OpenOperation> operations,
              std::optional<uint64_t> total, const FamilyBounds& bounds);

  // Undoes whatever is decided, and decides everything: the next state. Some come twice.
  // Returns: false when there are no more, with nothing decided.
  bool Next();

  // Returns: whether all states of the point will have come when Next returns false.
  bool is_exhaustive() const { return is_exhaustive_; }

 private:
  enum class Kind : uint8_t { kPrefix, kOmit, kKeep, kTornLast, kTorn, kOmitPair, kKeepPair };
  struct Step {
    Kind kind;
    uint8_t shape = 0;  // of a torn write
    uint32_t operation = 0;
    uint32_t other = 0;  // of a pair, an operation; else an aspect, from 1; 0: all of them
  };

  void PlanFamilies();
  void PlanPairs(size_t window);
  bool NextOfAll();
  void Show(const Step& step);
  void ShowSample();
  void TearWrite(const OpenOperation& operation, uint8_t shape, uint64_t seed);
  const std::vector<VariableId>& VariablesOf(const Step& step) const;
  // Decides what can be decided so.
  void Prefer(const std::vector<VariableId>& variables, bool keep);
  void PreferTheRest(bool keep);

  Constraints& constraints_;
  std::vector<OpenOperation> operations_;
  FamilyBounds bounds_;
  bool is_exhaustive_ = false;
  bool begun_ = false;
  std::vector<Choice> path_;
  uint32_t path_length_ = 0;
  Choices choices_;
  std::vector<Step> steps_;
  size_t families_ = 0;  // steps that are no pairs
  size_t next_ = 0;
  uint64_t shown_ = 0;
  Random random_;
};

}  // namespace plugpull
