#include "faults/persistence/edge_builder.h"

#include <algorithm>

namespace plugpull {

void EdgeBuilder::Clear() {
  constraints_.Clear();
  last_chained_ = kNoVariable;
  chained_ = 0;
  position_.clear();
  implied_.clear();
}

VariableId EdgeBuilder::NewVariable() {
  position_.push_back(0);
  implied_.push_back(0);
  return constraints_.AddVariable();
}

void EdgeBuilder::Chain(VariableId variable) {
  if (position_[variable] != 0) return;
  Edge(last_chained_, variable);
  position_[variable] = ++chained_;
  implied_[variable] = chained_;
  last_chained_ = variable;
}

void EdgeBuilder::Edge(VariableId early, VariableId late) {
  if (early == kNoVariable || early == late) return;
  if (position_[early] != 0 && position_[early] <= implied_[late]) return;
  constraints_.AddEdge(early, late);
  implied_[late] = std::max(implied_[late], implied_[early]);
}

}  // namespace plugpull
