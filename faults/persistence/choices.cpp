#include "faults/persistence/choices.h"

#include "faults/base/assert.h"

namespace plugpull {

void Choices::Restart(Constraints& constraints) {
  constraints_ = &constraints;
  constraints.Undo(0);
  used_ = 0;
  diverged_ = false;
  overflowed_ = false;
  random_ = false;
}

void Choices::Randomise(uint64_t seed, uint32_t keep_of_256) {
  random_ = true;
  generator_ = Random(seed);
  keep_of_256_ = keep_of_256;
}

void Choices::Choose(VariableId variable) {
  if (used_ < length_ && !diverged_) {
    const Choice& choice = path_[used_];
    if (choice.variable == variable) {
      ++used_;
      Assert(constraints_->Decide(variable, choice.keep), "a path stays possible");
      return;
    }
    diverged_ = true;
  }
  const size_t mark = constraints_->Mark();
  const bool can_lose = constraints_->Decide(variable, false);
  constraints_->Undo(mark);
  const bool wants_keep = !random_ || generator_.Below(256) < keep_of_256_;
  const bool can_keep = (wants_keep || !can_lose) && constraints_->Decide(variable, true);
  if (!can_keep) {
    constraints_->Undo(mark);
    Assert(can_lose && constraints_->Decide(variable, false), "an open variable has a value");
  }
  if (diverged_) return;
  const bool other_left = can_keep && can_lose && !random_;
  if (length_ == path_.size()) {
    overflowed_ = true;
    return;
  }
  // A question with one possible answer is part of the path too, so that every question that an
  // execution asks can be compared with the one before.
  path_[length_] = {.variable = variable,
                    .keep = can_keep,
                    .other = other_left ? Alternative::kLeft : Alternative::kNone};
  ++length_;
  used_ = length_;
}

bool Choices::Advance() {
  while (length_ > 0 && path_[length_ - 1].other != Alternative::kLeft) --length_;
  if (length_ == 0) return false;
  Choice& last = path_[length_ - 1];
  last.keep = false;
  last.other = Alternative::kTaken;
  return true;
}

}  // namespace plugpull
