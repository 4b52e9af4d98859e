// Engines that are programs of their own, in any language. A driver reads commands from its
// standard input and answers on its standard output, line by line:
//
//   open DIR [k=v ...]   begin   put HEXKEY HEXVALUE   del HEXKEY   commit   abort
//   dump (lines "HEXKEY HEXVALUE", then "end")   check   repair   close   quit
//
// An answer is "ok", or "err TEXT". An empty key or value is "-". See engine/drivers/README.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "faults/base/error.h"

namespace plugpull {

// How to start a driver, and what to tell it.
struct DriverProgram {
  std::vector<std::string> arguments;   // [0] is a path, or looked for as execvp(3) does
  std::vector<std::string> open_words;  // "k=v", for `open`
};

// Lines to a driver and back. Thread-safety: one thread at a time.
class Conversation {
 public:
  virtual ~Conversation() = default;

  // Sends whole lines, each with its end. Errors: as of Receive.
  virtual Expected<void> Send(std::string_view lines) = 0;

  // Returns: the next line, without its end; valid until the next call of this object.
  // Errors: the driver has ended, or took too long: how_it_ended() says what.
  virtual Expected<std::string_view> Receive() = 0;

  // Says that the driver does not keep to the protocol, so that nobody knows any more which answer
  // belongs to which question: it is not to be spoken to again.
  virtual void GiveUp() {}

  enum class End : uint8_t { kAlive, kExited, kCrashed, kTimedOut };
  virtual End how_it_ended() const = 0;
};

// Returns: an unopened store in `directory`, driven over `conversation`, which must outlive it.
// Destroying it says `close` if the store is open, so that the driver can open the next one; what
// that writes is of no interest to anybody. Errors of the calls are what the driver says, of code
// kTargetFailed; an answer that is none ends the conversation, and the error quotes it.
std::unique_ptr<Engine> MakeDriverEngine(Conversation& conversation, const std::string& directory,
                                         const DriverProgram& program);

// A driver as a plain process, in a process group of its own. It is killed, with whatever it
// started, when this object or the thread that made it ends.
class DriverProcess : public Conversation {
 public:
  // Errors: kNotFound, kIo.
  static Expected<std::unique_ptr<DriverProcess>> Start(const DriverProgram& program);

  // Lets whatever is asked from now on take until `deadline`; then the driver is killed.
  virtual void SetDeadline(std::chrono::steady_clock::time_point deadline) = 0;

  // Returns: "died of signal 11 (Segmentation fault)", "exited with status 1" and the like, with
  // what it said last on its standard error. Requires: it has ended.
  virtual std::string DescribeEnd() const = 0;
};

}  // namespace plugpull
