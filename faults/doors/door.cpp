#include "faults/doors/door.h"

#include <fmt/format.h>
#include <grp.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "faults/base/assert.h"

namespace plugpull {
namespace {

// Who we are. Read once: nothing of plugpull changes it but ActingAs, which changes it back.
const Rights& OwnRights() {
  static const Rights rights = [] {
    Rights own{.user = ::geteuid(), .group = ::getegid(), .groups = {}, .umask = 0};
    own.groups.resize(static_cast<size_t>(std::max(0, ::getgroups(0, nullptr))));
    const int count = ::getgroups(static_cast<int>(own.groups.size()), own.groups.data());
    own.groups.resize(static_cast<size_t>(std::max(0, count)));
    return own;
  }();
  return rights;
}

// The plain calls change this thread alone, as is wanted; the library's would change all.
void SetGroups(const std::vector<gid_t>& groups) {
  ::syscall(SYS_setgroups, groups.size(), groups.data());
}

std::optional<Failure> Decide(Door& door, const CallStop& call, std::string_view path,
                              uint64_t offset_bytes, uint64_t size_bytes) {
  const TrappedCall* trapped = FindTrappedCall(call.number());
  if (trapped == nullptr) return std::nullopt;
  return door.failures.Decide({trapped->name, path, offset_bytes, size_bytes});
}

constexpr size_t kMostOutside = 50;

// File systems whose files are windows to the kernel.
constexpr std::array<decltype(statfs::f_type), 9> kWindows = {
    PROC_SUPER_MAGIC,    SYSFS_MAGIC,      DEBUGFS_MAGIC,      TRACEFS_MAGIC,  CGROUP_SUPER_MAGIC,
    CGROUP2_SUPER_MAGIC, SECURITYFS_MAGIC, DEVPTS_SUPER_MAGIC, HUGETLBFS_MAGIC};

std::string PathOfDescriptor(int descriptor) {
  std::array<char, PATH_MAX> path{};
  const std::string link = fmt::format("/proc/self/fd/{}", descriptor);
  const ssize_t length = ::readlink(link.c_str(), path.data(), path.size());
  return length < 0 ? std::string() : std::string(path.data(), static_cast<size_t>(length));
}

bool IsKept(int descriptor) {
  struct statfs status = {};
  return ::fstatfs(descriptor, &status) == 0 &&
         std::ranges::find(kWindows, status.f_type) == kWindows.end();
}

void AddOutside(Door& door, std::string path) {
  // Shared memory objects of shm_open(3), and files of memfd_create(2), are memory.
  constexpr std::string_view kShared = "/dev/shm/";
  const bool is_shared = path.starts_with(kShared) && path.find('/', kShared.size()) == path.npos;
  if (is_shared || path.empty() || path.starts_with("/memfd:")) return;
  if (door.outside.size() < kMostOutside) door.outside.insert(std::move(path));
}

}  // namespace

void NoteOutside(Door& door, const struct stat& status, int descriptor) {
  if (!S_ISREG(status.st_mode) || !IsKept(descriptor)) return;
  AddOutside(door, PathOfDescriptor(descriptor));
}

void NoteOutside(Door& door, int directory, const std::string& name) {
  if (!IsKept(directory)) return;
  const std::string parent = PathOfDescriptor(directory);
  AddOutside(door, parent == "/" ? parent + name : parent + "/" + name);
}

Expected<std::optional<FileOnCall>> FindOpenFile(Door& door, CallStop& call, int number) {
  Expected<std::optional<ProgramFile>> file = call.tracee().File(number);
  if (!file) return std::unexpected(file.error());
  if (!*file) return std::nullopt;
  const InodeId inode = door.tree.Find((*file)->status, (*file)->descriptor.number());
  return FileOnCall{.file = std::move(**file), .inode = inode};
}

Expected<void> Approach(Door& door, MappedFiles::Moment moment) {
  ++door.calls_performed;
  if (!door.mapped.any()) return {};
  return door.mapped.Look(moment);
}

std::optional<Failure> AskPlan(Door& door, const CallStop& call, InodeId inode,
                               uint64_t offset_bytes, uint64_t size_bytes) {
  if (!door.failures.any()) return std::nullopt;
  return Decide(door, call, door.tree.PathOf(inode), offset_bytes, size_bytes);
}

std::optional<Failure> AskPlan(Door& door, const CallStop& call, const std::string& path) {
  if (!door.failures.any()) return std::nullopt;
  return Decide(door, call, path, 0, 0);
}

void RecordUnmodelled(Door& door, InodeId inode, std::string what) {
  door.recorder.Append({.kind = OpKind::kUnmodelled, .inode = inode, .name = std::move(what)});
}

ActingAs::ActingAs(const Rights& rights) {
  const Rights& own = OwnRights();
  const bool same =
      rights.user == own.user && rights.group == own.group && rights.groups == own.groups;
  if (same || own.user != 0) return;
  SetGroups(rights.groups);
  ::syscall(SYS_setfsgid, rights.group);
  ::syscall(SYS_setfsuid, rights.user);
  changed_ = true;
}

ActingAs::~ActingAs() {
  if (!changed_) return;
  const int saved_errno = errno;
  const Rights& own = OwnRights();
  ::syscall(SYS_setfsuid, own.user);
  ::syscall(SYS_setfsgid, own.group);
  SetGroups(own.groups);
  ::prctl(PR_SET_DUMPABLE, 1);  // which the change of user has taken away
  errno = saved_errno;
}

}  // namespace plugpull
