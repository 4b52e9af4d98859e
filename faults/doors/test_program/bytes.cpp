// Scenarios of writes, sizes and space.
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <thread>
#include <vector>

#include "faults/doors/test_program/scenarios.h"

namespace plugpull {
namespace {

int OpenNew(const char* path, int flags = 0) {
  return Must(::open(path, O_RDWR | O_CREAT | flags, 0644), "open");
}

void Put(int file, const char* text) {
  Expect(::write(file, text, std::strlen(text)) == static_cast<ssize_t>(std::strlen(text)),
         "write");
}

void Writes() {
  const int file = OpenNew("f");
  Put(file, "one");
  Put(file, "two");
  Must(::pwrite(file, "X", 1, 10), "pwrite");
  std::array<iovec, 2> vector = {{{const_cast<char*>("ab"), 2}, {const_cast<char*>("cde"), 3}}};
  Expect(::writev(file, vector.data(), 2) == 5, "writev");
  Expect(::pwritev(file, vector.data(), 2, 20) == 5, "pwritev");
  Expect(::pwritev2(file, vector.data(), 2, 30, RWF_DSYNC) == 5, "pwritev2");
  Expect(::pwritev2(file, vector.data(), 1, -1, 0) == 2, "pwritev2 at the position");
  Expect(::lseek(file, 0, SEEK_CUR) == 13, "only writes without an offset move the position");
  Expect(::write(file, "", 0) == 0, "write of nothing");
}

void Appends() {
  const int file = OpenNew("f", O_APPEND);
  Put(file, "one");
  Must(::lseek(file, 0, SEEK_SET), "lseek");
  Put(file, "two");
  Expect(::pwrite(file, "X", 1, 0) == 1, "pwrite appends, whatever its offset says");
  iovec vector{const_cast<char*>("yz"), 2};
  const int plain = Must(::open("f", O_RDWR), "open");
  Expect(::pwritev2(plain, &vector, 1, 0, RWF_APPEND) == 2, "RWF_APPEND");
}

void SyncedWrites() {
  Put(OpenNew("full", O_SYNC), "a");
  Put(OpenNew("data", O_DSYNC), "b");
  iovec vector{const_cast<char*>("c"), 1};
  Expect(::pwritev2(OpenNew("plain"), &vector, 1, 5, RWF_SYNC) == 1, "RWF_SYNC");
}

void DirectWrites() {
  constexpr size_t kBytes = 8192;
  const int file = OpenNew("f", O_DIRECT);
  void* memory = std::aligned_alloc(4096, kBytes);
  std::memset(memory, 'd', kBytes);
  Expect(::pwrite(file, memory, kBytes, 4096) == static_cast<ssize_t>(kBytes), "direct pwrite");
  std::free(memory);
}

// Two descriptors of one open file share its position; a second open does not.
void SharedOffsets() {
  const int file = OpenNew("f");
  const int same = Must(::dup(file), "dup");
  const int other = Must(::open("f", O_WRONLY), "open");
  Put(file, "aa");
  Put(same, "bb");
  Put(other, "c");
  Put(file, "dd");
}

void Sizes() {
  const int file = OpenNew("f");
  Put(file, "0123456789");
  Must(::ftruncate(file, 4), "ftruncate");
  Must(::truncate("f", 100), "truncate");
  Must(::fallocate(file, 0, 0, 5000), "fallocate");
  Must(::fallocate(file, FALLOC_FL_KEEP_SIZE, 0, 50000), "keep size");
  Must(::fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1, 2), "punch");
}

void Holes() {
  const int file = OpenNew("f");
  Must(::pwrite(file, "end", 3, 1 << 20), "pwrite");
  Must(::ftruncate(file, 3 << 20), "ftruncate");
  Must(::pwrite(file, "mid", 3, 100000), "pwrite");
}

void FailingWrites() {
  const int file = OpenNew("f");
  const int readable = Must(::open("f", O_RDONLY), "open");
  MustFail(::write(readable, "x", 1), EBADF, "write to a file open for reading");
  MustFail(::write(99, "x", 1), EBADF, "write to a closed number");
  void* nowhere = ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  Must(::munmap(nowhere, 4096), "munmap");
  MustFail(::write(file, nowhere, 4), EFAULT, "write from nowhere");
  MustFail(::pwrite(file, "x", 1, -5), EINVAL, "negative offset");
  MustFail(::ftruncate(readable, 1), EINVAL, "truncate of a file open for reading");
  MustFail(::open("f/g", O_CREAT | O_RDWR, 0644), ENOTDIR, "open below a file");
  MustFail(::open(".", O_RDWR), EISDIR, "open of a directory for writing");
  MustFail(::open("none/g", O_CREAT | O_RDWR, 0644), ENOENT, "open below nothing");
  MustFail(::open("f", O_CREAT | O_EXCL | O_RDWR, 0644), EEXIST, "exclusive open");
}

// A buffer of which only the first page is there: what can be read is written.
void HalfBuffers() {
  const int file = OpenNew("f");
  void* memory = ::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char* pages = static_cast<char*>(memory);
  std::memset(pages, 'p', 4096);
  Must(::munmap(pages + 4096, 4096), "munmap");
  Expect(::write(file, pages + 4000, 200) == 96, "write up to the end of memory");
}

volatile sig_atomic_t signals_seen = 0;

void LimitedSizes() {
  ::signal(SIGXFSZ, [](int) { signals_seen = signals_seen + 1; });
  const rlimit limit{10, 10};
  Must(::setrlimit(RLIMIT_FSIZE, &limit), "setrlimit");
  const int file = OpenNew("f");
  Expect(::write(file, "0123456789abc", 13) == 10, "a write is cut at the limit");
  MustFail(::write(file, "d", 1), EFBIG, "a write beyond it");
  Expect(signals_seen == 1, "SIGXFSZ came");
  MustFail(::ftruncate(file, 11), EFBIG, "and a size beyond it");
}

// Four threads append lines of one length to one file.
void AppendThreads() {
  const int file = OpenNew("f", O_APPEND);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([=] {
      for (int i = 0; i < 5000; ++i) {
        std::array<char, 32> line{};
        const int length = std::snprintf(line.data(), line.size(), "t%d %05d\n", thread, i);
        Expect(::write(file, line.data(), static_cast<size_t>(length)) == length, "append");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Writes under a timer: signals come while calls are performed.
void Signals() {
  struct sigaction action = {};
  action.sa_handler = [](int) { signals_seen = signals_seen + 1; };
  Must(::sigaction(SIGALRM, &action, nullptr), "sigaction");
  const int file = OpenNew("f");
  const itimerval timer{{0, 300}, {0, 300}};
  Must(::setitimer(ITIMER_REAL, &timer, nullptr), "setitimer");
  for (int i = 0; i < 5000; ++i) {
    std::array<char, 8> line{};
    std::snprintf(line.data(), line.size(), "%06d\n", i);
    ssize_t count = -1;
    while ((count = ::write(file, line.data(), 7)) < 0) Expect(errno == EINTR, "write");
    Expect(count == 7, "whole lines");
  }
  const itimerval none{};
  Must(::setitimer(ITIMER_REAL, &none, nullptr), "setitimer");
  Expect(signals_seen > 0, "signals came");
}

}  // namespace

void AddByteScenarios(Scenarios& scenarios) {
  scenarios["writes"] = Writes;
  scenarios["appends"] = Appends;
  scenarios["synced-writes"] = SyncedWrites;
  scenarios["direct-writes"] = DirectWrites;
  scenarios["shared-offsets"] = SharedOffsets;
  scenarios["sizes"] = Sizes;
  scenarios["holes"] = Holes;
  scenarios["failing-writes"] = FailingWrites;
  scenarios["half-buffers"] = HalfBuffers;
  scenarios["limited-sizes"] = LimitedSizes;
  scenarios["append-threads"] = AppendThreads;
  scenarios["signals"] = Signals;
}

}  // namespace plugpull
