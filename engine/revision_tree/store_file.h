// The file of a store: how it comes to be, and how a compaction puts another in its place.
#pragma once

#include <memory>

#include "engine/revision_tree/protocol.h"
#include "engine/revision_tree/store_image.h"
#include "faults/vfs/vfs.h"

namespace plugpull::revision_tree {

struct OpenedStore {
  std::unique_ptr<VfsFile> file;
  bool is_new = false;  // made just now, and durable as far as the options ask for that
};

// Opens the file, creating it when it is absent, and takes an exclusive lock. By default a new file
// gets its name only when it is complete, so that a crash leaves the whole store or none.
// Errors: kBusy when somebody else has it open.
Expected<OpenedStore> OpenStoreFile(Vfs& vfs, const Options& options);

// Writes a store to a new file and gives it the name of the old one. Returns: the new file, locked.
// Errors: which of the two files has the name is unknown.
Expected<std::unique_ptr<VfsFile>> ReplaceStoreFile(Vfs& vfs, const StoreImage& image,
                                                    const Options& options);

}  // namespace plugpull::revision_tree
