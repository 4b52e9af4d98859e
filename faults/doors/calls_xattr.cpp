// Extended attributes.
#include <fcntl.h>
#include <linux/limits.h>
#include <sys/xattr.h>

#include <optional>
#include <vector>

#include "faults/doors/call_path.h"
#include "faults/doors/calls.h"
#include "faults/doors/door.h"

namespace plugpull {
namespace {

enum class By : uint8_t { kPath, kLink, kDescriptor };

// What an attribute is of, and a path of ours that leads there. Links themselves have none that a
// program may set.
Expected<CallTarget> FindSubject(Door& door, CallStop& call, const Rights& rights, By by) {
  if (by != By::kDescriptor) {
    return FindTarget(door, call, rights, AT_FDCWD, call.Argument(0),
                      by == By::kLink ? AT_SYMLINK_NOFOLLOW : 0);
  }
  auto found = FindOpenFile(door, call, call.Number(0));
  if (!found) return std::unexpected(found.error());
  if (!*found) return CallTarget{.os_errno = EBADF};
  ProgramFile& file = (*found)->file;
  return CallTarget{
      .os_errno = (call.tracee().Flags(call.Number(0), file) & O_PATH) != 0 ? EBADF : 0,
      .file = std::move(file.descriptor),
      .status = file.status,
      .inode = (*found)->inode};
}

// What sets or removes an attribute: `perform` executes it, `op` says what it was.
template <typename Perform>
Expected<Answer> Change(Door& door, CallStop& call, By by, Op op, std::span<const std::byte> value,
                        const Perform& perform) {
  const Expected<Rights> rights = call.tracee().ReadRights();
  if (!rights) return std::unexpected(rights.error());
  const Expected<CallTarget> target = FindSubject(door, call, *rights, by);
  if (!target) return std::unexpected(target.error());
  if (target->os_errno != 0) return -target->os_errno;
  if (target->inode == kNoInode) return std::nullopt;
  if (const auto approached = Approach(door); !approached) {
    return std::unexpected(approached.error());
  }
  if (const auto failure = AskPlan(door, call, target->inode)) return -failure->os_errno;
  const int64_t result = call.Execute([&] {
    const ActingAs acting(*rights);
    return ResultOf(perform(target->Path().c_str()));
  });
  if (result < 0) return result;
  op.inode = target->inode;
  if (op.kind == OpKind::kSetXattr) {
    door.recorder.Append(std::move(op), value);
  } else {
    door.recorder.Append(std::move(op));
  }
  return result;
}

Expected<Answer> SetAttribute(Door& door, CallStop& call, By by) {
  int os_errno = 0;
  const Expected<std::string> key = call.tracee().ReadPath(call.Argument(1), os_errno);
  if (!key) return std::unexpected(key.error());
  if (os_errno != 0) return os_errno == ENAMETOOLONG ? -ERANGE : -os_errno;
  if (call.Argument(3) > XATTR_SIZE_MAX) return -E2BIG;
  std::vector<std::byte> value(call.Argument(3));
  const Expected<size_t> read = call.tracee().Read(call.Argument(2), value);
  if (!read) return std::unexpected(read.error());
  if (*read < value.size()) return -EFAULT;
  const int flags = call.Number(4);
  return Change(door, call, by, {.kind = OpKind::kSetXattr, .name = *key}, value,
                [&](const char* path) {
                  return ::setxattr(path, key->c_str(), value.data(), value.size(), flags);
                });
}

Expected<Answer> RemoveAttribute(Door& door, CallStop& call, By by) {
  int os_errno = 0;
  const Expected<std::string> key = call.tracee().ReadPath(call.Argument(1), os_errno);
  if (!key) return std::unexpected(key.error());
  if (os_errno != 0) return os_errno == ENAMETOOLONG ? -ERANGE : -os_errno;
  return Change(door, call, by, {.kind = OpKind::kRemoveXattr, .name = *key}, {},
                [&](const char* path) { return ::removexattr(path, key->c_str()); });
}

}  // namespace

Expected<Answer> HandleSetxattr(Door& door, CallStop& call) {
  return SetAttribute(door, call, By::kPath);
}
Expected<Answer> HandleLsetxattr(Door& door, CallStop& call) {
  return SetAttribute(door, call, By::kLink);
}
Expected<Answer> HandleFsetxattr(Door& door, CallStop& call) {
  return SetAttribute(door, call, By::kDescriptor);
}
Expected<Answer> HandleRemovexattr(Door& door, CallStop& call) {
  return RemoveAttribute(door, call, By::kPath);
}
Expected<Answer> HandleLremovexattr(Door& door, CallStop& call) {
  return RemoveAttribute(door, call, By::kLink);
}
Expected<Answer> HandleFremovexattr(Door& door, CallStop& call) {
  return RemoveAttribute(door, call, By::kDescriptor);
}

}  // namespace plugpull
