// The steps that update protocols are made of: make a whole new file durable, read one, sync as
// asked.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "faults/vfs/vfs.h"
#include "workloads/strategies/files_options.h"

namespace plugpull::strategies {

// Returns: how to open a file that is made durable by `sync`.
OpenOptions OpenFor(FileSync sync, OpenOptions options);

// Makes what was just written to a range durable, as far as `sync` does that.
Expected<void> SyncWritten(VfsFile& file, FileSync sync, uint64_t offset_bytes,
                           uint64_t size_bytes);

// Makes what was found in a file, and its name, durable as far as `sync` and `sync_directory` do
// that. Where only the process died, both may be in the page cache alone: whoever builds on them,
// or removes what they replace, comes after this.
Expected<void> SyncFound(Vfs& vfs, VfsFile& file, FileSync sync, bool sync_directory);

// Creates `path`, instead of what an interrupted attempt left there, and syncs it. With
// `allocate_bytes` the file gets at least that size first.
// Returns: the open file.
Expected<std::unique_ptr<VfsFile>> CreateFile(Vfs& vfs, std::string_view path,
                                              std::span<const std::byte> bytes, FileSync sync,
                                              uint64_t allocate_bytes = 0);

// Creates a file under another name, and gives it its name when it is whole. Whoever finds the name
// finds all of the bytes, if `sync` is honest.
Expected<void> ReplaceFile(Vfs& vfs, std::string_view path, std::span<const std::byte> bytes,
                           FileSync sync, bool sync_directory, uint64_t allocate_bytes = 0);

Expected<std::vector<std::byte>> ReadFile(VfsFile& file);

}  // namespace plugpull::strategies
