// The files of a case, kept for other tools: as the crash and the fault left them, and as recovery
// left them then.
#pragma once

#include <string>

#include "faults/base/error.h"
#include "harness/case_file.h"

namespace plugpull {

struct KeptFiles {
  std::string why_no_after = {};  // recovery left nothing to keep: what became of it; or empty
};

// Writes DIRECTORY/before/ and DIRECTORY/after/, and a note that they are ours. What is there of an
// earlier replay is replaced.
//
// An engine that is linked opens and reads the store in a child; a driver opens, checks and shows
// it; a check command of the user's checks it. `after` is what each of them left on disk then, with
// the store still open.
//
// Errors: kInvalidArgument: DIRECTORY holds what is none of ours, or the case has no crash; what
// the file system says. Requires: one thread in this process.
Expected<KeptFiles> KeepFiles(const std::string& directory, const Case& saved);

}  // namespace plugpull
