#include "faults/doors/call_table.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <algorithm>
#include <vector>

#include "faults/doors/calls.h"

namespace plugpull {
namespace {

using Kind = ArgumentTest::Kind;

// Newer than the headers of some systems that we build on.
constexpr int kFchmodat2 = 452;
constexpr int kSetxattrat = 463;
constexpr int kRemovexattrat = 466;

constexpr ArgumentTest AnyBit(uint32_t argument, uint32_t mask) {
  return {.kind = Kind::kAnyBit, .argument = argument, .mask = mask};
}

// O_TMPFILE has the bit of O_DIRECTORY, which many have that only look.
constexpr uint32_t kOpensToChange =
    O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~static_cast<uint32_t>(O_DIRECTORY));

// MAP_SHARED or MAP_SHARED_VALIDATE, of a file. Protection is not looked at: mprotect(2) may add to
// it later.
constexpr ArgumentTest kSharedFile = {.kind = Kind::kMasked,
                                      .argument = 3,
                                      .mask = MAP_SHARED | MAP_ANONYMOUS,
                                      .values = {MAP_SHARED}};

// Those of ioctl(2) that change a file.
constexpr ArgumentTest kChangingIoctls = {
    .kind = Kind::kOneOf,
    .argument = 1,
    .values = {
        FICLONE, FICLONERANGE, FIDEDUPERANGE, FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR,
        0x40086602,  // FS_IOC_SETFLAGS of 64 bits
        0x40305828,  // FS_IOC_RESVSP
        0x4030582a,  // FS_IOC_RESVSP64
        0x40305829,  // FS_IOC_UNRESVSP
        0x4030582b,  // FS_IOC_UNRESVSP64
        0x40305839,  // FS_IOC_ZERO_RANGE
        0xc028660f,  // EXT4_IOC_MOVE_EXT
        0x40806685,  // FS_IOC_ENABLE_VERITY
    }};

constexpr ArgumentTest Equals(uint32_t argument, uint32_t value) {
  return {.kind = Kind::kOneOf, .argument = argument, .values = {value}};
}

std::vector<TrappedCall> SortedCalls() {
  std::vector<TrappedCall> calls = {
      {SYS_write, "write", HandleWrite},
      {SYS_pwrite64, "pwrite64", HandlePwrite},
      {SYS_writev, "writev", HandleWritev},
      {SYS_pwritev, "pwritev", HandlePwritev},
      {SYS_pwritev2, "pwritev2", HandlePwritev2},
      {SYS_sendfile, "sendfile", HandleSendfile},
      {SYS_copy_file_range, "copy_file_range", HandleCopyFileRange},
      {SYS_splice, "splice", HandleSplice},
      {SYS_vmsplice, "vmsplice", HandleVmsplice},
      {SYS_tee, "tee", HandleTee},
      {SYS_ioctl, "ioctl", HandleIoctl, kChangingIoctls},
      {SYS_truncate, "truncate", HandleTruncate},
      {SYS_ftruncate, "ftruncate", HandleFtruncate},
      {SYS_fallocate, "fallocate", HandleFallocate},
      {SYS_open, "open", HandleOpen, AnyBit(1, kOpensToChange)},
      {SYS_openat, "openat", HandleOpenat, AnyBit(2, kOpensToChange)},
      {SYS_openat2, "openat2", HandleOpenat2},
      {SYS_creat, "creat", HandleCreat},
      {SYS_mkdir, "mkdir", HandleMkdir},
      {SYS_mkdirat, "mkdirat", HandleMkdirat},
      {SYS_mknod, "mknod", HandleMknod},
      {SYS_mknodat, "mknodat", HandleMknodat},
      {SYS_symlink, "symlink", HandleSymlink},
      {SYS_symlinkat, "symlinkat", HandleSymlinkat},
      {SYS_unlink, "unlink", HandleUnlink},
      {SYS_unlinkat, "unlinkat", HandleUnlinkat},
      {SYS_rmdir, "rmdir", HandleRmdir},
      {SYS_link, "link", HandleLink},
      {SYS_linkat, "linkat", HandleLinkat},
      {SYS_rename, "rename", HandleRename},
      {SYS_renameat, "renameat", HandleRenameat},
      {SYS_renameat2, "renameat2", HandleRenameat2},
      {SYS_chmod, "chmod", HandleChmod},
      {SYS_fchmod, "fchmod", HandleFchmod},
      {SYS_fchmodat, "fchmodat", HandleFchmodat},
      {kFchmodat2, "fchmodat2", HandleFchmodat2},
      {SYS_chown, "chown", HandleChown},
      {SYS_lchown, "lchown", HandleLchown},
      {SYS_fchown, "fchown", HandleFchown},
      {SYS_fchownat, "fchownat", HandleFchownat},
      {SYS_utime, "utime", HandleUtime},
      {SYS_utimes, "utimes", HandleUtimes},
      {SYS_futimesat, "futimesat", HandleFutimesat},
      {SYS_utimensat, "utimensat", HandleUtimensat},
      {SYS_setxattr, "setxattr", HandleSetxattr},
      {SYS_lsetxattr, "lsetxattr", HandleLsetxattr},
      {SYS_fsetxattr, "fsetxattr", HandleFsetxattr},
      {SYS_removexattr, "removexattr", HandleRemovexattr},
      {SYS_lremovexattr, "lremovexattr", HandleLremovexattr},
      {SYS_fremovexattr, "fremovexattr", HandleFremovexattr},
      {SYS_fsync, "fsync", HandleFsync},
      {SYS_fdatasync, "fdatasync", HandleFdatasync},
      {SYS_sync_file_range, "sync_file_range", HandleSyncFileRange},
      {SYS_msync, "msync", HandleMsync},
      {SYS_sync, "sync", HandleSync},
      {SYS_syncfs, "syncfs", HandleSyncfs},
      {SYS_mmap, "mmap", HandleMmap, kSharedFile},
      {SYS_prctl, "prctl", HandlePrctl, Equals(0, PR_SET_DUMPABLE)},
      {SYS_seccomp, "seccomp", HandleSeccomp, AnyBit(1, SECCOMP_FILTER_FLAG_NEW_LISTENER)},
      {SYS_setrlimit, "setrlimit", HandleSizeLimit, Equals(0, RLIMIT_FSIZE)},
      {SYS_prlimit64, "prlimit64", HandleSizeLimit, Equals(1, RLIMIT_FSIZE)},
      {SYS_chroot, "chroot", HandleOwnPlace},
      {SYS_pivot_root, "pivot_root", HandleOwnPlace},
      {SYS_setns, "setns", HandleOwnPlace},
      {SYS_unshare, "unshare", HandleOwnPlace, AnyBit(0, CLONE_NEWNS)},
      {SYS_clone, "clone", HandleOwnPlace, AnyBit(0, CLONE_NEWNS)},
      {SYS_swapon, "swapon", HandleSwapon},
      {SYS_io_uring_setup, "io_uring_setup"},
      {SYS_io_setup, "io_setup"},
      {SYS_open_by_handle_at, "open_by_handle_at"},
      {kSetxattrat, "setxattrat"},
      {kRemovexattrat, "removexattrat"},
  };
  std::ranges::sort(calls, {}, &TrappedCall::number);
  return calls;
}

constexpr std::array<std::string_view, 14> kNeverFail = {
    "mmap",  "prctl",   "seccomp", "setrlimit", "prlimit64", "chroot",   "pivot_root",
    "setns", "unshare", "clone",   "swapon",    "splice",    "vmsplice", "tee"};

constexpr std::array<std::string_view, 7> kCanBeShort = {
    "write", "pwrite64", "writev", "pwritev", "pwritev2", "sendfile", "copy_file_range"};

}  // namespace

std::span<const TrappedCall> TrappedCalls() {
  static const std::vector<TrappedCall> calls = SortedCalls();
  return calls;
}

const TrappedCall* FindTrappedCall(int number) {
  const std::span<const TrappedCall> calls = TrappedCalls();
  const auto found = std::ranges::lower_bound(calls, number, {}, &TrappedCall::number);
  return found == calls.end() || found->number != number ? nullptr : &*found;
}

bool CanBeShort(std::string_view name) {
  return std::ranges::find(kCanBeShort, name) != kCanBeShort.end();
}

bool SyncsFile(std::string_view name) { return name == "fsync" || name == "fdatasync"; }

std::string CallPoint(std::string_view name) { return "call/" + std::string(name); }

bool CanFail(std::string_view name) {
  const std::span<const TrappedCall> calls = TrappedCalls();
  const auto found = std::ranges::find(calls, name, &TrappedCall::name);
  return found != calls.end() && found->handle != nullptr &&
         std::ranges::find(kNeverFail, name) == kNeverFail.end();
}

}  // namespace plugpull
