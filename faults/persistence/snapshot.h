// An image as the beginning of a trace: what a crash left becomes what the next program finds.
#pragma once

#include <cstddef>

#include "faults/trace/trace.h"
#include "faults/vfs/image.h"

namespace plugpull {

// Appends to `trace` the operations that make the tree of `image`, with the same inode numbers, and
// a kSyncAll, after which all of it is durable under every model whose syncs wait and do not lie.
// Files and directories that no name reaches are left out, and so are bytes beyond a file's end:
// nobody can see them again. Attributes are set as they are in the image.
//
// A valid trace has no inode number above that of its operations + 1; where those of the image are
// larger, more of kSyncAll make up for it.
//
// Requires: `trace` has no operations; what the image says can be done, as in every image that
// Materialise or a Vfs made.
void AppendSnapshot(Trace& trace, const Image& image);

// Appends the operations of `more` from number `begin` on, with their payloads.
void AppendOperations(Trace& trace, const Trace& more, size_t begin);

}  // namespace plugpull
