#include "faults/vfs/real_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "faults/base/descriptor.h"

namespace plugpull {
namespace {

// More in one call is cut short by Linux anyway.
constexpr size_t kCallBytesMax = size_t{1} << 30;

class RealFile final : public VfsFile {
 public:
  RealFile(Descriptor descriptor, std::string name)
      : descriptor_(std::move(descriptor)), name_(std::move(name)) {}

  Expected<size_t> Read(uint64_t offset_bytes, std::span<std::byte> out) override {
    size_t done = 0;
    while (done < out.size()) {
      const std::span<std::byte> rest =
          out.subspan(done, std::min(out.size() - done, kCallBytesMax));
      const ssize_t got = ::pread(descriptor_.number(), rest.data(), rest.size(),
                                  static_cast<off_t>(offset_bytes + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return FailHere("cannot read", "is the disk all right?");
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    return done;
  }

  Expected<void> Write(uint64_t offset_bytes, std::span<const std::byte> data) override {
    while (!data.empty()) {
      const ssize_t put =
          ::pwrite(descriptor_.number(), data.data(), std::min(data.size(), kCallBytesMax),
                   static_cast<off_t>(offset_bytes));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return FailWrite();
      data = data.subspan(static_cast<size_t>(put));
      offset_bytes += static_cast<uint64_t>(put);
    }
    return {};
  }

  Expected<void> Truncate(uint64_t size_bytes) override {
    if (::ftruncate(descriptor_.number(), static_cast<off_t>(size_bytes)) != 0) return FailWrite();
    return {};
  }

  Expected<void> Sync(SyncKind kind) override {
    const int number = descriptor_.number();
    const int result = kind == SyncKind::kFull ? ::fsync(number) : ::fdatasync(number);
    if (result != 0) return FailWrite();
    return {};
  }

  Expected<void> SyncRange(uint64_t offset_bytes, uint64_t size_bytes) override {
    const int result = ::sync_file_range(
        descriptor_.number(), static_cast<off_t>(offset_bytes), static_cast<off_t>(size_bytes),
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    if (result != 0) return FailWrite();
    return {};
  }

  Expected<void> Allocate(uint64_t offset_bytes, uint64_t size_bytes) override {
    const int failed = ::posix_fallocate(descriptor_.number(), static_cast<off_t>(offset_bytes),
                                         static_cast<off_t>(size_bytes));
    if (failed == 0) return {};
    errno = failed;
    return FailWrite();
  }

  Expected<uint64_t> Size() override {
    struct stat status = {};
    if (::fstat(descriptor_.number(), &status) != 0) {
      return FailHere("cannot read", "is the disk all right?");
    }
    return static_cast<uint64_t>(status.st_size);
  }

  Expected<bool> Lock(LockLevel level) override {
    const int operation = level == LockLevel::kNone     ? LOCK_UN
                          : level == LockLevel::kShared ? LOCK_SH | LOCK_NB
                                                        : LOCK_EX | LOCK_NB;
    if (::flock(descriptor_.number(), operation) == 0) return true;
    if (errno == EWOULDBLOCK) return false;
    return FailHere("cannot lock", "does its file system have locks?");
  }

 private:
  std::unexpected<Error> FailHere(const char* what, const char* advice) const {
    return FailErrno(fmt::format("{} '{}' ({})", what, name_, advice));
  }

  std::unexpected<Error> FailWrite() const {
    const int os_errno = errno;
    const char* advice = os_errno == ENOSPC || os_errno == EDQUOT
                             ? "free some space or choose another place"
                         : os_errno == EFBIG ? "the limit on file sizes is too low, see ulimit -f"
                                             : "choose another place";
    return FailErrno(fmt::format("cannot write '{}' ({})", name_, advice), os_errno);
  }

  Descriptor descriptor_;
  std::string name_;
};

}  // namespace

Expected<std::unique_ptr<VfsFile>> OpenRealFile(const std::string& path, RealFileMode mode) {
  // A pipe without a writer would block the open: it is refused below instead.
  const int access = mode == RealFileMode::kRead ? O_RDONLY : O_RDWR;
  Descriptor descriptor(::open(path.c_str(), access | O_CLOEXEC | O_NONBLOCK));
  struct stat status = {};
  if (!descriptor.is_open() || ::fstat(descriptor.number(), &status) != 0) {
    const int os_errno = errno;
    if (os_errno == EISDIR) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("'{}' is a directory; name a file in it instead", path));
    }
    const char* advice = os_errno == ENOENT || os_errno == ENOTDIR ? "check the path"
                         : os_errno == EACCES                      ? "check its permissions"
                                                                   : "is the disk all right?";
    return FailErrno(fmt::format("cannot open '{}' ({})", path, advice), os_errno);
  }
  if (S_ISDIR(status.st_mode)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is a directory; name a file in it instead", path));
  }
  if (!S_ISREG(status.st_mode)) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is not a regular file", path));
  }
  return std::make_unique<RealFile>(std::move(descriptor), path);
}

std::unique_ptr<VfsFile> AdoptRealFile(int descriptor, std::string name) {
  return std::make_unique<RealFile>(Descriptor(descriptor), std::move(name));
}

}  // namespace plugpull
