// Starting a driver: a process with three pipes, in a process group of its own.
#pragma once

#include <sys/types.h>

#include "engine/drivers/driver.h"
#include "faults/base/error.h"

namespace plugpull {

// A descriptor that is closed with its owner. -1: none.
class OwnedDescriptor {
 public:
  OwnedDescriptor() = default;
  explicit OwnedDescriptor(int descriptor) : descriptor_(descriptor) {}
  OwnedDescriptor(OwnedDescriptor&& other) noexcept : descriptor_(other.Release()) {}
  OwnedDescriptor& operator=(OwnedDescriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~OwnedDescriptor();

  int get() const { return descriptor_; }
  int Release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_ = -1;
};

struct StartedDriver {
  pid_t pid = -1;
  OwnedDescriptor process;    // pidfd: readable when the process has ended
  OwnedDescriptor input;      // to write commands to; does not block
  OwnedDescriptor input_end;  // where they come out: held open so that a write never meets SIGPIPE
  OwnedDescriptor output;     // to read answers from; does not block
  OwnedDescriptor error_output;  // likewise
};

// Errors: kNotFound, kIo.
Expected<StartedDriver> StartDriver(const std::vector<std::string>& arguments);

}  // namespace plugpull
