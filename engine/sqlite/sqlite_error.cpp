#include "engine/sqlite/sqlite_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace plugpull {
namespace {

using CodeName = std::pair<int, std::string_view>;

constexpr std::array kPrimaryNames = {
    CodeName{SQLITE_OK, "SQLITE_OK"},
    CodeName{SQLITE_ERROR, "SQLITE_ERROR"},
    CodeName{SQLITE_INTERNAL, "SQLITE_INTERNAL"},
    CodeName{SQLITE_PERM, "SQLITE_PERM"},
    CodeName{SQLITE_ABORT, "SQLITE_ABORT"},
    CodeName{SQLITE_BUSY, "SQLITE_BUSY"},
    CodeName{SQLITE_LOCKED, "SQLITE_LOCKED"},
    CodeName{SQLITE_NOMEM, "SQLITE_NOMEM"},
    CodeName{SQLITE_READONLY, "SQLITE_READONLY"},
    CodeName{SQLITE_INTERRUPT, "SQLITE_INTERRUPT"},
    CodeName{SQLITE_IOERR, "SQLITE_IOERR"},
    CodeName{SQLITE_CORRUPT, "SQLITE_CORRUPT"},
    CodeName{SQLITE_NOTFOUND, "SQLITE_NOTFOUND"},
    CodeName{SQLITE_FULL, "SQLITE_FULL"},
    CodeName{SQLITE_CANTOPEN, "SQLITE_CANTOPEN"},
    CodeName{SQLITE_PROTOCOL, "SQLITE_PROTOCOL"},
    CodeName{SQLITE_EMPTY, "SQLITE_EMPTY"},
    CodeName{SQLITE_SCHEMA, "SQLITE_SCHEMA"},
    CodeName{SQLITE_TOOBIG, "SQLITE_TOOBIG"},
    CodeName{SQLITE_CONSTRAINT, "SQLITE_CONSTRAINT"},
    CodeName{SQLITE_MISMATCH, "SQLITE_MISMATCH"},
    CodeName{SQLITE_MISUSE, "SQLITE_MISUSE"},
    CodeName{SQLITE_NOLFS, "SQLITE_NOLFS"},
    CodeName{SQLITE_AUTH, "SQLITE_AUTH"},
    CodeName{SQLITE_FORMAT, "SQLITE_FORMAT"},
    CodeName{SQLITE_RANGE, "SQLITE_RANGE"},
    CodeName{SQLITE_NOTADB, "SQLITE_NOTADB"},
};

constexpr std::array kExtendedNames = {
    CodeName{SQLITE_ERROR_MISSING_COLLSEQ, "SQLITE_ERROR_MISSING_COLLSEQ"},
    CodeName{SQLITE_ERROR_RETRY, "SQLITE_ERROR_RETRY"},
    CodeName{SQLITE_ERROR_SNAPSHOT, "SQLITE_ERROR_SNAPSHOT"},
    CodeName{SQLITE_IOERR_READ, "SQLITE_IOERR_READ"},
    CodeName{SQLITE_IOERR_SHORT_READ, "SQLITE_IOERR_SHORT_READ"},
    CodeName{SQLITE_IOERR_WRITE, "SQLITE_IOERR_WRITE"},
    CodeName{SQLITE_IOERR_FSYNC, "SQLITE_IOERR_FSYNC"},
    CodeName{SQLITE_IOERR_DIR_FSYNC, "SQLITE_IOERR_DIR_FSYNC"},
    CodeName{SQLITE_IOERR_TRUNCATE, "SQLITE_IOERR_TRUNCATE"},
    CodeName{SQLITE_IOERR_FSTAT, "SQLITE_IOERR_FSTAT"},
    CodeName{SQLITE_IOERR_UNLOCK, "SQLITE_IOERR_UNLOCK"},
    CodeName{SQLITE_IOERR_RDLOCK, "SQLITE_IOERR_RDLOCK"},
    CodeName{SQLITE_IOERR_DELETE, "SQLITE_IOERR_DELETE"},
    CodeName{SQLITE_IOERR_NOMEM, "SQLITE_IOERR_NOMEM"},
    CodeName{SQLITE_IOERR_ACCESS, "SQLITE_IOERR_ACCESS"},
    CodeName{SQLITE_IOERR_CHECKRESERVEDLOCK, "SQLITE_IOERR_CHECKRESERVEDLOCK"},
    CodeName{SQLITE_IOERR_LOCK, "SQLITE_IOERR_LOCK"},
    CodeName{SQLITE_IOERR_CLOSE, "SQLITE_IOERR_CLOSE"},
    CodeName{SQLITE_IOERR_SHMOPEN, "SQLITE_IOERR_SHMOPEN"},
    CodeName{SQLITE_IOERR_SHMSIZE, "SQLITE_IOERR_SHMSIZE"},
    CodeName{SQLITE_IOERR_SHMLOCK, "SQLITE_IOERR_SHMLOCK"},
    CodeName{SQLITE_IOERR_SHMMAP, "SQLITE_IOERR_SHMMAP"},
    CodeName{SQLITE_IOERR_DELETE_NOENT, "SQLITE_IOERR_DELETE_NOENT"},
    CodeName{SQLITE_IOERR_CORRUPTFS, "SQLITE_IOERR_CORRUPTFS"},
    CodeName{SQLITE_LOCKED_SHAREDCACHE, "SQLITE_LOCKED_SHAREDCACHE"},
    CodeName{SQLITE_BUSY_RECOVERY, "SQLITE_BUSY_RECOVERY"},
    CodeName{SQLITE_BUSY_SNAPSHOT, "SQLITE_BUSY_SNAPSHOT"},
    CodeName{SQLITE_CANTOPEN_NOTEMPDIR, "SQLITE_CANTOPEN_NOTEMPDIR"},
    CodeName{SQLITE_CANTOPEN_ISDIR, "SQLITE_CANTOPEN_ISDIR"},
    CodeName{SQLITE_CANTOPEN_FULLPATH, "SQLITE_CANTOPEN_FULLPATH"},
    CodeName{SQLITE_CORRUPT_VTAB, "SQLITE_CORRUPT_VTAB"},
    CodeName{SQLITE_CORRUPT_SEQUENCE, "SQLITE_CORRUPT_SEQUENCE"},
    CodeName{SQLITE_CORRUPT_INDEX, "SQLITE_CORRUPT_INDEX"},
    CodeName{SQLITE_READONLY_RECOVERY, "SQLITE_READONLY_RECOVERY"},
    CodeName{SQLITE_READONLY_CANTLOCK, "SQLITE_READONLY_CANTLOCK"},
    CodeName{SQLITE_READONLY_ROLLBACK, "SQLITE_READONLY_ROLLBACK"},
    CodeName{SQLITE_READONLY_DBMOVED, "SQLITE_READONLY_DBMOVED"},
    CodeName{SQLITE_READONLY_CANTINIT, "SQLITE_READONLY_CANTINIT"},
    CodeName{SQLITE_READONLY_DIRECTORY, "SQLITE_READONLY_DIRECTORY"},
    CodeName{SQLITE_ABORT_ROLLBACK, "SQLITE_ABORT_ROLLBACK"},
    CodeName{SQLITE_CONSTRAINT_NOTNULL, "SQLITE_CONSTRAINT_NOTNULL"},
    CodeName{SQLITE_CONSTRAINT_PRIMARYKEY, "SQLITE_CONSTRAINT_PRIMARYKEY"},
};

ErrorCode CodeFor(int primary_code) {
  switch (primary_code) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::kCorrupt;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::kBusy;
    case SQLITE_FULL:
      return ErrorCode::kNoSpace;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      return ErrorCode::kIo;
    default:
      return ErrorCode::kTargetFailed;
  }
}

}  // namespace

std::string SqliteCodeName(int code) {
  const auto is_code = [code](const CodeName& entry) { return entry.first == code; };
  if (const auto* found = std::ranges::find_if(kExtendedNames, is_code);
      found != kExtendedNames.end()) {
    return std::string(found->second);
  }
  if (const auto* found = std::ranges::find_if(kPrimaryNames, is_code);
      found != kPrimaryNames.end()) {
    return std::string(found->second);
  }
  return fmt::format("SQLite code {}", code);
}

std::unexpected<Error> SqliteFailure(sqlite3* connection) {
  const int code = sqlite3_extended_errcode(connection);
  return Fail(CodeFor(code & 0xff),
              fmt::format("{} ({})", sqlite3_errmsg(connection), SqliteCodeName(code)));
}

}  // namespace plugpull
