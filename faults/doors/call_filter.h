// The filter that stops calls in the kernel: a small program (BPF) that looks at the number of a
// call and at some arguments, and never at memory.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <vector>

namespace plugpull {

// Returns: the program for the calls of TrappedCalls(). Calls of another architecture, 32-bit ones,
// are all stopped: they cannot be looked at, and the supervisor says so.
std::vector<sock_filter> MakeCallFilter();

// Returns: whether a stopped call is of an architecture that the filter does not know.
bool IsForeign(uint32_t architecture, int number);

}  // namespace plugpull
