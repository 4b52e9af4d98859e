// Where a crash leaves something that no crash before it could leave. Within one epoch, between two
// operations that make something durable or change what is legal, the last point admits every
// state of the earlier ones: only the last is worth exploring.
#pragma once

#include <set>

#include "faults/persistence/model.h"
#include "faults/trace/trace.h"

namespace plugpull {

class EpochRule {
 public:
  // `news`: whether a crash right now would leave something new.
  EpochRule(const Model& model, bool news) : model_(model), news_(news) {}

  // Takes in the next operation. `widens`: from it on, more is legal. `narrows`: less is.
  // Returns: whether a crash right before the operation is worth exploring.
  bool IsPointBefore(const Op& op, bool widens = false, bool narrows = false);

  // Returns: whether a crash right now is.
  bool news() const { return news_; }

  // Says that a crash right now is being explored.
  void TakePoint() { news_ = false; }

 private:
  const Model& model_;
  bool news_;
  std::set<InodeId> rewritten_;  // files that were ever truncated to 0
};

}  // namespace plugpull
