#include "faults/inject/failure_point.h"

#include <fiu-control.h>
#include <fiu.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "faults/base/assert.h"
#include "faults/inject/failure_injector.h"

namespace plugpull {
namespace {

const std::array<FailurePointInfo, kFailurePoints>& Infos() {
  static const std::array<FailurePointInfo, kFailurePoints> infos = {{
      {.name = "vfs/open",
       .errnos = {EIO, ENOSPC, EDQUOT, EINTR, ENOMEM, EACCES, EROFS},
       .description = "opening or creating a file"},
      {.name = "vfs/read",
       .errnos = {EIO, EINTR},
       .is_short = true,
       .description = "reading bytes of a file"},
      {.name = "vfs/write",
       .errnos = {EIO, ENOSPC, EDQUOT, EINTR},
       .is_short = true,
       .description = "writing bytes of a file"},
      {.name = "vfs/truncate", .errnos = {EIO, EINTR}, .description = "cutting or growing a file"},
      {.name = "vfs/sync",
       .errnos = {EIO, ENOSPC, EDQUOT, EINTR},
       .has_aftermath = true,
       .description = "fsync or fdatasync of a file"},
      {.name = "vfs/sync_range", .errnos = {EIO, ENOSPC}, .description = "sync_file_range"},
      {.name = "vfs/allocate", .errnos = {EIO, ENOSPC, EDQUOT, EINTR}, .description = "fallocate"},
      {.name = "vfs/size", .errnos = {EIO}, .description = "asking for the size of a file"},
      {.name = "vfs/lock", .errnos = {ENOLCK}, .description = "locking a file"},
      {.name = "vfs/unlink",
       .errnos = {EIO, ENOSPC, EACCES, EROFS},
       .description = "removing a name"},
      {.name = "vfs/rename",
       .errnos = {EIO, ENOSPC, EDQUOT, EACCES, EROFS},
       .description = "renaming a file"},
      {.name = "vfs/link",
       .errnos = {EIO, ENOSPC, EDQUOT, EACCES, EROFS},
       .description = "giving a file a second name"},
      {.name = "vfs/make_directory",
       .errnos = {EIO, ENOSPC, EDQUOT, EACCES, EROFS},
       .description = "making a directory"},
      {.name = "vfs/remove_directory",
       .errnos = {EIO, EACCES, EROFS},
       .description = "removing a directory"},
      {.name = "vfs/sync_directory", .errnos = {EIO}, .description = "fsync of a directory"},
      {.name = "vfs/exists", .errnos = {EIO, EACCES}, .description = "asking for a name"},
      {.name = "vfs/list", .errnos = {EIO, ENOMEM}, .description = "listing a directory"},
      {.name = "sqlite/memory", .errnos = {ENOMEM}, .description = "memory that SQLite asks for"},
      {.name = "cow_tree/allocate",
       .errnos = {ENOMEM},
       .description = "memory for a page that a transaction builds"},
      {.name = "cow_tree/write_pages",
       .errnos = {EIO, ENOSPC},
       .description = "before the pages of a commit are written"},
      {.name = "cow_tree/write_meta",
       .errnos = {EIO, ENOSPC},
       .description = "before the meta page of a commit is written"},
      {.name = "cow_tree/sync_data",
       .errnos = {EIO},
       .description = "before the sync of the pages of a commit"},
      {.name = "cow_tree/sync_meta",
       .errnos = {EIO},
       .description = "before the sync of the meta page of a commit"},
  }};
  return infos;
}

struct NamedErrno {
  int os_errno;
  std::string_view name;
};

constexpr std::array<NamedErrno, 8> kErrnos = {{{EIO, "EIO"},
                                                {ENOSPC, "ENOSPC"},
                                                {EDQUOT, "EDQUOT"},
                                                {EINTR, "EINTR"},
                                                {ENOMEM, "ENOMEM"},
                                                {EACCES, "EACCES"},
                                                {EROFS, "EROFS"},
                                                {ENOLCK, "ENOLCK"}}};

constexpr std::array<std::string_view, kAftermaths> kAftermathNames = {"keep", "keep-evict", "late",
                                                                       "revert"};

// The question under way. libfiu hands a callback the name of the point and nothing more.
constinit thread_local const FailureQuestion* question_asked = nullptr;
constinit thread_local std::optional<Failure> answer;

int Decide(const char* /*name*/, int* failure_number, void** /*info*/, unsigned* /*flags*/) {
  answer = internal::armed_injector->Decide(*question_asked);
  *failure_number = 1;
  return answer ? 1 : 0;
}

// Tells libfiu of every point, once in a process; whether one fails is up to Decide alone.
bool EnablePoints() {
  int status = fiu_init(0);
  for (const FailurePointInfo& info : Infos()) {
    status |= fiu_enable_external(std::string(info.name).c_str(), 1, nullptr, 0, Decide);
  }
  Assert(status == 0, "libfiu takes our failure points");
  return true;
}

}  // namespace

namespace internal {

constinit thread_local FailureInjector* armed_injector = nullptr;

std::optional<Failure> AskLibfiu(const FailureQuestion& question) {
  static const bool enabled = EnablePoints();
  static_cast<void>(enabled);
  question_asked = &question;
  const bool fails = fiu_fail(InfoOf(question.point).name.data()) != 0;
  question_asked = nullptr;
  return fails ? answer : std::nullopt;
}

}  // namespace internal

const FailurePointInfo& InfoOf(FailurePoint point) { return Infos()[static_cast<size_t>(point)]; }

std::string_view Name(Aftermath aftermath) {
  return kAftermathNames[static_cast<size_t>(aftermath)];
}

std::string_view ErrnoName(int os_errno) {
  const auto* known = std::ranges::find(kErrnos, os_errno, &NamedErrno::os_errno);
  return known == kErrnos.end() ? "?" : known->name;
}

std::optional<int> ParseErrno(std::string_view word) {
  const auto* known = std::ranges::find(kErrnos, word, &NamedErrno::name);
  if (known == kErrnos.end()) return std::nullopt;
  return known->os_errno;
}

const std::vector<std::string_view>& ErrnoNames() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const NamedErrno& known : kErrnos) all.push_back(known.name);
    return all;
  }();
  return names;
}

}  // namespace plugpull
