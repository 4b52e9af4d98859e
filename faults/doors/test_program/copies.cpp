// Scenarios of calls that copy inside the kernel.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "faults/doors/test_program/scenarios.h"

namespace plugpull {
namespace {

int Source() {
  const int file = Must(::open("source", O_RDWR | O_CREAT, 0644), "open");
  Expect(::write(file, "0123456789", 10) == 10, "write");
  Must(::lseek(file, 2, SEEK_SET), "lseek");
  return file;
}

int Target() { return Must(::open("target", O_RDWR | O_CREAT, 0644), "open"); }

void CopyFileRange() {
  const int source = Source();
  const int target = Target();
  Expect(::copy_file_range(source, nullptr, target, nullptr, 3, 0) == 3, "at the positions");
  Expect(::lseek(source, 0, SEEK_CUR) == 5 && ::lseek(target, 0, SEEK_CUR) == 3, "both moved");
  off_t from = 7;
  off_t to = 20;
  Expect(::copy_file_range(source, &from, target, &to, 100, 0) == 3, "up to the end");
  Expect(from == 10 && to == 23, "the offsets moved");
  Expect(::lseek(source, 0, SEEK_CUR) == 5, "the position did not");
  Expect(::copy_file_range(source, &from, target, &to, 100, 0) == 0, "at the end");
  from = 0;
  to = 1;
  MustFail(::copy_file_range(source, &from, source, &to, 4, 0), EINVAL, "onto itself");
}

void Sendfile() {
  const int source = Source();
  const int target = Target();
  Expect(::sendfile(target, source, nullptr, 4) == 4, "at the position");
  off_t from = 0;
  Expect(::sendfile(target, source, &from, 2) == 2 && from == 2, "at an offset");
  Expect(::lseek(source, 0, SEEK_CUR) == 6, "the position moved by the first alone");
}

// What cannot be seen is refused, so that programs copy by themselves.
void Splice() {
  int ends[2];
  Must(::pipe(ends), "pipe");
  Expect(::write(ends[1], "piped", 5) == 5, "a pipe of its own works");
  MustFail(::splice(ends[0], nullptr, Target(), nullptr, 5, 0), EINVAL, "splice to a file");
  MustFail(::splice(ends[0], nullptr, STDOUT_FILENO, nullptr, 5, 0), EINVAL, "to the output");
}

void Clone() {
  const int source = Source();
  const int target = Target();
  const bool cloned = ::ioctl(target, FICLONE, source) == 0;
  Expect(cloned || errno == EOPNOTSUPP, "a file system clones, or says that it does not");
}

}  // namespace

void AddCopyScenarios(Scenarios& scenarios) {
  scenarios["copy-file-range"] = CopyFileRange;
  scenarios["sendfile"] = Sendfile;
  scenarios["splice"] = Splice;
  scenarios["clone"] = Clone;
}

}  // namespace plugpull
