// One call of a traced program, stopped before it has begun. What the call means, and what is
// recorded of it, is decided by looking at this (calls.h); how it is executed is a matter of the
// backend: one performs it in our process, another lets the program run it while nobody else runs.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <functional>

#include "faults/base/descriptor.h"
#include "faults/doors/tracee.h"

namespace plugpull {

class CallStop {
 public:
  CallStop(int number, const std::array<uint64_t, 6>& arguments, Tracee& tracee)
      : number_(number), arguments_(arguments), tracee_(tracee) {}
  virtual ~CallStop() = default;
  CallStop(const CallStop&) = delete;
  CallStop& operator=(const CallStop&) = delete;

  int number() const { return number_; }
  Tracee& tracee() const { return tracee_; }

  uint64_t Argument(size_t index) const { return arguments_[index]; }
  int Number(size_t index) const { return static_cast<int>(arguments_[index]); }

  // Returns: whether `perform` is used; a call that does not what the program asked for, but
  // something that comes to the same, has to be refused otherwise.
  virtual bool performs() const { return true; }

  // Executes the call. `perform` does what the call does, with descriptors and copies of memory of
  // ours, or does only a part of it, where the plan of failures wants that; it returns the result
  // or, negative, an errno, as the kernel does. A backend in which the program runs the call itself
  // does not use it.
  // Returns: the result of the call, in the same form.
  virtual int64_t Execute(const std::function<int64_t()>& perform) = 0;

  // As Execute, for calls that open a file: `perform` returns a descriptor of ours, which becomes
  // one of the program's. What the call returns there is not known before the answer is given.
  // Returns: 0 or, negative, an errno.
  virtual int64_t ExecuteOpen(const std::function<int64_t()>& perform, bool close_on_exec) = 0;

  // Returns: the file that ExecuteOpen has opened, as a descriptor of ours. Requires: it has.
  virtual int opened() const = 0;

 private:
  int number_;
  std::array<uint64_t, 6> arguments_;
  Tracee& tracee_;
};

}  // namespace plugpull
