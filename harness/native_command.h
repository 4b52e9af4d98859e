// Runs a command of the user's as it is, unrecorded: what prepares a directory, asks whether a
// server is ready, or drives it. Whatever the command has started ends with it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "faults/base/error.h"
#include "harness/child_process.h"

namespace plugpull {

struct NativeSettings {
  std::vector<std::string> arguments;  // [0] is looked for as execvp(3) does
  std::string work_directory;
  std::map<std::string, std::string> environment = {};  // besides, or instead of, our own
  std::string user = {};                                // run as; empty: as we are. Needs root
  enum class Output : uint8_t {
    kStandardError,  // what it prints goes where our messages go
    kNowhere,        // what it says on standard error, too
    kLines,          // TakeLines has it
  } output = Output::kStandardError;
};

class NativeCommand {
 private:
  struct State;

 public:
  using Clock = std::chrono::steady_clock;

  // Errors: kNotFound: the program; kInvalidArgument: the user; kIo.
  static Expected<std::unique_ptr<NativeCommand>> Start(const NativeSettings& settings);

  // Of Start alone: nobody else has a State.
  explicit NativeCommand(std::unique_ptr<State> state);

  // Kills the command and what it has started.
  ~NativeCommand();
  NativeCommand(const NativeCommand&) = delete;
  NativeCommand& operator=(const NativeCommand&) = delete;

  // Returns: a descriptor that is readable when the command has printed something, or has ended.
  int descriptor() const;

  // Returns: the lines that are complete by now; after its end, an unfinished last one as well.
  // Never waits.
  std::vector<std::string> TakeLines();

  // Returns: how it ended, if it has. Never waits.
  std::optional<ChildExit> Exit();

  // Waits for the end. Returns: nothing when `deadline` came first.
  std::optional<ChildExit> Wait(Clock::time_point deadline);

 private:
  std::unique_ptr<State> state_;
};

// Returns: whom `user` names. Errors: kInvalidArgument: nobody, or we may not become somebody else.
struct UserIds {
  uid_t user = 0;
  gid_t group = 0;
};
Expected<UserIds> FindUser(const std::string& user);

}  // namespace plugpull
