#include "faults/base/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <utility>

namespace plugpull {
namespace {

// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { (void)Close(); }

  int number() const { return number_; }
  bool is_open() const { return number_ >= 0; }

  // Returns: false, with errno set, when the system reports a late write error.
  bool Close() { return !is_open() || close(std::exchange(number_, -1)) == 0; }

 private:
  int number_;
};

// Removes a temporary unless it was renamed into place.
class Temporary {
 public:
  explicit Temporary(std::string path) : path_(std::move(path)) {}
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    if (!path_.empty()) unlink(path_.c_str());
  }
  void Keep() { path_.clear(); }

 private:
  std::string path_;
};

const char* WriteAdvice(int os_errno) {
  switch (os_errno) {
    case ENOSPC:
    case EDQUOT:
      return "free some space or choose another place";
    case EACCES:
    case EPERM:
    case EROFS:
      return "choose a place that you may write to";
    case ENOENT:
    case ENOTDIR:
      return "create its directory first";
    case EFBIG:
      return "the limit on file sizes is too low, see ulimit -f";
    default:
      return "choose another place";
  }
}

std::unexpected<Error> FailWrite(const std::string& path, int os_errno) {
  return FailErrno(fmt::format("cannot write '{}' ({})", path, WriteAdvice(os_errno)), os_errno);
}

std::unexpected<Error> FailDirectory(const std::string& path) {
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("'{}' is a directory; name a file in it instead", path));
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Returns: 0, or the errno of the first failure.
int WriteAll(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return 0;
}

Expected<void> WriteDirectly(const std::string& path, std::span<const std::byte> bytes) {
  Descriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.is_open()) return FailWrite(path, errno);
  if (const int os_errno = WriteAll(file.number(), bytes)) return FailWrite(path, os_errno);
  if (!file.Close()) return FailWrite(path, errno);
  return {};
}

// A directory without read permission can be written to but not opened, and some file systems
// cannot sync one; the file itself is complete either way, so those are no reason to fail.
Expected<void> SyncDirectoryOf(const std::string& path) {
  Descriptor directory(open(DirectoryOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.is_open()) return {};
  if (fsync(directory.number()) != 0 && errno != EINVAL && errno != ENOTSUP) {
    return FailWrite(path, errno);
  }
  return {};
}

// Requires: `path` is free or a regular file, and no link.
Expected<void> ReplaceFile(const std::string& path, std::span<const std::byte> bytes) {
  static std::atomic<unsigned> counter = 0;
  const std::string temporary_path =
      fmt::format("{}/.plugpull-{}-{}.tmp", DirectoryOf(path), getpid(), counter.fetch_add(1));
  Descriptor file(open(temporary_path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!file.is_open()) return FailWrite(path, errno);
  Temporary temporary(temporary_path);
  if (const int os_errno = WriteAll(file.number(), bytes)) return FailWrite(path, os_errno);
  if (fsync(file.number()) != 0) return FailWrite(path, errno);
  if (!file.Close()) return FailWrite(path, errno);
  if (rename(temporary_path.c_str(), path.c_str()) != 0) return FailWrite(path, errno);
  temporary.Keep();
  return SyncDirectoryOf(path);
}

std::unexpected<Error> FailRead(const std::string& path, int os_errno) {
  const char* advice = os_errno == ENOENT || os_errno == ENOTDIR ? "check the path"
                       : os_errno == EACCES                      ? "check its permissions"
                                                                 : "is the disk all right?";
  return FailErrno(fmt::format("cannot read '{}' ({})", path, advice), os_errno);
}

std::unexpected<Error> FailTooLarge(const std::string& path) {
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("'{}' is larger than {} GiB; it cannot be a file of plugpull's", path,
                          kMaxReadFileBytes >> 30));
}

}  // namespace

Expected<void> WriteFileAtomically(const std::string& path, std::span<const std::byte> bytes) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return ReplaceFile(path, bytes);
    return FailWrite(path, errno);
  }
  if (S_ISDIR(status.st_mode)) return FailDirectory(path);
  if (!S_ISREG(status.st_mode)) return WriteDirectly(path, bytes);
  const std::unique_ptr<char, decltype(&std::free)> resolved(realpath(path.c_str(), nullptr),
                                                             &std::free);
  if (resolved == nullptr) return FailWrite(path, errno);
  return ReplaceFile(resolved.get(), bytes);
}

Expected<std::vector<std::byte>> ReadWholeFile(const std::string& path) {
  Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status = {};
  if (!file.is_open() || fstat(file.number(), &status) != 0) return FailRead(path, errno);
  if (S_ISDIR(status.st_mode)) return FailDirectory(path);
  const auto announced_bytes = static_cast<size_t>(status.st_size);
  if (announced_bytes > kMaxReadFileBytes) return FailTooLarge(path);

  // The size is a hint only: pipes announce nothing, and a file may grow while it is read.
  std::vector<std::byte> bytes(std::max<size_t>(announced_bytes + 1, 64 << 10));
  size_t used_bytes = 0;
  while (true) {
    const ssize_t got = read(file.number(), bytes.data() + used_bytes, bytes.size() - used_bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FailRead(path, errno);
    if (got == 0) break;
    used_bytes += static_cast<size_t>(got);
    if (used_bytes > kMaxReadFileBytes) return FailTooLarge(path);
    if (used_bytes == bytes.size()) bytes.resize(bytes.size() * 2);
  }
  bytes.resize(used_bytes);
  return bytes;
}

}  // namespace plugpull
