// One thread of a traced program while it waits for the answer to a call: its memory, descriptors,
// and what it is allowed to do.
//
// Every failure to look that is not the program's own mistake is an error of code kUnsupported: the
// recording is blind.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "faults/base/descriptor.h"
#include "faults/base/error.h"

namespace plugpull {

// An open file of the program.
struct ProgramFile {
  Descriptor descriptor;  // ours, of the same open file description
  struct stat status = {};
};

// By whose rights a call is performed, and what the program takes off the modes of new files.
struct Rights {
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;
  mode_t umask = 0;
};

class Tracee {
 public:
  explicit Tracee(pid_t thread) : thread_(thread) {}

  pid_t thread() const { return thread_; }

  // Copies memory of the program. Returns: how many bytes could be copied; the first that could not
  // lies behind them.
  Expected<size_t> Read(uint64_t address, std::span<std::byte> out);
  Expected<size_t> Write(uint64_t address, std::span<const std::byte> bytes);

  // Copies one value. Returns: nothing where it cannot be read: the call fails with EFAULT.
  template <typename T>
  Expected<std::optional<T>> Read(uint64_t address) {
    T value = {};
    const Expected<size_t> count = Read(address, std::as_writable_bytes(std::span(&value, 1)));
    if (!count) return std::unexpected(count.error());
    return *count == sizeof(T) ? std::optional(value) : std::nullopt;
  }

  // Returns: a text that ends with NUL, without it; or what the call fails with, EFAULT or
  // ENAMETOOLONG, as `os_errno`.
  Expected<std::string> ReadPath(uint64_t address, int& os_errno);

  // Returns: our duplicate of a descriptor; nothing when the number is not open there.
  Expected<std::optional<ProgramFile>> File(int number);

  // Returns: the position of an open file, which File(number) gave.
  uint64_t Position(int number, const ProgramFile& file);

  // Returns: flags of open(2) of the same.
  int Flags(int number, const ProgramFile& file);

  // Errors: the process sees another file system than we do, so that paths mean other things there.
  Expected<void> CheckPlace() const;

  // Returns: a path of ours that leads to the directory in which relative paths begin.
  std::string WorkDirectory() const;

  Expected<Rights> ReadRights() const;

  // Returns: the largest size that it may give a file (RLIMIT_FSIZE).
  uint64_t FileSizeLimit() const;

  // Sends the thread a signal, before its call returns.
  void Signal(int signal) const;

  // From now on, looks at open files by their paths: for systems that give us no duplicates. What
  // File returns then is another open file description, with a position and flags of its own.
  void LookByPath() { looks_by_path_ = true; }

 private:
  Expected<int> ProcessDescriptor();
  Expected<std::optional<ProgramFile>> FileByPath(int number) const;

  pid_t thread_;
  Descriptor process_descriptor_;
  bool looks_by_path_ = false;
};

}  // namespace plugpull
