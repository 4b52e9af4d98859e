// How a cow_tree store came to what it shows after a crash: which meta opening takes, and what of
// its revision was lost.
#pragma once

#include <string>

#include "engine/recovery_story.h"

namespace plugpull::cow_tree {

// As EngineType::Retell.
std::string Retell(const RecoveryStory& story);

}  // namespace plugpull::cow_tree
