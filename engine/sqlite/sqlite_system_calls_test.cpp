// The interposed functions behind SystemCallLog, and tests of them.
#include "engine/sqlite/sqlite_system_calls.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdarg>
#include <filesystem>

#include "faults/base/assert.h"

namespace plugpull {
namespace {

constinit SystemCallLog* active_log = nullptr;

int Fails(const Failure& failure) {
  errno = failure.os_errno;
  return -1;
}

int OpenLogged(const char* path, int flags, mode_t mode) {
  const bool exists = active_log != nullptr && syscall(SYS_faccessat, AT_FDCWD, path, F_OK, 0) == 0;
  const auto descriptor = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
  if (active_log != nullptr && descriptor >= 0) {
    active_log->OnOpen(path, descriptor, (flags & O_CREAT) != 0 && !exists);
  }
  return descriptor;
}

ssize_t PwriteLogged(int descriptor, const void* data, size_t size, off_t offset) {
  if (active_log != nullptr) {
    const auto failure =
        active_log->AskWhetherToFail(FailurePoint::kWrite, descriptor, offset, size);
    if (failure && failure->os_errno != 0) return Fails(*failure);
    if (failure) size = failure->done_bytes;
  }
  const ssize_t written = syscall(SYS_pwrite64, descriptor, data, size, offset);
  if (active_log != nullptr && written >= 0) active_log->OnWrite(descriptor, offset, written);
  return written;
}

int TruncateLogged(int descriptor, off_t size) {
  if (active_log != nullptr) {
    const auto failure = active_log->AskWhetherToFail(FailurePoint::kTruncate, descriptor, size, 0);
    if (failure) return Fails(*failure);
  }
  const auto result = static_cast<int>(syscall(SYS_ftruncate, descriptor, size));
  if (active_log != nullptr && result == 0) active_log->OnTruncate(descriptor, size);
  return result;
}

std::optional<Failure> SyncFailure(int descriptor) {
  if (active_log == nullptr) return std::nullopt;
  return active_log->AskWhetherToFail(FailurePoint::kSync, descriptor, 0, 0);
}

}  // namespace

SystemCallLog::SystemCallLog(std::string directory) : directory_(std::move(directory)) {
  Assert(active_log == nullptr, "there is one SystemCallLog at a time");
  active_log = this;
}

SystemCallLog::~SystemCallLog() { active_log = nullptr; }

std::optional<Failure> SystemCallLog::AskWhetherToFail(FailurePoint point, int descriptor,
                                                       long long offset_bytes,
                                                       size_t size_bytes) const {
  const std::string* name = NameOf(descriptor);
  if (name == nullptr) return std::nullopt;
  if (name->empty()) point = FailurePoint::kSyncDirectory;
  return plugpull::AskWhetherToFail(
      {point, *name, static_cast<uint64_t>(offset_bytes), static_cast<uint64_t>(size_bytes)});
}

std::optional<Failure> SystemCallLog::AskWhetherToFail(std::string_view path) const {
  const std::string_view name = NameIn(path);
  if (name.empty()) return std::nullopt;
  return plugpull::AskWhetherToFail({FailurePoint::kUnlink, name, 0, 0});
}

void SystemCallLog::OnOpen(std::string_view path, int descriptor, bool created) {
  names_.erase(descriptor);
  if (path == directory_) {
    names_[descriptor] = {};
    return;
  }
  const std::string_view name = NameIn(path);
  if (name.empty()) return;
  names_[descriptor] = name;
  if (created) lines_.push_back(fmt::format("create {}", name));
}

void SystemCallLog::OnClose(int descriptor) { names_.erase(descriptor); }

void SystemCallLog::OnWrite(int descriptor, long long offset_bytes, long long size_bytes) {
  const std::string* name = NameOf(descriptor);
  if (name == nullptr) return;
  lines_.push_back(fmt::format("write {} {}+{}", *name, offset_bytes, size_bytes));
}

void SystemCallLog::OnTruncate(int descriptor, long long size_bytes) {
  const std::string* name = NameOf(descriptor);
  if (name != nullptr) lines_.push_back(fmt::format("truncate {} {}", *name, size_bytes));
}

void SystemCallLog::OnUnlink(std::string_view path) {
  const std::string_view name = NameIn(path);
  if (!name.empty()) lines_.push_back(fmt::format("unlink {}", name));
}

bool SystemCallLog::OnSync(int descriptor, std::string_view call) {
  const std::string* name = NameOf(descriptor);
  if (name == nullptr) return false;
  lines_.push_back(name->empty() ? fmt::format("{} the directory", call)
                                 : fmt::format("{} {}", call, *name));
  return true;
}

const std::string* SystemCallLog::NameOf(int descriptor) const {
  const auto found = names_.find(descriptor);
  return found == names_.end() ? nullptr : &found->second;
}

std::string_view SystemCallLog::NameIn(std::string_view path) const {
  if (!path.starts_with(directory_)) return {};
  path.remove_prefix(directory_.size());
  if (!path.starts_with('/') || path.ends_with("-shm")) return {};
  return path.substr(1);
}

}  // namespace plugpull

// The names and signatures are the C library's. Each of its large-file twins is one, too, because
// which of them a library calls depends on how it was compiled.
extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return plugpull::OpenLogged(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return plugpull::OpenLogged(path, flags, mode);
}

int close(int descriptor) {
  if (plugpull::active_log != nullptr) plugpull::active_log->OnClose(descriptor);
  return static_cast<int>(syscall(SYS_close, descriptor));
}

// SQLite seeks before a plain write only where pwrite(2) is missing, so the offset is not tracked.
ssize_t write(int descriptor, const void* data, size_t size) {
  const ssize_t written = syscall(SYS_write, descriptor, data, size);
  if (plugpull::active_log != nullptr && written >= 0) {
    plugpull::active_log->OnWrite(descriptor, -1, written);
  }
  return written;
}

ssize_t pwrite(int descriptor, const void* data, size_t size, off_t offset) {
  return plugpull::PwriteLogged(descriptor, data, size, offset);
}

ssize_t pwrite64(int descriptor, const void* data, size_t size, off_t offset) {
  return plugpull::PwriteLogged(descriptor, data, size, offset);
}

int ftruncate(int descriptor, off_t size) noexcept {
  return plugpull::TruncateLogged(descriptor, size);
}

int ftruncate64(int descriptor, off_t size) noexcept {
  return plugpull::TruncateLogged(descriptor, size);
}

int fsync(int descriptor) {
  if (const auto failure = plugpull::SyncFailure(descriptor)) return plugpull::Fails(*failure);
  if (plugpull::active_log != nullptr && plugpull::active_log->OnSync(descriptor, "fsync"))
    return 0;
  return static_cast<int>(syscall(SYS_fsync, descriptor));
}

int fdatasync(int descriptor) {
  if (const auto failure = plugpull::SyncFailure(descriptor)) return plugpull::Fails(*failure);
  if (plugpull::active_log != nullptr && plugpull::active_log->OnSync(descriptor, "fdatasync")) {
    return 0;
  }
  return static_cast<int>(syscall(SYS_fdatasync, descriptor));
}

int unlink(const char* path) noexcept {
  if (plugpull::active_log != nullptr) {
    const auto failure = plugpull::active_log->AskWhetherToFail(path);
    if (failure) return plugpull::Fails(*failure);
  }
  const auto result = static_cast<int>(syscall(SYS_unlinkat, AT_FDCWD, path, 0));
  if (plugpull::active_log != nullptr && result == 0) plugpull::active_log->OnUnlink(path);
  return result;
}

}  // extern "C"

namespace plugpull {
namespace {

TEST(SystemCallLogTest, SeesEachKindOfCallInItsDirectoryOnly) {
  std::string directory = (std::filesystem::temp_directory_path() / "plugpull-XXXXXX").string();
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  {
    SystemCallLog log(directory);
    const std::string path = directory + "/file";
    const int outside = open("/dev/null", O_WRONLY);
    const int file = open(path.c_str(), O_RDWR | O_CREAT, 0600);
    const int parent = open(directory.c_str(), O_RDONLY);
    EXPECT_EQ(pwrite(outside, "x", 1, 0), 1);
    EXPECT_EQ(pwrite(file, "abc", 3, 5), 3);
    EXPECT_EQ(ftruncate(file, 2), 0);
    EXPECT_EQ(fsync(file), 0);
    EXPECT_EQ(fdatasync(parent), 0);
    EXPECT_EQ(close(file), 0);
    EXPECT_EQ(close(parent), 0);
    EXPECT_EQ(close(outside), 0);
    EXPECT_EQ(unlink(path.c_str()), 0);
    const std::vector<std::string> expected = {
        "create file", "write file 5+3",          "truncate file 2",
        "fsync file",  "fdatasync the directory", "unlink file"};
    EXPECT_EQ(log.lines(), expected);
  }
  std::filesystem::remove_all(directory);
}

TEST(SystemCallLogTest, ErrorsOfTheKernelComeThrough) {
  EXPECT_EQ(open("/nonexistent/file", O_RDONLY), -1);
  EXPECT_EQ(errno, ENOENT);
  EXPECT_EQ(unlink("/nonexistent/file"), -1);
  EXPECT_EQ(errno, ENOENT);
  EXPECT_EQ(close(-1), -1);
  EXPECT_EQ(errno, EBADF);
}

}  // namespace
}  // namespace plugpull
