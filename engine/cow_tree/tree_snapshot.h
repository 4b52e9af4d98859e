// A reader: the tree of one revision, read from the file each time it is asked for. Nothing is kept
// in memory in between, so it shows what became of its pages, as bbolt's mapping of the file does:
// a page that was overwritten too early is seen.
#pragma once

#include <memory>

#include "engine/cow_tree/free_list.h"
#include "engine/engine.h"

namespace plugpull::cow_tree {

// Returns: a reader of the bucket `name` in the tree of `meta`, which is in `readers` for as long
// as it lives. The file, the name and the set must outlive it.
std::unique_ptr<Snapshot> MakeTreeSnapshot(VfsFile& file, const Meta& meta, Bytes name,
                                           ReaderSet& readers);

}  // namespace plugpull::cow_tree
