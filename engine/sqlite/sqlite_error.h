// SQLite's result codes in our terms.
#pragma once

#include <sqlite3.h>

#include <string>
#include <string_view>

#include "faults/base/error.h"

namespace plugpull {

// Returns: the name of a (possibly extended) result code, for example "SQLITE_IOERR_READ".
std::string SqliteCodeName(int code);

// Returns: an error with SQLite's own words and the name of its code, for example "database disk
// image is malformed (SQLITE_CORRUPT)". Requires: the last call on `connection` failed.
std::unexpected<Error> SqliteFailure(sqlite3* connection);

}  // namespace plugpull
