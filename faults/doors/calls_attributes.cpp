// Modes, owners and times.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utime.h>

#include <array>
#include <functional>
#include <optional>

#include "faults/base/bytes.h"
#include "faults/doors/attribute_text.h"
#include "faults/doors/call_path.h"
#include "faults/doors/calls.h"
#include "faults/doors/door.h"

namespace plugpull {
namespace {

// What is changed: by path, or by descriptor where there is none.
struct Subject {
  int directory = AT_FDCWD;
  std::optional<uint64_t> path_address{};
  int flags = 0;  // AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH
};

// What changes it; `path` is one of ours, to be followed. Returns: 0, or negative, an errno.
using Change = std::function<int64_t(const char* path)>;

struct Attribute {
  const char* key;
  std::string (*text)(const struct stat& status);
};

constexpr Attribute kMode = {"mode", [](const struct stat& s) { return ModeText(s.st_mode); }};
constexpr Attribute kOwner = {"owner",
                              [](const struct stat& s) { return OwnerText(s.st_uid, s.st_gid); }};
constexpr Attribute kTimes = {"times", [](const struct stat& s) { return TimesText(s); }};

Expected<CallTarget> Find(Door& door, CallStop& call, const Rights& rights,
                          const Subject& subject) {
  if (subject.path_address) {
    return FindTarget(door, call, rights, subject.directory, *subject.path_address, subject.flags);
  }
  auto found = FindOpenFile(door, call, subject.directory);
  if (!found) return std::unexpected(found.error());
  if (!*found) return CallTarget{.os_errno = EBADF};
  ProgramFile& file = (*found)->file;
  const bool is_path = (call.tracee().Flags(subject.directory, file) & O_PATH) != 0;
  return CallTarget{.os_errno = is_path ? EBADF : 0,
                    .file = std::move(file.descriptor),
                    .status = file.status,
                    .inode = (*found)->inode};
}

Expected<Answer> Set(Door& door, CallStop& call, const Subject& subject, const Attribute& attribute,
                     const Change& change) {
  const Expected<Rights> rights = call.tracee().ReadRights();
  if (!rights) return std::unexpected(rights.error());
  const Expected<CallTarget> target = Find(door, call, *rights, subject);
  if (!target) return std::unexpected(target.error());
  if (target->os_errno != 0) return -target->os_errno;
  if (target->inode == kNoInode) return std::nullopt;
  if (const auto approached = Approach(door); !approached) {
    return std::unexpected(approached.error());
  }
  if (const auto failure = AskPlan(door, call, target->inode)) return -failure->os_errno;
  const int64_t result = call.Execute([&] {
    const ActingAs acting(*rights);
    return change(target->Path().c_str());
  });
  if (result < 0) return result;
  struct stat status = {};
  if (::fstat(target->file.number(), &status) != 0) return FailErrno("cannot look at a file");
  door.recorder.Append(
      {.kind = OpKind::kSetAttribute, .inode = target->inode, .name = attribute.key},
      AsBytes(attribute.text(status)));
  // A change of owner takes the set-id bits away.
  const bool mode_moved = (status.st_mode & 07777) != (target->status.st_mode & 07777);
  if (mode_moved && attribute.key != kMode.key) {
    door.recorder.Append({.kind = OpKind::kSetAttribute, .inode = target->inode, .name = kMode.key},
                         AsBytes(kMode.text(status)));
  }
  return result;
}

Expected<Answer> SetMode(Door& door, CallStop& call, const Subject& subject, uint64_t mode) {
  return Set(door, call, subject, kMode, [mode](const char* path) {
    return ResultOf(::chmod(path, static_cast<mode_t>(mode) & 07777));
  });
}

Expected<Answer> SetOwner(Door& door, CallStop& call, const Subject& subject, uint64_t user,
                          uint64_t group) {
  return Set(door, call, subject, kOwner, [=](const char* path) {
    return ResultOf(::chown(path, static_cast<uid_t>(user), static_cast<gid_t>(group)));
  });
}

// Times as utimensat(2) takes them; nothing: now.
using Times = std::optional<std::array<timespec, 2>>;

Expected<Answer> SetTimes(Door& door, CallStop& call, const Subject& subject, const Times& times) {
  return Set(door, call, subject, kTimes, [&](const char* path) {
    return ResultOf(::utimensat(AT_FDCWD, path, times ? times->data() : nullptr, 0));
  });
}

// Reads an argument of times in the form `Raw`, and converts it. `fault`: it cannot be read.
template <typename Raw, typename Convert>
Expected<Times> ReadTimes(CallStop& call, uint64_t address, bool& fault, const Convert& convert) {
  if (address == 0) return std::nullopt;
  const Expected<std::optional<Raw>> raw = call.tracee().Read<Raw>(address);
  if (!raw) return std::unexpected(raw.error());
  fault = !*raw;
  if (fault) return std::nullopt;
  return convert(**raw);
}

std::array<timespec, 2> FromMicroseconds(const std::array<timeval, 2>& raw) {
  return {timespec{raw[0].tv_sec, raw[0].tv_usec * 1000},
          timespec{raw[1].tv_sec, raw[1].tv_usec * 1000}};
}

Expected<Answer> SetTimesInMicroseconds(Door& door, CallStop& call, const Subject& subject,
                                        uint64_t address) {
  bool fault = false;
  const Expected<Times> times =
      ReadTimes<std::array<timeval, 2>>(call, address, fault, FromMicroseconds);
  if (!times) return std::unexpected(times.error());
  if (fault) return -EFAULT;
  return SetTimes(door, call, subject, *times);
}

}  // namespace

Expected<Answer> HandleChmod(Door& door, CallStop& call) {
  return SetMode(door, call, {.path_address = call.Argument(0)}, call.Argument(1));
}

Expected<Answer> HandleFchmod(Door& door, CallStop& call) {
  return SetMode(door, call, {.directory = call.Number(0)}, call.Argument(1));
}

Expected<Answer> HandleFchmodat(Door& door, CallStop& call) {
  return SetMode(door, call, {call.Number(0), call.Argument(1)}, call.Argument(2));
}

Expected<Answer> HandleFchmodat2(Door& door, CallStop& call) {
  return SetMode(door, call, {call.Number(0), call.Argument(1), call.Number(3)}, call.Argument(2));
}

Expected<Answer> HandleChown(Door& door, CallStop& call) {
  return SetOwner(door, call, {.path_address = call.Argument(0)}, call.Argument(1),
                  call.Argument(2));
}

Expected<Answer> HandleLchown(Door& door, CallStop& call) {
  return SetOwner(door, call, {.path_address = call.Argument(0), .flags = AT_SYMLINK_NOFOLLOW},
                  call.Argument(1), call.Argument(2));
}

Expected<Answer> HandleFchown(Door& door, CallStop& call) {
  return SetOwner(door, call, {.directory = call.Number(0)}, call.Argument(1), call.Argument(2));
}

Expected<Answer> HandleFchownat(Door& door, CallStop& call) {
  return SetOwner(door, call, {call.Number(0), call.Argument(1), call.Number(4)}, call.Argument(2),
                  call.Argument(3));
}

Expected<Answer> HandleUtime(Door& door, CallStop& call) {
  bool fault = false;
  const Expected<Times> times =
      ReadTimes<utimbuf>(call, call.Argument(1), fault, [](const utimbuf& raw) {
        return std::array<timespec, 2>{timespec{raw.actime, 0}, timespec{raw.modtime, 0}};
      });
  if (!times) return std::unexpected(times.error());
  if (fault) return -EFAULT;
  return SetTimes(door, call, {.path_address = call.Argument(0)}, *times);
}

Expected<Answer> HandleUtimes(Door& door, CallStop& call) {
  return SetTimesInMicroseconds(door, call, {.path_address = call.Argument(0)}, call.Argument(1));
}

Expected<Answer> HandleFutimesat(Door& door, CallStop& call) {
  Subject subject{.directory = call.Number(0), .path_address = call.Argument(1)};
  if (call.Argument(1) == 0) subject.path_address.reset();
  return SetTimesInMicroseconds(door, call, subject, call.Argument(2));
}

Expected<Answer> HandleUtimensat(Door& door, CallStop& call) {
  bool fault = false;
  const Expected<Times> times = ReadTimes<std::array<timespec, 2>>(
      call, call.Argument(2), fault, [](const std::array<timespec, 2>& raw) { return raw; });
  if (!times) return std::unexpected(times.error());
  if (fault) return -EFAULT;
  Subject subject{
      .directory = call.Number(0), .path_address = call.Argument(1), .flags = call.Number(3)};
  if (call.Argument(1) == 0) subject.path_address.reset();  // futimens(3)
  return SetTimes(door, call, subject, *times);
}

}  // namespace plugpull
