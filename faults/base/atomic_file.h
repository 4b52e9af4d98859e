// Whole files in one step. A file of plugpull's own is either the old one or the new one, never
// half of each, also when the power goes: we ask that of engines, so we do it ourselves.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "faults/base/error.h"

namespace plugpull {

// Files above this are not ours, and devices such as /dev/zero have no end at all.
inline constexpr size_t kMaxReadFileBytes = size_t{4} << 30;

// Replaces the contents of `path`, or creates it: a temporary in the same directory, write, fsync,
// rename, fsync of the directory. On an error the old file is intact and no temporary is left
// behind. A link is followed. A device or a pipe is written directly, since replacing it by a file
// is nobody's wish.
// Errors: kNoSpace when the disk is full, kInvalidArgument for a directory; the text names `path`.
Expected<void> WriteFileAtomically(const std::string& path, std::span<const std::byte> bytes);

// Returns: every byte of `path`, which may be a pipe.
// Errors: kNotFound, kInvalidArgument for a directory or a file above kMaxReadFileBytes; the text
// names `path`.
Expected<std::vector<std::byte>> ReadWholeFile(const std::string& path);

}  // namespace plugpull
