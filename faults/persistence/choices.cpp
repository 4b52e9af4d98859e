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

const Choice* Choices::Next(uint32_t variable) {
  if (used_ >= length_ || diverged_) return nullptr;
  const Choice& choice = path_[used_];
  if (choice.variable == variable) {
    ++used_;
    return &choice;
  }
  diverged_ = true;
  return nullptr;
}

void Choices::Append(const Choice& choice) {
  if (diverged_) return;
  if (length_ == path_.size()) {
    overflowed_ = true;
    return;
  }
  path_[length_] = choice;
  ++length_;
  used_ = length_;
}

void Choices::Choose(Constraints& constraints, VariableId variable, uint32_t generation) {
  const uint32_t name = FirstVariable(generation) + variable;
  if (const Choice* choice = Next(name)) {
    Assert(constraints.Decide(variable, choice->keep), "a path stays possible");
    return;
  }
  const size_t mark = constraints.Mark();
  const bool can_lose = constraints.Decide(variable, false);
  constraints.Undo(mark);
  const bool wants_keep = !random_ || generator_.Below(256) < keep_of_256_;
  const bool can_keep = (wants_keep || !can_lose) && constraints.Decide(variable, true);
  if (!can_keep) {
    constraints.Undo(mark);
    Assert(can_lose && constraints.Decide(variable, false), "an open variable has a value");
  }
  const bool other_left = can_keep && can_lose && !random_;
  // A question with one possible answer is part of the path too, so that every question that an
  // execution asks can be compared with the one before.
  Append({.variable = name,
          .keep = can_keep,
          .other = other_left ? Alternative::kLeft : Alternative::kNone});
}

bool Choices::ChooseFree(uint32_t question) {
  if (const Choice* choice = Next(question)) return choice->keep;
  const bool keep = !random_ || generator_.Below(256) < keep_of_256_;
  Append({.variable = question,
          .keep = keep,
          .other = keep && !random_ ? Alternative::kLeft : Alternative::kNone});
  return keep;
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
