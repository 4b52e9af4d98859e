// Starts a program under a filter: the one part of the traced door that forks.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include "faults/base/descriptor.h"
#include "faults/base/error.h"
#include "faults/doors/traced_program.h"

namespace plugpull {

// A program that has been started and waits at its first stopped call.
struct Launched {
  pid_t keeper = 0;       // its parent, a child of ours
  pid_t first = 0;        // the first process
  Descriptor control{};   // messages of the keeper (keeper.h)
  Descriptor listener{};  // where stopped calls are announced
  Descriptor commands{};  // to the tracer; closed where calls come by notification
  Descriptor input{};     // of the program, to write to; closed where it has none
  Descriptor output{};    // of the program, to read from: nothing ever comes, but it stays open
  struct stat output_pipe = {};
};

// Errors: as TracedProgram::Start.
Expected<Launched> Launch(const TracedSettings& settings);

}  // namespace plugpull
