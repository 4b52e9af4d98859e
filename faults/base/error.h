// Errors as values. Every fallible function returns Expected<T>; the three parts of an Error are
// what a person needs: what kind of trouble, where and what to do next, and what the system said.
#pragma once

#include <cerrno>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace plugpull {

enum class ErrorCode {
  kNotFound,         // no such file or directory
  kAlreadyExists,    // exclusive creation of a name that is there
  kInvalidArgument,  // the caller or the user asked for something that has no meaning
  kIo,               // the system refused: see os_errno
  kNoSpace,          // disk or quota full
  kBusy,             // a lock is held by somebody else
  kCorrupt,          // bytes that do not say what their format demands
  kTooNew,           // written by a later version of plugpull
  kUnsupported,      // this machine or build cannot do it
  kTargetFailed,     // the engine under test failed where no fault was injected
};

struct Error {
  ErrorCode code;
  std::string context;  // one line for a person: what, where, what to do next
  int os_errno = 0;     // 0 when the system was not involved
  // Of a write that was cut short, which happens under injected failures alone: the bytes that it
  // wrote all the same. Such an error is no failure of the call: go on with the rest.
  uint64_t done_bytes = 0;
};

template <typename T = void>
using Expected = std::expected<T, Error>;

// Returns: an error value to return from a function of type Expected<T>.
inline std::unexpected<Error> Fail(ErrorCode code, std::string context, int os_errno = 0) {
  return std::unexpected<Error>(Error{code, std::move(context), os_errno});
}

// Returns: "context: strerror" when the system said something, else the context alone.
std::string Describe(const Error& error);

// Returns: the code that fits `os_errno` best.
ErrorCode CodeFromErrno(int os_errno);

// Returns: an error whose code follows from `os_errno`.
inline std::unexpected<Error> FailErrno(std::string context, int os_errno = errno) {
  return Fail(CodeFromErrno(os_errno), std::move(context), os_errno);
}

}  // namespace plugpull
