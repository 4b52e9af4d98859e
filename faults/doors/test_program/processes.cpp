// Scenarios of more than one process, and of lines on the standard output.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "faults/doors/test_program/scenarios.h"

namespace plugpull {
namespace {

void Put(int file, const char* text) {
  Expect(::write(file, text, std::strlen(text)) == static_cast<ssize_t>(std::strlen(text)),
         "write");
}

int WaitFor(pid_t child) {
  int status = 0;
  Expect(::waitpid(child, &status, 0) == child, "waitpid");
  return status;
}

// Parent and child write through one open file; the child becomes another program.
void ForkExec() {
  const int file = Must(::open("f", O_RDWR | O_CREAT, 0644), "open");
  Put(file, "parent ");
  const pid_t child = Must(::fork(), "fork");
  if (child == 0) {
    Put(file, "child ");
    Must(::dup2(file, STDOUT_FILENO), "dup2");
    ::execlp("printf", "printf", "%s ", "program", nullptr);
    Expect(false, "exec");
  }
  Expect(WaitFor(child) == 0, "the child ends well");
  Put(file, "again");
}

void PassedDescriptor() {
  std::array<int, 2> ends{};
  Must(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), "socketpair");
  const pid_t child = Must(::fork(), "fork");
  char byte = 'x';
  iovec bytes{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> room{};
  msghdr header = {};
  header.msg_iov = &bytes;
  header.msg_iovlen = 1;
  header.msg_control = room.data();
  header.msg_controllen = room.size();
  if (child == 0) {
    Must(::recvmsg(ends[0], &header, 0), "recvmsg");
    int file = -1;
    std::memcpy(&file, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof file);
    Put(file, "passed");
    std::_Exit(0);
  }
  const int file = Must(::open("f", O_RDWR | O_CREAT, 0644), "open");
  cmsghdr* attached = CMSG_FIRSTHDR(&header);
  attached->cmsg_level = SOL_SOCKET;
  attached->cmsg_type = SCM_RIGHTS;
  attached->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(attached), &file, sizeof file);
  Must(::sendmsg(ends[1], &header, 0), "sendmsg");
  Expect(WaitFor(child) == 0, "the child ends well");
}

// A process that outlives its parents and is nobody's child any more.
void Daemon() {
  if (Must(::fork(), "fork") != 0) return;
  Must(::setsid(), "setsid");
  if (Must(::fork(), "fork") != 0) std::_Exit(0);
  ::usleep(50'000);
  const int file = Must(::open("late", O_RDWR | O_CREAT, 0644), "open");
  Put(file, "daemon");
  std::_Exit(0);
}

void MissingProgram() {
  const pid_t child = Must(::vfork(), "vfork");
  if (child == 0) {
    ::execl("/does/not/exist", "x", nullptr);
    ::_exit(7);
  }
  Expect(WEXITSTATUS(WaitFor(child)) == 7, "exec fails as it would alone");
  Put(Must(::open("after", O_RDWR | O_CREAT, 0644), "open"), "x");
}

// Lines between writes, several in one write, one in several, and one without an end.
void Lines() {
  const int file = Must(::open("f", O_RDWR | O_CREAT, 0644), "open");
  Put(file, "a");
  Put(STDOUT_FILENO, "one\ntwo\n");
  Put(file, "b");
  Put(STDOUT_FILENO, "thr");
  Put(file, "c");
  std::array<iovec, 2> vector = {{{const_cast<char*>("e"), 1}, {const_cast<char*>("e\nfo"), 4}}};
  Expect(::writev(STDOUT_FILENO, vector.data(), 2) == 5, "writev");
  Put(file, "d");
  Put(STDOUT_FILENO, "ur");
}

void Echo() {
  std::array<char, 256> line{};
  const int file = Must(::open("f", O_RDWR | O_CREAT, 0644), "open");
  while (std::fgets(line.data(), static_cast<int>(line.size()), stdin) != nullptr) {
    Put(file, line.data());
    std::printf("got %s", line.data());
    std::fflush(stdout);
  }
}

void ManyProcesses() {
  const int file = Must(::open("f", O_WRONLY | O_CREAT | O_APPEND, 0644), "open");
  for (int i = 0; i < 100; ++i) {
    const pid_t child = Must(::fork(), "fork");
    if (child == 0) {
      Put(file, "x");
      ::_exit(0);
    }
    Must(::waitpid(child, nullptr, 0), "waitpid");
  }
}

void Die() { std::abort(); }

void Forever() {
  const int file = Must(::open("f", O_RDWR | O_CREAT, 0644), "open");
  if (Must(::fork(), "fork") == 0) ::setsid();
  while (true) Must(::pwrite(file, "x", 1, 0), "pwrite");
}

}  // namespace

void AddProcessScenarios(Scenarios& scenarios) {
  scenarios["fork-exec"] = ForkExec;
  scenarios["passed-descriptor"] = PassedDescriptor;
  scenarios["daemon"] = Daemon;
  scenarios["missing-program"] = MissingProgram;
  scenarios["lines"] = Lines;
  scenarios["echo"] = Echo;
  scenarios["many-processes"] = ManyProcesses;
  scenarios["die"] = Die;
  scenarios["forever"] = Forever;
}

}  // namespace plugpull
