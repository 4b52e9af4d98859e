#include "harness/recorded_directory.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "harness/native_command.h"

namespace plugpull {
namespace {

namespace fs = std::filesystem;

fs::path Canonical(const std::string& path) {
  std::error_code error;
  fs::path canonical = fs::weakly_canonical(fs::absolute(path, error), error);
  if (!canonical.has_filename()) canonical = canonical.parent_path();  // of a slash at the end
  return canonical;
}

// Returns: true when `inner` is `outer` or something below it.
bool IsWithin(const fs::path& inner, const fs::path& outer) {
  const auto [end, ignored] = std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end());
  return end == outer.end();
}

Expected<void> GiveTo(const std::string& user, const std::string& path) {
  if (user.empty()) return {};
  const Expected<UserIds> ids = FindUser(user);
  if (!ids) return std::unexpected(ids.error());
  if (::chown(path.c_str(), ids->user, ids->group) == 0) return {};
  return FailErrno(fmt::format("cannot give {} to {}", path, user));
}

}  // namespace

Expected<OwnDirectory> OwnDirectory::Create(const std::string& user) {
  const char* temporary = ::getenv("TMPDIR");
  std::string base = ::access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm"
                     : temporary != nullptr                 ? temporary
                                                            : "/tmp";
  base += "/plugpull-XXXXXX";
  if (::mkdtemp(base.data()) == nullptr) {
    return FailErrno(
        fmt::format("cannot create a directory {}; set TMPDIR to where one can be", base));
  }
  OwnDirectory own(base);
  // For a program that runs as another user.
  const bool made = ::chmod(base.c_str(), 0755) == 0 && ::mkdir(own.path().c_str(), 0755) == 0;
  if (!made) return FailErrno(fmt::format("cannot create {}", own.path()));
  if (const Expected<void> given = GiveTo(user, own.path()); !given) {
    return std::unexpected(given.error());
  }
  return own;
}

OwnDirectory::~OwnDirectory() {
  std::error_code ignored;
  if (!base_.empty()) fs::remove_all(base_, ignored);
}

Expected<std::string> PrepareDirectory(const std::string& directory, bool keep,
                                       const std::string& user) {
  const fs::path path = Canonical(directory);
  const char* home = ::getenv("HOME");
  const bool holds_home = home != nullptr && *home != '\0' && IsWithin(Canonical(home), path);
  if (path == path.root_path() || holds_home) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no directory to record in: everything in it would be; name one "
                            "for the program alone with --dir",
                            path.string()));
  }
  std::error_code error;
  if (fs::exists(path, error)) {
    if (!fs::is_directory(path, error)) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("--dir {} is not a directory", directory));
    }
    const bool empty = fs::is_empty(path, error);
    if (error) return FailErrno(fmt::format("cannot read {}", path.string()), error.value());
    if (!empty && !keep) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} is not empty; empty it, or keep what is there as the state "
                              "before the run with --keep",
                              path.string()));
    }
    return path.string();
  }
  fs::create_directories(path, error);
  if (error) {
    return FailErrno(fmt::format("cannot create --dir {}", path.string()), error.value());
  }
  if (const Expected<void> given = GiveTo(user, path.string()); !given) {
    return std::unexpected(given.error());
  }
  return path.string();
}

Expected<void> CheckOutside(const std::string& directory, const std::string& output,
                            const std::string& what) {
  if (!IsWithin(Canonical(output), Canonical(directory))) return {};
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("{} {} lies in the recorded directory {}; put it elsewhere", what, output,
                          Canonical(directory).string()));
}

}  // namespace plugpull
