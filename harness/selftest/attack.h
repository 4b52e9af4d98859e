// One run of the selftest: what `plugpull run` does with the same settings, in this process.
#pragma once

#include <string>

#include "faults/base/error.h"
#include "harness/explore.h"
#include "harness/selftest/planted_bug.h"

namespace plugpull {

// Records the target and explores it with one recovery child. Cases go to `out_directory`.
// Errors: as Record, Explore and RunErrorCampaign.
Expected<Result> RunAttack(const std::string& target, const Attack& attack,
                           const std::string& out_directory, const OnProgress& on_progress);

}  // namespace plugpull
