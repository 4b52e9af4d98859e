// Draws the edges of a model between the variables of one crash point, and leaves out those that
// follow from the order of metadata anyway: fewer edges make deciding faster and counting exact.
#pragma once

#include <cstdint>
#include <vector>

#include "faults/persistence/constraints.h"

namespace plugpull {

class EdgeBuilder {
 public:
  explicit EdgeBuilder(Constraints& constraints) : constraints_(constraints) {}

  void Clear();

  VariableId NewVariable();

  // Gives the variable the last place in the order of metadata. A variable that has a place keeps
  // it.
  void Chain(VariableId variable);

  // Returns: the last variable in the order of metadata, or kNoVariable.
  VariableId last_chained() const { return last_chained_; }

  // `late` survives only if `early` does. Does nothing for kNoVariable.
  void Edge(VariableId early, VariableId late);

 private:
  Constraints& constraints_;
  VariableId last_chained_ = kNoVariable;
  uint32_t chained_ = 0;
  std::vector<uint32_t> position_;  // by variable: its place in the order of metadata, from 1; or 0
  std::vector<uint32_t> implied_;   // by variable: it asks for the metadata up to this place
};

}  // namespace plugpull
