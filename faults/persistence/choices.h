// The choices of one execution, and the depth-first walk over all executions. What follows from a
// choice is decided with it, so it is never asked.
//
// The path is all the state that the walk has. It lives in memory that the caller gives, so that a
// recovery child's path survives the child: shared memory, for the explorer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "faults/base/random.h"
#include "faults/persistence/constraints.h"

namespace plugpull {

// What is left to try of a choice.
enum class Alternative : uint8_t {
  kLeft,   // the other value is still to be tried
  kTaken,  // this is the second value
  kNone,   // the other value was impossible
};

// One choice, packed so that a path can be shared between processes.
struct Choice {
  uint32_t variable = 0;
  bool keep = false;
  Alternative other = Alternative::kLeft;

  bool operator==(const Choice&) const = default;
};

class Choices {
 public:
  // Requires: `length` <= path.size(), and the first `length` elements are a valid path or length
  // is 0; path and length outlive this object.
  Choices(std::span<Choice> path, uint32_t& length) : path_(path), length_(length) {}

  // Starts an execution: everything is open again, and the path so far will be taken again.
  void Restart(Constraints& constraints);

  // Makes the execution that was just restarted take random values where its path ends: kept in
  // `keep_of_256` of 256 cases. Such a path cannot be advanced from; it is a sample, not a step.
  void Randomise(uint64_t seed, uint32_t keep_of_256);

  // Decides `variable`, by the path where it reaches, else by choosing "kept" first.
  // Requires: Restart was called; the variable is open.
  void Choose(VariableId variable);

  // Moves on to the next execution. Returns: false when all have been done.
  bool Advance();

  std::span<const Choice> path() const { return path_.first(length_); }

  // True while the path says more than this execution has asked so far.
  bool path_left() const { return used_ < length_; }

  // True when an execution asked other questions than the one before did on the same path, or
  // fewer: it is not deterministic, and exploring it proves nothing.
  bool diverged() const { return diverged_; }
  // Call at the end of an execution. Notices a path that was not used up.
  void Finish() { diverged_ = diverged_ || used_ < length_; }

  // True when an execution made more choices than the path can hold.
  bool overflowed() const { return overflowed_; }

 private:
  std::span<Choice> path_;
  uint32_t& length_;
  Constraints* constraints_ = nullptr;
  uint32_t used_ = 0;
  bool diverged_ = false;
  bool overflowed_ = false;
  bool random_ = false;
  Random generator_{0};
  uint32_t keep_of_256_ = 0;
};

}  // namespace plugpull
