// For tests: sees the system calls that a shared library makes on the files of one directory.
//
// The test binary defines open, write, fsync and the like itself (sqlite_system_calls_test.cpp).
// The dynamic linker prefers them to the C library's, so libsqlite3 calls them. They hand
// everything on to the kernel and do nothing else unless a SystemCallLog exists.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "faults/inject/failure_point.h"

namespace plugpull {

// While it exists, changes to files directly in `directory` are written down, in order, in the form
// "write test.db 0+4096". One at a time, one thread at a time. Files ending in "-shm" are ignored.
class SystemCallLog {
 public:
  // Requires: `directory` is absolute and has no trailing slash.
  explicit SystemCallLog(std::string directory);
  SystemCallLog(const SystemCallLog&) = delete;
  SystemCallLog& operator=(const SystemCallLog&) = delete;
  ~SystemCallLog();

  const std::vector<std::string>& lines() const { return lines_; }

  // What the interposed functions call first: a call fails when the armed plan of failures says so.
  std::optional<Failure> AskWhetherToFail(FailurePoint point, int descriptor,
                                          long long offset_bytes, size_t size_bytes) const;
  std::optional<Failure> AskWhetherToFail(std::string_view path) const;  // unlink

  // What the interposed functions call, after the call itself has succeeded.
  void OnOpen(std::string_view path, int descriptor, bool created);
  void OnClose(int descriptor);
  void OnWrite(int descriptor, long long offset_bytes, long long size_bytes);
  void OnTruncate(int descriptor, long long size_bytes);
  void OnUnlink(std::string_view path);

  // Returns: true when the sync was on one of our files. It is then not carried out: nobody is
  // going to pull the plug, and real syncs take most of a test's time.
  bool OnSync(int descriptor, std::string_view call);

 private:
  // Returns: the name within the directory, "" for the directory itself, or nullptr.
  const std::string* NameOf(int descriptor) const;
  std::string_view NameIn(std::string_view path) const;

  std::string directory_;
  std::map<int, std::string> names_;  // of open descriptors
  std::vector<std::string> lines_;
};

}  // namespace plugpull
