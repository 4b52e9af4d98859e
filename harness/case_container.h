// Cases as they were before they became text: a container (faults/trace/container.h) with facts in
// JSON, the trace, and the trace of each recovery. They are read for ever, and not written any
// more.
#pragma once

#include <cstddef>
#include <span>

#include "faults/base/error.h"
#include "harness/case_file.h"

namespace plugpull {

// Returns: true when the bytes begin as such a case does.
bool IsCaseContainer(std::span<const std::byte> bytes);

// Errors: kTooNew, kCorrupt; the text is a sentence about "this case".
Expected<Case> DecodeCaseContainer(std::span<const std::byte> bytes);

}  // namespace plugpull
