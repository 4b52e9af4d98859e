// What a result says about the named models, in one line for people.
#pragma once

#include <string>

#include "reports/result.h"

namespace plugpull {

// Returns: where a finding bites: "bites on ext4-ordered, xfs; not on btrfs", "bites on every
// model" or, when no file system in use does it, "portability: only posix-minimal"; with what
// contracts would allow.
std::string DescribeModels(const Finding& finding);

// Returns: "held on xfs, btrfs; violated on posix-minimal" of a run under all models, else "".
std::string DescribeVerdicts(const Result& result);

}  // namespace plugpull
