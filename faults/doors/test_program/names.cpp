// Scenarios of names. Where one needs a place outside the recorded directory, $OUTSIDE is it.
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "faults/doors/test_program/scenarios.h"

namespace plugpull {
namespace {

std::string Outside(const char* name) {
  const char* directory = std::getenv("OUTSIDE");
  Expect(directory != nullptr, "$OUTSIDE says where that is");
  return std::string(directory) + "/" + name;
}

void Make(const char* path, const char* text) {
  const int file = Must(::open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644), "open");
  Expect(::write(file, text, std::strlen(text)) == static_cast<ssize_t>(std::strlen(text)),
         "write");
  Must(::close(file), "close");
}

void Opens() {
  Must(::close(Must(::creat("a", 0644), "creat")), "close");
  Make("a", "old");
  Must(::open("a", O_RDWR | O_CREAT, 0644), "open what is there");
  Must(::open("a", O_RDWR | O_TRUNC), "truncate what is there");
  Must(::mkdir("d", 0755), "mkdir");
  const int directory = Must(::open("d", O_RDONLY | O_DIRECTORY), "open");
  Must(::openat(directory, "b", O_RDWR | O_CREAT | O_EXCL, 0600), "openat");
  open_how how = {};
  how.flags = O_RDWR | O_CREAT;
  how.mode = 0644;
  how.resolve = RESOLVE_BENEATH;
  Must(::syscall(SYS_openat2, directory, "c", &how, sizeof how), "openat2");
  MustFail(::syscall(SYS_openat2, directory, "../e", &how, sizeof how), EXDEV, "openat2 above");
  Must(::chdir("d"), "chdir");
  Must(::open("../d/./../f", O_RDWR | O_CREAT, 0644), "open by a winding path");
  Must(::mknod("node", S_IFREG | 0644, 0), "mknod");
  Must(::mknod("pipe", S_IFIFO | 0644, 0), "mkfifo");
}

void Modes() {
  ::umask(0);
  Must(::close(Must(::open("all", O_RDWR | O_CREAT, 0666), "open")), "close");
  Must(::mkdir("open", 0777), "mkdir");
  ::umask(077);
  Must(::close(Must(::open("own", O_RDWR | O_CREAT, 0666), "open")), "close");
  struct stat status = {};
  Must(::stat("all", &status), "stat");
  Expect((status.st_mode & 07777) == 0666, "no umask, no bits taken");
  Must(::stat("open", &status), "stat");
  Expect((status.st_mode & 07777) == 0777, "of directories neither");
  Must(::stat("own", &status), "stat");
  Expect((status.st_mode & 07777) == 0600, "the program's umask counts");
}

void Directories() {
  Must(::mkdir("a", 0755), "mkdir");
  Must(::mkdir("a/b/", 0755), "mkdir with a slash");
  Make("a/b/f", "x");
  Must(::rename("a/b", "c"), "rename of a directory");
  Make("c/f", "y");
  MustFail(::rmdir("c"), ENOTEMPTY, "rmdir of one that is not empty");
  Must(::unlink("c/f"), "unlink");
  Must(::rmdir("c"), "rmdir");
  Must(::unlinkat(AT_FDCWD, "a", AT_REMOVEDIR), "unlinkat");
  MustFail(::mkdir(".", 0755), EEXIST, "mkdir of itself");
}

void Links() {
  Make("a", "text");
  Must(::link("a", "b"), "link");
  Must(::unlink("a"), "unlink");
  const int file = Must(::open("b", O_WRONLY), "open");
  Expect(::write(file, "T", 1) == 1, "write through the other name");
  Must(::rename("b", "b"), "rename to itself");
  Must(::link("b", "c"), "link");
  Must(::rename("b", "c"), "rename to another name of it");
  MustFail(::link("none", "d"), ENOENT, "link of nothing");
  MustFail(::link("b", "c"), EEXIST, "link to what is there");
  Must(::symlink("b", "s"), "symlink");
  Must(::symlink("missing", "dangling"), "symlink");
  const int made = Must(::open("dangling", O_WRONLY | O_CREAT, 0644), "open through it");
  Expect(::write(made, "m", 1) == 1, "write");
  MustFail(::open("dangling", O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST, "exclusively");
  Must(::open("s", O_WRONLY | O_TRUNC), "open through a link");
  Must(::rename("s", "t"), "rename of a link");
  Must(::unlink("t"), "unlink of a link");
}

void Renames() {
  Make("a", "a");
  Make("b", "b");
  Must(::rename("a", "b"), "replace");
  Make("c", "c");
  MustFail(::renameat2(AT_FDCWD, "b", AT_FDCWD, "c", RENAME_NOREPLACE), EEXIST, "noreplace");
  Must(::renameat2(AT_FDCWD, "b", AT_FDCWD, "c", RENAME_EXCHANGE), "exchange");
  Must(::renameat2(AT_FDCWD, "c", AT_FDCWD, "d", RENAME_NOREPLACE), "noreplace");
  MustFail(::rename("none", "d"), ENOENT, "rename of nothing");
}

void Unnamed() {
  const int file = Must(::open(".", O_TMPFILE | O_RDWR, 0644), "O_TMPFILE");
  Expect(::write(file, "body", 4) == 4, "write");
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  Must(::linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), "linkat");
  Expect(::write(file, "more", 4) == 4, "write");
}

void UnlinkedFile() {
  const int file = Must(::open("f", O_RDWR | O_CREAT, 0644), "open");
  Must(::unlink("f"), "unlink");
  Expect(::write(file, "ghost", 5) == 5, "write to a file without a name");
  Make("f", "new");
  Expect(::write(file, "s", 1) == 1, "which is not the new one of that name");
}

// Numbers of removed files are used again, here and outside.
void NumbersAgain() {
  for (int i = 0; i < 50; ++i) {
    Make("f", "inside");
    Must(::unlink("f"), "unlink");
    Make(Outside("f").c_str(), "outside");
    Must(::unlink(Outside("f").c_str()), "unlink");
  }
}

void InAndOut() {
  Make(Outside("file").c_str(), "imported");
  Must(::rename(Outside("file").c_str(), "in"), "rename into the directory");
  Make("old", "old");
  Make(Outside("newer").c_str(), "newer");
  Must(::rename(Outside("newer").c_str(), "old"), "replace by something from outside");
  Must(::mkdir(Outside("tree").c_str(), 0755), "mkdir");
  Make(Outside("tree/leaf").c_str(), "leaf");
  Must(::rename(Outside("tree").c_str(), "tree"), "rename of a tree");
  const int file = Must(::open("in", O_WRONLY | O_APPEND), "open");
  Must(::rename("in", Outside("out").c_str()), "rename out of it");
  Expect(::write(file, "!", 1) == 1, "a write there is not recorded");
  Make(Outside("linked").c_str(), "linked");
  Must(::link(Outside("linked").c_str(), "inner"), "link into the directory");
}

// A pipe has no bytes to be recorded, and nobody at its other end.
void PipesComeIn() {
  Must(::mkfifo(Outside("pipe").c_str(), 0644), "mkfifo");
  Must(::link(Outside("pipe").c_str(), "linked"), "link into the directory");
  Make("old", "old");
  Must(::rename(Outside("pipe").c_str(), "old"), "rename over a file");
  Make("after", "x");
}

}  // namespace

void AddNameScenarios(Scenarios& scenarios) {
  scenarios["opens"] = Opens;
  scenarios["modes"] = Modes;
  scenarios["directories"] = Directories;
  scenarios["links"] = Links;
  scenarios["renames"] = Renames;
  scenarios["unnamed"] = Unnamed;
  scenarios["unlinked-file"] = UnlinkedFile;
  scenarios["numbers-again"] = NumbersAgain;
  scenarios["in-and-out"] = InAndOut;
  scenarios["pipes-come-in"] = PipesComeIn;
}

}  // namespace plugpull
