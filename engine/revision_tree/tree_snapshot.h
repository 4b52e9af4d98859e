// A reader: the user's tree of the revision that was the newest when it was opened.
#pragma once

#include <memory>

#include "engine/engine.h"
#include "engine/revision_tree/free_space.h"

namespace plugpull::revision_tree {

// Pins the revision of `header` until the reader goes. It reads from the file each time, so that a
// page which was overwritten under it is seen. Requires: file and readers outlive it.
std::unique_ptr<Snapshot> MakeTreeSnapshot(VfsFile& file, const Header& header, int64_t root,
                                           ReaderSet& readers);

}  // namespace plugpull::revision_tree
