// What recovery made of what a crash left, in the words of this engine.
#pragma once

#include <string>

#include "engine/recovery_story.h"

namespace plugpull::revision_tree {

// As EngineType::Retell.
std::string Retell(const RecoveryStory& story);

}  // namespace plugpull::revision_tree
