// What a case finds on the disk, kept for other tools: the files as the crash and the fault left
// them, before anything recovers, and the pages that are not what was written last.
#pragma once

#include <string>
#include <vector>

#include "faults/base/error.h"
#include "faults/vfs/image.h"
#include "harness/case_file.h"

namespace plugpull {

// Returns: the files that the last crash of the case left. Errors: the fault of the case is none.
Expected<Image> ImageOf(const Case& saved);

// Returns: the pages that the fault beyond the disk's contract put wrong bytes on, or whose writes
// the crash lost: "page 7 of store.db", each once, by file and page.
Expected<std::vector<std::string>> TamperedPages(const Case& saved);

// Writes the image of a case to DIRECTORY/image/ID/. What is there of an earlier run is replaced.
// Returns: "image/ID". Errors: what the file system says.
Expected<std::string> KeepImage(const std::string& directory, const Case& saved);

}  // namespace plugpull
