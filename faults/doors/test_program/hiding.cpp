// Scenarios of programs that do what cannot be seen, and of interfaces that are refused.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "faults/doors/test_program/scenarios.h"

namespace plugpull {
namespace {

// Calls that are not waited for would not be seen: programs get to know that there are none.
void Refused() {
  char memory[256] = {};
  MustFail(::syscall(SYS_io_uring_setup, 8, memory), ENOSYS, "io_uring");
  unsigned long context = 0;
  MustFail(::syscall(SYS_io_setup, 8, &context), ENOSYS, "asynchronous input and output");
}

void SecondListener() {
  sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
  const sock_fprog program{1, &allow};
  ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

// A sandbox without a listener is fine.
void OwnFilter() {
  sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
  const sock_fprog program{1, &allow};
  Must(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), "a filter of its own");
  Must(::open("f", O_RDWR | O_CREAT, 0644), "open");
}

void NotDumpable() {
  Must(::prctl(PR_SET_DUMPABLE, 0), "prctl");
  const int file = Must(::open("f", O_RDWR | O_CREAT, 0644), "open");
  Expect(::write(file, "seen", 4) == 4, "write");
}

// The 32-bit way into the kernel, which every 64-bit process has.
void Foreign() {
  long result = 0;
  asm volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");  // getpid
  Expect(result > 0, "a 32-bit call");
}

void Foreign32() {
  constexpr long kX32Bit = 0x40000000;
  ::syscall(kX32Bit + SYS_getpid);
}

void OwnRoot() { ::chroot("."); }

}  // namespace

void AddHidingScenarios(Scenarios& scenarios) {
  scenarios["refused"] = Refused;
  scenarios["second-listener"] = SecondListener;
  scenarios["own-filter"] = OwnFilter;
  scenarios["not-dumpable"] = NotDumpable;
  scenarios["foreign"] = Foreign;
  scenarios["foreign-x32"] = Foreign32;
  scenarios["own-root"] = OwnRoot;
}

}  // namespace plugpull
