// A child process of the harness: the same executable, serving. Hides Boost.Process (v2), so that
// it can be replaced, and so that only one file pays for compiling it.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "faults/base/error.h"

namespace plugpull {

// How a child ended.
struct ChildExit {
  bool signaled = false;
  int code = 0;  // exit status, or the signal's number

  // Returns: "died of signal 11 (Segmentation fault)" or "exited with status 1".
  std::string Describe() const;
};

class ChildProcess {
 public:
  ~ChildProcess();  // kills and reaps the child if it still runs
  ChildProcess(ChildProcess&&) noexcept;
  ChildProcess& operator=(ChildProcess&&) noexcept;

  // Starts this program again with `arguments`. The descriptors `inherited` keep their numbers in
  // the child; all others but the standard ones are closed there. Standard input and output are
  // /dev/null, standard error is `stderr_fd`. The child is killed when the calling thread ends,
  // however it ends.
  static Expected<ChildProcess> Spawn(const std::vector<std::string>& arguments,
                                      const std::vector<int>& inherited, int stderr_fd);

  pid_t pid() const;
  void Kill();

  // Waits for the end of the child. Requires: it was killed, or is about to end by itself.
  ChildExit Wait();

 private:
  struct State;
  explicit ChildProcess(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

// The program that Spawn starts: this one, unless a test of the harness names another.
void SetChildProgram(const std::string& path);

// Call first thing in a child: asks the kernel to kill it when the harness dies, and gives up if
// that has happened already.
void DieWithParent(pid_t parent);

}  // namespace plugpull
