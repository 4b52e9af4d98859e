// SQLite as a target: one table of keys and values in the file test.db.
#pragma once

#include "engine/engine.h"

namespace plugpull {

// Returns: the engine type "sqlite". Its engines are stock SQLite, the shared library of the
// system, on the Vfs that they are created with (sqlite_vfs.h).
const EngineType& SqliteType();

}  // namespace plugpull
