#include "engine/sqlite/sqlite_file.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <utility>

#include "engine/sqlite/sqlite_database_state.h"
#include "engine/sqlite/sqlite_environment.h"
#include "engine/sqlite/sqlite_temporary_file.h"
#include "engine/sqlite/sqlite_vfs.h"
#include "faults/vfs/whole_calls.h"

namespace plugpull {
namespace {

constexpr int kSectorBytes = 4096;  // SQLITE_DEFAULT_SECTOR_SIZE: os_unix.c asks no device
constexpr int kFileTypeMask = 0x0fff00;

// The object behind an sqlite3_file. SQLite provides its storage.
class SqliteFile : public sqlite3_file {
 public:
  SqliteFile(SqliteVfs& vfs, const char* path, int flags, std::unique_ptr<VfsFile> inner);

  int Close();
  int Read(std::span<std::byte> out, uint64_t offset_bytes);
  int Write(std::span<const std::byte> data, uint64_t offset_bytes);
  int Truncate(uint64_t size_bytes);
  int Sync();
  int FileSize(sqlite3_int64* out);
  int Lock(SqliteLock wanted);
  int Unlock(SqliteLock wanted);
  int CheckReservedLock(int* out);
  int FileControl(int operation, void* argument);
  int DeviceCharacteristics() const;
  int ShmMap(int region, int region_bytes, int extend, void volatile** out);
  int ShmLock(int first, int count, int flags);
  int ShmUnmap();

 private:
  // Remembers what the system said. Returns: `code`.
  int Failed(const Error& error, int code);

  int HintSize(uint64_t size_bytes);
  bool HasMoved();

  SqliteVfs& vfs_;
  const char* path_;  // nullptr for a temporary file; SQLite keeps it valid until xClose
  std::unique_ptr<VfsFile> inner_;
  std::shared_ptr<SqliteDatabaseState> state_;  // of a main database only
  SqliteLock lock_ = SqliteLock::kNone;
  SqliteSharedMemory::Connection memory_;
  bool directory_sync_due_;
  bool powersafe_overwrite_ = true;  // SQLITE_POWERSAFE_OVERWRITE: the default of os_unix.c
  bool persist_wal_ = false;
  int last_errno_ = 0;
  uint64_t chunk_bytes_ = 0;
};

SqliteFile& Self(sqlite3_file* raw) { return *static_cast<SqliteFile*>(raw); }

// The table that SQLite calls through. Version 2: no memory mapping of the database file, which is
// off in SQLite unless somebody asks for it.
const sqlite3_io_methods kMethods = {
    .iVersion = 2,
    .xClose = [](sqlite3_file* raw) { return Self(raw).Close(); },
    .xRead =
        [](sqlite3_file* raw, void* out, int size, sqlite3_int64 offset) {
          return Self(raw).Read({static_cast<std::byte*>(out), static_cast<size_t>(size)},
                                static_cast<uint64_t>(offset));
        },
    .xWrite =
        [](sqlite3_file* raw, const void* data, int size, sqlite3_int64 offset) {
          return Self(raw).Write({static_cast<const std::byte*>(data), static_cast<size_t>(size)},
                                 static_cast<uint64_t>(offset));
        },
    .xTruncate = [](sqlite3_file* raw,
                    sqlite3_int64 size) { return Self(raw).Truncate(static_cast<uint64_t>(size)); },
    .xSync = [](sqlite3_file* raw, int /*flags*/) { return Self(raw).Sync(); },
    .xFileSize = [](sqlite3_file* raw, sqlite3_int64* out) { return Self(raw).FileSize(out); },
    .xLock = [](sqlite3_file* raw,
                int level) { return Self(raw).Lock(static_cast<SqliteLock>(level)); },
    .xUnlock = [](sqlite3_file* raw,
                  int level) { return Self(raw).Unlock(static_cast<SqliteLock>(level)); },
    .xCheckReservedLock = [](sqlite3_file* raw,
                             int* out) { return Self(raw).CheckReservedLock(out); },
    .xFileControl = [](sqlite3_file* raw, int operation,
                       void* argument) { return Self(raw).FileControl(operation, argument); },
    .xSectorSize = [](sqlite3_file* /*raw*/) { return kSectorBytes; },
    .xDeviceCharacteristics = [](sqlite3_file* raw) { return Self(raw).DeviceCharacteristics(); },
    .xShmMap = [](sqlite3_file* raw, int region, int size, int extend,
                  void volatile** out) { return Self(raw).ShmMap(region, size, extend, out); },
    .xShmLock = [](sqlite3_file* raw, int first, int count,
                   int flags) { return Self(raw).ShmLock(first, count, flags); },
    .xShmBarrier = [](sqlite3_file* /*raw*/) {},  // one thread: program order is all there is
    .xShmUnmap = [](sqlite3_file* raw, int /*delete_it*/) { return Self(raw).ShmUnmap(); },
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

// Returns: whether the first sync of a file opened with `flags` also syncs its directory (unixOpen,
// isNewJrnl). The flag says "may create", not "did create": a WAL that was there gets it as well.
// A new main database does not.
bool OwesDirectorySync(int flags) {
  const int type = flags & kFileTypeMask;
  return (flags & SQLITE_OPEN_CREATE) != 0 &&
         (type == SQLITE_OPEN_SUPER_JOURNAL || type == SQLITE_OPEN_MAIN_JOURNAL ||
          type == SQLITE_OPEN_WAL);
}

SqliteFile::SqliteFile(SqliteVfs& vfs, const char* path, int flags, std::unique_ptr<VfsFile> inner)
    : sqlite3_file{.pMethods = &kMethods},
      vfs_(vfs),
      path_(path),
      inner_(std::move(inner)),
      directory_sync_due_(OwesDirectorySync(flags)) {
  if ((flags & kFileTypeMask) == SQLITE_OPEN_MAIN_DB) {
    state_ = ShareDatabaseState(vfs.vfs(), path);
  }
}

int SqliteFile::Failed(const Error& error, int code) {
  last_errno_ = error.os_errno;
  return code;
}

int SqliteFile::Close() {
  ShmUnmap();
  Unlock(SqliteLock::kNone);
  std::destroy_at(this);
  return SQLITE_OK;
}

int SqliteFile::Read(std::span<std::byte> out, uint64_t offset_bytes) {
  if (vfs_.dead()) return SQLITE_IOERR_READ;
  const auto read = ReadFully(*inner_, offset_bytes, out);  // as seekAndRead
  if (!read) {
    // unixRead: a medium error is told apart from a refusal, and surfaces as SQLITE_CORRUPT.
    return Failed(read.error(),
                  read.error().os_errno == EIO ? SQLITE_IOERR_CORRUPTFS : SQLITE_IOERR_READ);
  }
  ObserveRead(offset_bytes, out.first(*read));
  if (*read == out.size()) return SQLITE_OK;
  last_errno_ = 0;
  std::memset(out.data() + *read, 0, out.size() - *read);
  return SQLITE_IOERR_SHORT_READ;
}

int SqliteFile::Write(std::span<const std::byte> data, uint64_t offset_bytes) {
  if (vfs_.dead()) return SQLITE_IOERR_WRITE;
  const auto done = WriteFully(*inner_, offset_bytes, data);  // as unixWrite, seekAndWriteFd
  if (done) return SQLITE_OK;
  const bool is_full = done.error().os_errno == ENOSPC;  // a quota is an I/O error there
  return Failed(done.error(), is_full ? SQLITE_FULL : SQLITE_IOERR_WRITE);
}

int SqliteFile::Truncate(uint64_t size_bytes) {
  if (vfs_.dead()) return SQLITE_IOERR_TRUNCATE;
  if (chunk_bytes_ > 0) {
    size_bytes = (size_bytes + chunk_bytes_ - 1) / chunk_bytes_ * chunk_bytes_;
  }
  const auto done = RetryInterrupted([&] { return inner_->Truncate(size_bytes); });
  return done ? SQLITE_OK : Failed(done.error(), SQLITE_IOERR_TRUNCATE);
}

// SQLite's flags (SQLITE_SYNC_FULL, _DATAONLY) make no difference: where fdatasync(2) exists,
// full_fsync of os_unix.c always uses it, for directories as well; Debian's library does not even
// import fsync(2).
int SqliteFile::Sync() {
  if (vfs_.dead()) return SQLITE_IOERR_FSYNC;
  if (const auto done = inner_->Sync(SyncKind::kData); !done) {
    return Failed(done.error(), SQLITE_IOERR_FSYNC);
  }
  if (directory_sync_due_) {
    // unixSync ignores a failure here: some systems cannot sync a directory.
    static_cast<void>(vfs_.vfs().SyncDirectory(DirectoryOf(path_)));
    directory_sync_due_ = false;
  }
  return SQLITE_OK;
}

int SqliteFile::FileSize(sqlite3_int64* out) {
  if (vfs_.dead()) return SQLITE_IOERR_FSTAT;
  const auto size_bytes = inner_->Size();
  if (!size_bytes) return Failed(size_bytes.error(), SQLITE_IOERR_FSTAT);
  // unixFileSize: a file of one byte counts as empty, the trace of a workaround for another system.
  *out = *size_bytes == 1 ? 0 : static_cast<sqlite3_int64>(*size_bytes);
  return SQLITE_OK;
}

// Journals have no locks (UNIXFILE_NOLOCK): whoever may write them holds the database's.
int SqliteFile::Lock(SqliteLock wanted) {
  if (vfs_.dead()) return SQLITE_BUSY;  // keeps sqlite3_close from checkpointing
  if (!state_) return SQLITE_OK;
  return state_->locks.Raise(lock_, wanted) ? SQLITE_OK : SQLITE_BUSY;
}

int SqliteFile::Unlock(SqliteLock wanted) {
  if (state_) state_->locks.Lower(lock_, wanted);
  return SQLITE_OK;
}

int SqliteFile::CheckReservedLock(int* out) {
  *out = state_ && state_->locks.IsReserved();
  return SQLITE_OK;
}

// The operations that unixFileControl answers on Linux without batch-atomic writes. Everything else
// is SQLITE_NOTFOUND there, too.
int SqliteFile::FileControl(int operation, void* argument) {
  if (vfs_.dead()) return SQLITE_NOTFOUND;
  int* number = static_cast<int*>(argument);
  const auto answer_flag = [number](bool& flag) {  // unixModeBit: negative asks, else sets
    if (*number < 0) {
      *number = flag;
    } else {
      flag = *number != 0;
    }
    return SQLITE_OK;
  };
  switch (operation) {
    case SQLITE_FCNTL_LOCKSTATE:
      *number = static_cast<int>(lock_);
      return SQLITE_OK;
    case SQLITE_FCNTL_LAST_ERRNO:
      *number = last_errno_;
      return SQLITE_OK;
    case SQLITE_FCNTL_CHUNK_SIZE:
      chunk_bytes_ = static_cast<uint64_t>(*number);
      return SQLITE_OK;
    case SQLITE_FCNTL_SIZE_HINT:
      return HintSize(static_cast<uint64_t>(*static_cast<sqlite3_int64*>(argument)));
    case SQLITE_FCNTL_PERSIST_WAL:
      return answer_flag(persist_wal_);
    case SQLITE_FCNTL_POWERSAFE_OVERWRITE:
      return answer_flag(powersafe_overwrite_);
    case SQLITE_FCNTL_VFSNAME:
      *static_cast<char**>(argument) = sqlite3_mprintf("%s", vfs_.name());
      return SQLITE_OK;
    case SQLITE_FCNTL_TEMPFILENAME:
      *static_cast<char**>(argument) = sqlite3_mprintf("temporary");
      return SQLITE_OK;
    case SQLITE_FCNTL_HAS_MOVED:
      *number = HasMoved();
      return SQLITE_OK;
    default:
      return SQLITE_NOTFOUND;
  }
}

// fcntlSizeHint: does nothing unless an application has set a chunk size. Then it grows the file
// by writing the last byte of each block, because this build has no posix_fallocate(3).
int SqliteFile::HintSize(uint64_t size_bytes) {
  if (chunk_bytes_ == 0) return SQLITE_OK;
  constexpr uint64_t kBlockBytes = 4096;  // stat::st_blksize of every common filesystem
  const auto old_bytes = inner_->Size();
  if (!old_bytes) return Failed(old_bytes.error(), SQLITE_IOERR_FSTAT);
  const uint64_t new_bytes = (size_bytes + chunk_bytes_ - 1) / chunk_bytes_ * chunk_bytes_;
  if (new_bytes <= *old_bytes) return SQLITE_OK;
  uint64_t at = *old_bytes / kBlockBytes * kBlockBytes + kBlockBytes - 1;
  for (; at < new_bytes + kBlockBytes - 1; at += kBlockBytes) {
    if (at >= new_bytes) at = new_bytes - 1;
    const std::byte zero{};
    const auto done = WriteFully(*inner_, at, {&zero, 1});
    if (!done) return Failed(done.error(), SQLITE_IOERR_WRITE);
  }
  return SQLITE_OK;
}

// fileHasMoved compares inodes; a Vfs shows none, so a file that was replaced goes unnoticed.
bool SqliteFile::HasMoved() {
  if (!state_) return false;
  const auto exists = vfs_.vfs().Exists(path_);
  return !exists || !*exists;
}

int SqliteFile::DeviceCharacteristics() const {
  return powersafe_overwrite_ ? SQLITE_IOCAP_POWERSAFE_OVERWRITE : 0;
}

int SqliteFile::ShmMap(int region, int region_bytes, int extend, void volatile** out) {
  *out = nullptr;
  if (vfs_.dead() || !state_) return SQLITE_IOERR_SHMMAP;
  *out = state_->memory.Region(memory_, region, region_bytes, extend != 0);
  return SQLITE_OK;
}

int SqliteFile::ShmLock(int first, int count, int flags) {
  if (!state_ || !memory_.attached) return SQLITE_IOERR_SHMLOCK;
  if ((flags & SQLITE_SHM_UNLOCK) != 0) {
    state_->memory.Unlock(memory_, first, count);
    return SQLITE_OK;
  }
  if (vfs_.dead()) return SQLITE_BUSY;
  const bool taken = (flags & SQLITE_SHM_SHARED) != 0
                         ? state_->memory.LockShared(memory_, first)
                         : state_->memory.LockExclusive(memory_, first, count);
  return taken ? SQLITE_OK : SQLITE_BUSY;
}

int SqliteFile::ShmUnmap() {
  if (state_) state_->memory.Detach(memory_);
  return SQLITE_OK;
}

}  // namespace

int SqliteFileBytes() { return static_cast<int>(sizeof(SqliteFile)); }

int OpenSqliteFile(sqlite3_vfs* vfs, const char* path, sqlite3_file* raw, int flags,
                   int* out_flags) {
  raw->pMethods = nullptr;  // tells SQLite not to call xClose after a failure
  SqliteVfs& self = SqliteVfs::From(vfs);
  if (self.dead()) return SQLITE_CANTOPEN;
  const int asked_flags = flags;
  std::unique_ptr<VfsFile> inner;
  if (path == nullptr || (flags & SQLITE_OPEN_DELETEONCLOSE) != 0) {
    inner = std::make_unique<SqliteTemporaryFile>();
  } else {
    const OpenOptions options = {.create = (flags & SQLITE_OPEN_CREATE) != 0,
                                 .exclusive = (flags & SQLITE_OPEN_EXCLUSIVE) != 0};
    // robust_open: an interruption is no answer.
    const auto open = [&](OpenOptions how) {
      return RetryInterrupted([&] { return self.vfs().Open(path, how); });
    };
    auto opened = open(options);
    if (!opened && opened.error().code != ErrorCode::kNotFound &&
        (flags & SQLITE_OPEN_READWRITE) != 0) {
      // unixOpen falls back to reading when writing is refused.
      flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
      opened = open(OpenOptions{});
    }
    if (!opened) return SQLITE_CANTOPEN;
    inner = std::move(*opened);
  }
  std::construct_at(static_cast<SqliteFile*>(raw), self, path, asked_flags, std::move(inner));
  if (out_flags != nullptr) *out_flags = flags;
  return SQLITE_OK;
}

}  // namespace plugpull
