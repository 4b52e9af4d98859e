// The contract between a storage engine and the disk: everything an in-tree engine, or the hook of
// a real one, may do to files. Implementations: MemoryVfs (a plain image), RecordingVfs (writes a
// trace), CrashView (what a power cut may have left, decided as it is read).
//
// Paths are relative to the recorded directory, with '/' between components and no leading '/'.
// The recorded directory itself is "".
//
// Durability, in words: nothing is durable until a sync call that covers it has returned success.
// Sync covers a file's bytes and size, not its name; SyncDirectory covers the names in a directory,
// not the bytes of its files (fsync(2) and POSIX).
//
// Thread-safety: one thread at a time, for a Vfs together with all its files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "faults/base/error.h"

namespace plugpull {

enum class SyncKind : uint8_t {
  kFull,  // fsync(2)
  kData,  // fdatasync(2): data and whatever is needed to read it back
};

// An advisory lock on a whole file, as fcntl(2) or flock(2) give it.
enum class LockLevel : uint8_t { kNone, kShared, kExclusive };

struct OpenOptions {
  bool create = false;     // make the file when the name is free
  bool exclusive = false;  // with create: fail with kAlreadyExists when it is not
  bool truncate = false;   // cut an existing file to zero bytes
  // O_DSYNC (kData) or O_SYNC (kFull): each write of this handle is durable when it returns, with
  // what is needed to read it back. Says nothing about earlier writes, or the file's name.
  std::optional<SyncKind> synchronous_writes{};
};

// An open file. Destroying it closes it and releases its lock; closing makes nothing durable.
class VfsFile {
 public:
  VfsFile() = default;
  VfsFile(const VfsFile&) = delete;
  VfsFile& operator=(const VfsFile&) = delete;
  virtual ~VfsFile() = default;

  // Fills `out` from `offset_bytes` on. Returns: the bytes read, fewer than asked only at the end
  // of the file (0 at or past it), or where a plan of failures cuts a read short: ReadFully goes on
  // (whole_calls.h). The rest of `out` is untouched.
  virtual Expected<size_t> Read(uint64_t offset_bytes, std::span<std::byte> out) = 0;

  // Writes all of `data`, growing the file as needed; a gap reads as zeros. Errors: a write that a
  // plan of failures cuts short has Error::done_bytes; WriteFully goes on with the rest.
  virtual Expected<void> Write(uint64_t offset_bytes, std::span<const std::byte> data) = 0;

  // Cuts or grows (with zeros) the file to `size_bytes`.
  virtual Expected<void> Truncate(uint64_t size_bytes) = 0;

  virtual Expected<void> Sync(SyncKind kind) = 0;

  // sync_file_range(2) with all its flags: writes the pages of a range and waits. Makes nothing
  // durable: no metadata, no flush of the device.
  virtual Expected<void> SyncRange(uint64_t offset_bytes, uint64_t size_bytes) = 0;

  // fallocate(2) without flags: grows the file to offset_bytes + size_bytes where it is shorter, as
  // zeros. Errors: kInvalidArgument for no bytes.
  virtual Expected<void> Allocate(uint64_t offset_bytes, uint64_t size_bytes) = 0;

  virtual Expected<uint64_t> Size() = 0;

  // Moves this handle's lock to `level`. Returns: false, with the lock unchanged, when another
  // handle's lock is in the way. Never blocks.
  virtual Expected<bool> Lock(LockLevel level) = 0;
};

class Vfs {
 public:
  Vfs() = default;
  Vfs(const Vfs&) = delete;
  Vfs& operator=(const Vfs&) = delete;
  virtual ~Vfs() = default;

  // The file must not outlive the Vfs. Errors: kNotFound, kAlreadyExists.
  virtual Expected<std::unique_ptr<VfsFile>> Open(std::string_view path, OpenOptions options) = 0;

  // Removes a name. An open file lives on without it.
  virtual Expected<void> Unlink(std::string_view path) = 0;

  // Replaces `to` when it exists.
  virtual Expected<void> Rename(std::string_view from, std::string_view to) = 0;

  // Gives the file `existing` a second name.
  virtual Expected<void> Link(std::string_view existing, std::string_view added) = 0;

  virtual Expected<void> MakeDirectory(std::string_view path) = 0;
  virtual Expected<void> RemoveDirectory(std::string_view path) = 0;

  // fsync(2) on a directory: makes its names durable.
  virtual Expected<void> SyncDirectory(std::string_view path) = 0;

  virtual Expected<bool> Exists(std::string_view path) = 0;

  // Returns: the names in a directory, sorted, without "." and "..".
  virtual Expected<std::vector<std::string>> List(std::string_view path) = 0;
};

}  // namespace plugpull
