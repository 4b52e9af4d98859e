#include "faults/doors/tracee.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/limits.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <fstream>
#include <sstream>

namespace plugpull {
namespace {

constexpr size_t kMemoryPageBytes = 4096;
constexpr unsigned kPidfdThread = O_EXCL;  // PIDFD_THREAD, Linux 6.9

std::unexpected<Error> Blind(pid_t thread, std::string_view what, int os_errno) {
  if (os_errno == ESRCH || os_errno == ENOENT) {
    return Fail(ErrorCode::kNotFound, fmt::format("thread {} is gone", thread), os_errno);
  }
  return Fail(ErrorCode::kUnsupported,
              fmt::format("the recording is blind: {} of thread {} cannot be looked at; record as "
                          "root, or allow tracing (CAP_SYS_PTRACE)",
                          what, thread),
              os_errno);
}

// Copies with one call where all of it is there, else page by page up to the first that is not.
template <typename Copy>
Expected<size_t> CopyMemory(pid_t thread, uint64_t address, size_t size, const Copy& copy) {
  if (size == 0) return 0;
  const ssize_t count = copy(address, 0, size);
  if (count == static_cast<ssize_t>(size)) return size;
  if (count < 0 && errno != EFAULT) return Blind(thread, "memory", errno);
  size_t done = 0;
  while (done < size) {
    const uint64_t at = address + done;
    const size_t chunk = std::min(size - done, kMemoryPageBytes - at % kMemoryPageBytes);
    const ssize_t copied = copy(at, done, chunk);
    if (copied > 0) done += static_cast<size_t>(copied);
    if (copied < static_cast<ssize_t>(chunk)) break;
  }
  return done;
}

std::string ReadStatus(pid_t thread) {
  std::ifstream file(fmt::format("/proc/{}/status", thread));
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Returns: what follows `key` in a status text, up to the end of the line.
std::string_view FieldOf(std::string_view status, std::string_view key) {
  const size_t at = status.find(key);
  if (at == status.npos) return {};
  status.remove_prefix(at + key.size());
  return status.substr(0, status.find('\n'));
}

std::vector<gid_t> NumbersOf(std::string_view text, int base = 10) {
  std::vector<gid_t> numbers;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    gid_t number = 0;
    const auto [next, error] = std::from_chars(at, end, number, base);
    if (error == std::errc()) numbers.push_back(number);
    at = error == std::errc() ? next : at + 1;
  }
  return numbers;
}

// What the kernel says of an open file.
std::string ReadInfo(pid_t thread, int number) {
  std::ifstream file(fmt::format("/proc/{}/fdinfo/{}", thread, number));
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

uint64_t NumberIn(std::string_view text, std::string_view key, int base) {
  const std::string_view field = FieldOf(text, key);
  uint64_t number = 0;
  std::from_chars(field.data(), field.data() + field.size(), number, base);
  return number;
}

}  // namespace

Expected<size_t> Tracee::Read(uint64_t address, std::span<std::byte> out) {
  return CopyMemory(thread_, address, out.size(), [&](uint64_t at, size_t done, size_t size) {
    const iovec local{out.data() + done, size};
    const iovec remote{reinterpret_cast<void*>(at), size};
    return ::process_vm_readv(thread_, &local, 1, &remote, 1, 0);
  });
}

Expected<size_t> Tracee::Write(uint64_t address, std::span<const std::byte> bytes) {
  return CopyMemory(thread_, address, bytes.size(), [&](uint64_t at, size_t done, size_t size) {
    const iovec local{const_cast<std::byte*>(bytes.data()) + done, size};
    const iovec remote{reinterpret_cast<void*>(at), size};
    return ::process_vm_writev(thread_, &local, 1, &remote, 1, 0);
  });
}

Expected<std::string> Tracee::ReadPath(uint64_t address, int& os_errno) {
  std::string path;
  os_errno = 0;
  while (path.size() < PATH_MAX) {
    const uint64_t at = address + path.size();
    const size_t begin = path.size();
    // A page at a time: the text may end right before one that is not there.
    path.resize(begin + std::min<size_t>(kMemoryPageBytes - at % kMemoryPageBytes, 256));
    const Expected<size_t> count =
        Read(at, std::as_writable_bytes(std::span(path.data() + begin, path.size() - begin)));
    if (!count) return std::unexpected(count.error());
    path.resize(begin + *count);
    const size_t end = path.find('\0', begin);
    if (end != path.npos) return path.substr(0, end);
    if (*count == 0) {
      os_errno = EFAULT;
      return std::string();
    }
  }
  os_errno = ENAMETOOLONG;
  return std::string();
}

Expected<int> Tracee::ProcessDescriptor() {
  if (process_descriptor_.is_open()) return process_descriptor_.number();
  long opened = ::syscall(SYS_pidfd_open, thread_, kPidfdThread);
  if (opened < 0 && errno == EINVAL) {  // an older kernel: the descriptors of the whole process
    const std::string status = ReadStatus(thread_);
    const std::vector<gid_t> process = NumbersOf(FieldOf(status, "\nTgid:"));
    if (process.empty()) return Blind(thread_, "the process", ESRCH);
    opened = ::syscall(SYS_pidfd_open, process[0], 0);
  }
  if (opened < 0) return Blind(thread_, "the process", errno);
  process_descriptor_ = Descriptor(static_cast<int>(opened));
  return process_descriptor_.number();
}

Expected<std::optional<ProgramFile>> Tracee::File(int number) {
  if (looks_by_path_) return FileByPath(number);
  for (int attempt = 0; attempt < 2; ++attempt) {
    const Expected<int> process = ProcessDescriptor();
    if (!process) return std::unexpected(process.error());
    ProgramFile file{.descriptor = Descriptor(
                         static_cast<int>(::syscall(SYS_pidfd_getfd, *process, number, 0)))};
    if (file.descriptor.is_open()) {
      if (::fstat(file.descriptor.number(), &file.status) == 0) return file;
      return Blind(thread_, "an open file", errno);
    }
    if (errno == EBADF) return std::nullopt;
    if (errno != ESRCH) return Blind(thread_, "an open file", errno);
    process_descriptor_.Close();  // of an earlier thread of that number
  }
  return Blind(thread_, "the process", ESRCH);
}

Expected<std::optional<ProgramFile>> Tracee::FileByPath(int number) const {
  const std::string path = fmt::format("/proc/{}/fd/{}", thread_, number);
  ProgramFile file{.descriptor = Descriptor(::open(path.c_str(), O_PATH | O_CLOEXEC))};
  if (!file.descriptor.is_open() && errno == ENOENT) return std::nullopt;
  if (!file.descriptor.is_open() || ::fstat(file.descriptor.number(), &file.status) != 0) {
    return Blind(thread_, "an open file", errno);
  }
  if (S_ISREG(file.status.st_mode) || S_ISDIR(file.status.st_mode)) {
    Descriptor readable(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (readable.is_open()) file.descriptor = std::move(readable);
  }
  return file;
}

uint64_t Tracee::Position(int number, const ProgramFile& file) {
  if (looks_by_path_) return NumberIn(ReadInfo(thread_, number), "pos:\t", 10);
  const off_t position = ::lseek(file.descriptor.number(), 0, SEEK_CUR);
  return position < 0 ? 0 : static_cast<uint64_t>(position);
}

int Tracee::Flags(int number, const ProgramFile& file) {
  if (looks_by_path_) {
    return static_cast<int>(NumberIn(ReadInfo(thread_, number), "\nflags:\t", 8));
  }
  return ::fcntl(file.descriptor.number(), F_GETFL);
}

std::string Tracee::WorkDirectory() const { return fmt::format("/proc/{}/cwd", thread_); }

Expected<void> Tracee::CheckPlace() const {
  struct stat ours = {};
  struct stat theirs = {};
  for (const char* place : {"root", "ns/mnt"}) {
    if (::stat(fmt::format("/proc/self/{}", place).c_str(), &ours) != 0 ||
        ::stat(fmt::format("/proc/{}/{}", thread_, place).c_str(), &theirs) != 0) {
      return Blind(thread_, "the file system", errno);
    }
    if (ours.st_dev != theirs.st_dev || ours.st_ino != theirs.st_ino) {
      return Fail(ErrorCode::kUnsupported,
                  "the recording is blind: the program has a root directory or mounts of its own; "
                  "run it without that, or record inside");
    }
  }
  return {};
}

Expected<Rights> Tracee::ReadRights() const {
  const std::string status = ReadStatus(thread_);
  const std::vector<gid_t> umask = NumbersOf(FieldOf(status, "\nUmask:"), 8);
  const std::vector<gid_t> users = NumbersOf(FieldOf(status, "\nUid:"));
  const std::vector<gid_t> groups = NumbersOf(FieldOf(status, "\nGid:"));
  if (umask.empty() || users.size() < 4 || groups.size() < 4) {
    return Blind(thread_, "the process", ESRCH);
  }
  // Real, effective, saved, and the one by which files are opened.
  return Rights{.user = users[3],
                .group = groups[3],
                .groups = NumbersOf(FieldOf(status, "\nGroups:")),
                .umask = umask[0]};
}

uint64_t Tracee::FileSizeLimit() const {
  rlimit limit = {};
  if (::prlimit(thread_, RLIMIT_FSIZE, nullptr, &limit) != 0) return RLIM_INFINITY;
  return limit.rlim_cur;
}

void Tracee::Signal(int signal) const { ::syscall(SYS_tkill, thread_, signal); }

}  // namespace plugpull
