#include "engine/bbolt_file/page_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

namespace plugpull::bbolt_file {
namespace {

Expected<void> CheckKind(const std::string& path, const struct stat& status) {
  if (S_ISDIR(status.st_mode)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is a directory; name the database file in it", path));
  }
  if (!S_ISREG(status.st_mode)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is no regular file; copy the database into one first", path));
  }
  if (status.st_size == 0) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is empty; bbolt makes a new database of such a file", path));
  }
  return {};
}

}  // namespace

Expected<PageFile> PageFile::Open(const std::string& path) {
  PageFile file;
  file.path_ = path;
  // Before the open: to open a pipe would wait for its writer, and a device may act on it.
  if (::stat(path.c_str(), &file.at_open_) != 0) {
    return FailErrno(fmt::format("cannot examine '{}'", path));
  }
  if (Expected<void> fit = CheckKind(path, file.at_open_); !fit) {
    return std::unexpected(fit.error());
  }
  file.descriptor_ = Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.descriptor_.is_open()) return FailErrno(fmt::format("cannot read '{}'", path));
  if (::fstat(file.descriptor_.number(), &file.at_open_) != 0) {
    return FailErrno(fmt::format("cannot examine '{}'", path));
  }
  if (Expected<void> fit = CheckKind(path, file.at_open_); !fit) {
    return std::unexpected(fit.error());
  }
  return file;
}

Expected<void> PageFile::Read(uint64_t offset_bytes, std::span<std::byte> out) const {
  size_t done = 0;
  while (done < out.size() && offset_bytes + done < size_bytes()) {
    const ssize_t got = ::pread(descriptor_.number(), out.data() + done, out.size() - done,
                                static_cast<off_t>(offset_bytes + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return FailErrno(
          fmt::format("cannot read '{}' at byte {}; copy what can be read with "
                      "ddrescue and examine the copy",
                      path_, offset_bytes + done));
    }
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(done), out.end(), std::byte{0});
  return {};
}

void PageFile::ExpectSequentialReads() const {
  (void)::posix_fadvise(descriptor_.number(), 0, 0, POSIX_FADV_SEQUENTIAL);
}

bool PageFile::HasChanged() const {
  struct stat now = {};
  if (::fstat(descriptor_.number(), &now) != 0) return true;
  return now.st_size != at_open_.st_size || now.st_mtim.tv_sec != at_open_.st_mtim.tv_sec ||
         now.st_mtim.tv_nsec != at_open_.st_mtim.tv_nsec;
}

}  // namespace plugpull::bbolt_file
