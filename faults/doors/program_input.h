// The standard input of a traced program, filled without ever waiting for it: it may be waiting for
// us.
#pragma once

#include <string>
#include <string_view>

#include "faults/base/descriptor.h"
#include "faults/base/error.h"

namespace plugpull {

class ProgramInput {
 public:
  // `pipe`: the end to write to; closed where the program has no input.
  explicit ProgramInput(Descriptor pipe);

  // Errors: nobody reads it any more.
  Expected<void> Say(std::string_view text);

  // Closes it once all is written.
  void HangUp();

  // Returns: the descriptor to wait for with POLLOUT, -1 while there is nothing to write.
  int pending() const { return rest_.empty() ? -1 : pipe_.number(); }

  // Writes what fits.
  Expected<void> Flush();

 private:
  Descriptor pipe_;
  std::string rest_;
  bool hangs_up_ = false;
};

}  // namespace plugpull
