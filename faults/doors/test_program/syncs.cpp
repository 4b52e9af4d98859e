// Scenarios of syncs and shared mappings, and of calls that fail by plan.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vector>

#include "faults/doors/test_program/scenarios.h"

namespace plugpull {
namespace {

int File(const char* name = "f") { return Must(::open(name, O_RDWR | O_CREAT, 0644), "open"); }

void Syncs() {
  const int file = File();
  Expect(::write(file, "0123456789", 10) == 10, "write");
  Must(::fsync(file), "fsync");
  Must(::fdatasync(file), "fdatasync");
  Must(::sync_file_range(file, 2, 3, SYNC_FILE_RANGE_WRITE), "sync_file_range");
  Must(::sync_file_range(file, 4, 0, SYNC_FILE_RANGE_WRITE), "to the end");
  const int directory = Must(::open(".", O_RDONLY | O_DIRECTORY), "open");
  Must(::fsync(directory), "fsync of a directory");
  Must(::fdatasync(directory), "fdatasync of a directory");
  Must(::syncfs(file), "syncfs");
  ::sync();
  MustFail(::fsync(77), EBADF, "fsync of nothing");
  MustFail(::fsync(Must(::open("f", O_PATH), "open")), EBADF, "fsync of a path");
  MustFail(::sync_file_range(file, 0, 0, 1U << 20), EINVAL, "strange flags");
  int ends[2];
  Must(::pipe(ends), "pipe");
  MustFail(::fsync(ends[0]), EINVAL, "fsync of a pipe");
}

void Mapped() {
  constexpr size_t kBytes = 16384;
  const int file = File();
  Must(::ftruncate(file, kBytes), "ftruncate");
  void* memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  Expect(memory != MAP_FAILED, "mmap");
  char* bytes = static_cast<char*>(memory);
  bytes[5000] = 'm';
  Must(::msync(bytes + 4096, 4096, MS_SYNC), "msync");
  bytes[1] = 'n';
  Must(::msync(bytes, kBytes, MS_ASYNC), "msync");
  Expect(::pwrite(file, "w", 1, 9000) == 1, "pwrite");
  bytes[9001] = 'o';
}

// Which calls fail is the plan's; what they return is told line by line.
void Told() {
  const int file = File("data");
  const auto tell = [](const char* what, long result) {
    std::printf("%s %s\n", what,
                result < 0 ? std::strerror(errno) : std::to_string(result).c_str());
    std::fflush(stdout);
  };
  for (int i = 0; i < 3; ++i) tell("write", ::write(file, "0123456789", 10));
  for (int i = 0; i < 3; ++i) tell("fdatasync", ::fdatasync(file));
  tell("rename", ::rename("data", "moved"));
  tell("open", ::open("other-wal", O_RDWR | O_CREAT, 0644));
  tell("unlink", ::unlink("moved"));
}

}  // namespace

void AddSyncScenarios(Scenarios& scenarios) {
  scenarios["syncs"] = Syncs;
  scenarios["mapped"] = Mapped;
  scenarios["told"] = Told;
}

}  // namespace plugpull
