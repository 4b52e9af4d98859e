// Makes an open file hold the bytes of a FileContent, by writing only the pages that differ.
#pragma once

#include <cstdint>
#include <span>

#include "faults/vfs/file_content.h"

namespace plugpull {

// Sets the size and writes the pages `pages` of what is wanted. Requires: in all others, the file
// is as wanted already. Returns: 0 or an errno.
int WritePages(int file, const FileContent& wanted, std::span<const uint64_t> pages);

// Sets the size, and compares all of the file's data, whatever it is, with what is wanted. Holes
// cost nothing. Returns: 0 or an errno.
int WriteComparing(int file, const FileContent& wanted);

}  // namespace plugpull
