// Assertions for our own mistakes. They stay on in release builds: a harness that goes on with
// broken state reports nonsense, which is worse than stopping.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <source_location>

namespace plugpull {

// Requires: `what` says in words what must be true.
inline void Assert(bool condition, const char* what,
                   std::source_location where = std::source_location::current()) {
  if (condition) [[likely]] {
    return;
  }
  std::fprintf(stderr, "plugpull: internal error at %s:%u: %s\n", where.file_name(), where.line(),
               what);
  std::abort();
}

}  // namespace plugpull
