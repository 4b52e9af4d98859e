// How SQLite came to what it shows after a crash: hot journals, logs that end early, pages that
// were lost when no journal could put them right any more.
#pragma once

#include <string>

#include "engine/recovery_story.h"

namespace plugpull {

// As EngineType::Retell. `database`: the name of the database file.
std::string RetellSqlite(const RecoveryStory& story, const std::string& database);

}  // namespace plugpull
