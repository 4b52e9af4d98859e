// Small random traces for tests that try every crash state of them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "faults/trace/trace.h"

namespace plugpull {

// What the traces keep to, so that their crash states can be counted out.
inline constexpr size_t kMaxRandomFiles = 3;  // at a time, those without a name among them
inline constexpr uint64_t kMaxRandomFileBytes = 12'288;

// Returns: a valid trace of exactly `op_count` operations on at most kMaxRandomFiles files, one
// subdirectory and one symbolic link at a time. They share three names, so that names collide,
// renames replace and files come again. Each seed draws a mix of its own, in which most kinds of
// operations are absent and some are frequent; over many seeds everything occurs: each kind, writes
// of every alignment, mapped pages, failed syncs. Payloads are what a program would have seen: a
// mapped page and a clone hold the bytes that were there. The same arguments give the same trace.
Trace RandomOperations(uint64_t seed, int op_count);

}  // namespace plugpull
