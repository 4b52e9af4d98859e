// A program of the user's, seen as a kind of engine: all that is known of it is what its files are
// called.
#pragma once

#include <string>

#include "engine/engine.h"
#include "faults/base/error.h"
#include "harness/explore_settings.h"

namespace plugpull {

// Its files have the roles that their paths say, with "N" for each number, so that findings stay
// the same from night to night. Nobody can make such an engine.
const EngineType& UserProgramType();

// Returns: the kind of engine that the settings are about; without a target, UserProgramType().
// Errors: as ParseTarget.
Expected<const EngineType*> TypeOfTarget(const ExploreSettings& settings);

// Returns: the version of the software that the settings are about, as in "SQLite 3.40.1"; empty:
// that of plugpull, or nobody knows.
std::string VersionOfTarget(const ExploreSettings& settings);

}  // namespace plugpull
