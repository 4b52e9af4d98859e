#include "harness/cli/mended_copy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

#include "faults/base/descriptor.h"
#include "faults/vfs/real_file.h"

namespace plugpull {
namespace {

constexpr size_t kChunkBytes = size_t{1} << 20;
constexpr mode_t kPermissionBits = 0777;

std::unexpected<Error> Refuse(std::string text) {
  return Fail(ErrorCode::kInvalidArgument, std::move(text));
}

std::unexpected<Error> FailWrite(const std::string& path, int os_errno) {
  const char* advice =
      os_errno == ENOSPC || os_errno == EDQUOT    ? "free some space or choose another place"
      : os_errno == ENOENT || os_errno == ENOTDIR ? "create its directory first"
                                                  : "choose a place that you may write to";
  return FailErrno(fmt::format("cannot write '{}' ({})", path, advice), os_errno);
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Expected<void> CheckOutput(const struct stat& source, const std::string& output, bool force) {
  if (output.empty() || output.ends_with('/')) {
    return Refuse(fmt::format("--output '{}' is no name of a file", output));
  }
  struct stat status = {};
  if (::stat(output.c_str(), &status) == 0) {
    if (status.st_dev == source.st_dev && status.st_ino == source.st_ino) {
      return Refuse(
          fmt::format("--output '{}' is the damaged file itself; name another one, the "
                      "evidence must stay as it is",
                      output));
    }
    if (S_ISDIR(status.st_mode)) {
      return Refuse(fmt::format("--output '{}' is a directory; name a file in it instead", output));
    }
  }
  if (::lstat(output.c_str(), &status) != 0) return {};  // free, or told when it is made
  if (!S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode)) {
    return Refuse(fmt::format("--output '{}' is not a regular file", output));
  }
  if (force) return {};
  return Refuse(fmt::format("--output '{}' exists already; --force replaces it", output));
}

// Returns: 0, or the errno of the failure.
int Rename(const std::string& from, const std::string& to, bool replace) {
  if (!replace) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
    // Some file systems know no such rename; that the name was free was seen before.
    if (errno != EINVAL && errno != ENOSYS) return errno;
  }
  return ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

}  // namespace

Expected<MendedCopy> MendedCopy::Create(const std::string& source, const std::string& output,
                                        bool force) {
  struct stat status = {};
  if (::stat(source.c_str(), &status) != 0) {
    return FailErrno(fmt::format("cannot read '{}' (check the path)", source));
  }
  if (Expected<void> fits = CheckOutput(status, output, force); !fits) {
    return std::unexpected(fits.error());
  }
  MendedCopy copy;
  copy.output_ = output;
  copy.force_ = force;
  const std::string temporary =
      fmt::format("{}/.plugpull-mended-{}.tmp", DirectoryOf(output), ::getpid());
  const int descriptor = ::open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
                                (status.st_mode & kPermissionBits) | S_IRUSR | S_IWUSR);
  if (descriptor < 0) return FailWrite(output, errno);
  copy.temporary_ = temporary;
  copy.file_ = AdoptRealFile(descriptor, output);
  return copy;
}

MendedCopy::MendedCopy(MendedCopy&& other) noexcept
    : output_(std::move(other.output_)),
      temporary_(std::exchange(other.temporary_, {})),
      force_(other.force_),
      file_(std::move(other.file_)) {}

MendedCopy::~MendedCopy() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Expected<void> MendedCopy::CopyFrom(VfsFile& from) {
  const Expected<uint64_t> size = from.Size();
  if (!size) return std::unexpected(size.error());
  if (Expected<void> grown = file_->Truncate(*size); !grown) return grown;
  std::vector<std::byte> chunk(kChunkBytes);
  for (uint64_t offset = 0; offset < *size;) {
    const Expected<size_t> read = from.Read(offset, chunk);
    if (!read) return std::unexpected(read.error());
    if (*read == 0) {
      return Fail(ErrorCode::kBusy, "the file became shorter while it was read: stop its writer");
    }
    const std::span<const std::byte> bytes = std::span(chunk).first(*read);
    const bool is_zero = std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{}; });
    if (!is_zero) {
      if (Expected<void> written = file_->Write(offset, bytes); !written) return written;
    }
    offset += *read;
  }
  return {};
}

Expected<void> MendedCopy::Publish() {
  if (Expected<void> synced = file_->Sync(SyncKind::kFull); !synced) return synced;
  if (const int failed = Rename(temporary_, output_, force_)) return FailWrite(output_, failed);
  temporary_.clear();
  // A directory that may not be read cannot be synced; the file is complete either way.
  const Descriptor directory(
      ::open(DirectoryOf(output_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.is_open() && ::fsync(directory.number()) != 0 && errno != EINVAL) {
    return FailWrite(output_, errno);
  }
  return {};
}

}  // namespace plugpull
