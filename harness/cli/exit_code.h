// The exit codes of design and README. Stable: CI systems act on them.
#pragma once

namespace plugpull {

enum ExitCode : int {
  kExitHeld = 0,           // nothing found; replay: reproduced as recorded
  kExitFound = 1,          // at least one finding
  kExitUsage = 2,          // usage or configuration error
  kExitEnvironment = 3,    // harness or environment error
  kExitNotReproduced = 4,  // replay did not reproduce, or nondeterminism
  kExitSelftestFailed = 5,
  kExitInterrupted = 6,  // stopped early by a signal, partial results saved
};

}  // namespace plugpull
