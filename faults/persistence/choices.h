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

// What the variables of one path are about. The first four bits say it: of which generation of
// crashes a variable of Constraints is (0: the first crash, which the trace leads up to; 1: the
// crash of the recovery from that; ...), or of which generation's recovery it is asked whether the
// power fails in it.
inline constexpr uint32_t kGenerationShift = 28;
inline constexpr uint32_t kMostGenerations = 8;

// Returns: what a path calls variable 0 of a generation; the others follow.
constexpr uint32_t FirstVariable(uint32_t generation) {
  return (2 * generation) << kGenerationShift;
}
// Returns: the question whether the power fails in the recovery from crash `generation`, after it
// has issued `operations`. Kept: it does not.
constexpr uint32_t PowerQuestion(uint32_t generation, size_t operations) {
  return FirstVariable(generation) + (1U << kGenerationShift) + static_cast<uint32_t>(operations);
}
constexpr bool IsPowerQuestion(uint32_t variable) {
  return (variable >> kGenerationShift & 1U) != 0;
}
constexpr uint32_t GenerationOf(uint32_t variable) { return variable >> kGenerationShift >> 1; }
// Returns: the variable of its generation's Constraints.
constexpr VariableId VariableIn(uint32_t variable) {
  return variable & ((1U << kGenerationShift) - 1);
}

// One choice, packed so that a path can be shared between processes.
struct Choice {
  uint32_t variable = 0;  // as above
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
  void Choose(VariableId variable) { Choose(*constraints_, variable, 0); }

  // The same for a variable of a later generation. Requires: it is open in `constraints`.
  void Choose(Constraints& constraints, VariableId variable, uint32_t generation);

  // Decides a question that nothing else depends on, in the same way. Returns: the answer.
  bool ChooseFree(uint32_t question);

  // Leaves out what is still to be tried of the choices from number `length` on.
  void Leave(uint32_t length) { length_ = length; }

  // Moves on to the next execution. Returns: false when all have been done.
  bool Advance();

  std::span<const Choice> path() const { return path_.first(length_); }

  // Returns: the part of the path that this execution has taken so far.
  std::span<const Choice> taken() const { return path_.first(used_); }

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
  // Takes the next element of the path if there is one and it is about `variable`. Returns: it, or
  // null when this execution is the first to come here, or has left the path.
  const Choice* Next(uint32_t variable);
  void Append(const Choice& choice);

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
