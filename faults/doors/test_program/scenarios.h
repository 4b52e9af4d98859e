// The program that the tests of the traced door record: it plays one scenario, named by its first
// argument, in its working directory, and fails loudly where a call does not do what it should.
#pragma once

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>

namespace plugpull {

using Scenarios = std::map<std::string, std::function<void()>>;

void AddByteScenarios(Scenarios& scenarios);
void AddCopyScenarios(Scenarios& scenarios);
void AddNameScenarios(Scenarios& scenarios);
void AddAttributeScenarios(Scenarios& scenarios);
void AddSyncScenarios(Scenarios& scenarios);
void AddProcessScenarios(Scenarios& scenarios);
void AddHidingScenarios(Scenarios& scenarios);

// Ends the program with status 1 where `condition` does not hold. In a child too, so without
// flushing what is not ours.
inline void Expect(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "test program: not so: %s (errno %d, %s)\n", what, errno,
               std::strerror(errno));
  std::_Exit(1);
}

// For calls that return -1 where they fail. Returns: what the call returned.
template <typename T>
T Must(T result, const char* what) {
  Expect(result >= 0, what);
  return result;
}

// For calls that have to fail.
template <typename T>
void MustFail(T result, int os_errno, const char* what) {
  const int seen = errno;
  Expect(result < 0 && seen == os_errno, what);
}

}  // namespace plugpull
