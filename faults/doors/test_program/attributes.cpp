// Scenarios of modes, owners, times and extended attributes.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

#include "faults/doors/test_program/scenarios.h"

namespace plugpull {
namespace {

int File() { return Must(::open("f", O_RDWR | O_CREAT, 0644), "open"); }

void Chmods() {
  const int file = File();
  Must(::chmod("f", 0600), "chmod");
  Must(::fchmod(file, 0640), "fchmod");
  Must(::fchmodat(AT_FDCWD, "f", 0400, 0), "fchmodat");
  MustFail(::chmod("none", 0600), ENOENT, "chmod of nothing");
  Must(::chown("f", ::getuid(), ::getgid()), "chown");
  Must(::fchown(file, ::getuid(), ::getgid()), "fchown");
}

void OwnerTakesBits() {
  const int file = File();
  Must(::fchmod(file, 06755), "fchmod");
  Must(::fchown(file, ::getuid(), ::getgid()), "fchown");
}

void Times() {
  const int file = File();
  const timespec times[2] = {{10, 20}, {30, 40}};
  Must(::utimensat(AT_FDCWD, "f", times, 0), "utimensat");
  const timespec later[2] = {{50, 0}, {60, 7}};
  Must(::futimens(file, later), "futimens");
  const utimbuf plain{70, 80};
  Must(::utime("f", &plain), "utime");
  const timeval micro[2] = {{90, 1}, {100, 2}};
  Must(::utimes("f", micro), "utimes");
  Must(::symlink("f", "s"), "symlink");
  Must(::utimensat(AT_FDCWD, "s", times, AT_SYMLINK_NOFOLLOW), "of a link");
}

void Xattrs() {
  const int file = File();
  Must(::setxattr("f", "user.one", "1", 1, 0), "setxattr");
  Must(::fsetxattr(file, "user.two", "22", 2, XATTR_CREATE), "fsetxattr");
  MustFail(::setxattr("f", "user.two", "3", 1, XATTR_CREATE), EEXIST, "XATTR_CREATE");
  Must(::removexattr("f", "user.one"), "removexattr");
  MustFail(::fremovexattr(file, "user.one"), ENODATA, "fremovexattr");
}

}  // namespace

void AddAttributeScenarios(Scenarios& scenarios) {
  scenarios["chmods"] = Chmods;
  scenarios["owner-takes-bits"] = OwnerTakesBits;
  scenarios["times"] = Times;
  scenarios["xattrs"] = Xattrs;
}

}  // namespace plugpull
