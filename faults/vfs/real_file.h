// A file of the real file system as a VfsFile, for tools that mend or read files that are there.
// Nothing of it is recorded: engines under test never get one.
#pragma once

#include <memory>
#include <string>

#include "faults/vfs/vfs.h"

namespace plugpull {

enum class RealFileMode : uint8_t {
  kRead,      // an existing regular file; changing it fails
  kReadWrite  // the same, and it may be changed
};

// Returns: the file at `path`, a link followed. Its errors name `path`.
// Errors: kNotFound; kInvalidArgument: a directory, a device, a pipe; kIo: may not be opened.
Expected<std::unique_ptr<VfsFile>> OpenRealFile(const std::string& path, RealFileMode mode);

// Returns: a file on a descriptor that is open for reading and writing, which it owns from now on.
// `name` is for its errors.
std::unique_ptr<VfsFile> AdoptRealFile(int descriptor, std::string name);

}  // namespace plugpull
