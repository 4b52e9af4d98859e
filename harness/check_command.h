// A command of the user's that says whether an image is consistent. It runs with its working
// directory and $PLUGPULL_DIR at the image and $OLDPWD at ours, gets the acknowledged lines on its
// standard input, and exits with status 0 (consistent) or 1 (violation; the first line of its
// output says what).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "faults/base/error.h"
#include "harness/channel.h"
#include "harness/recovery.h"

namespace plugpull {

// Thread-safety: one thread at a time.
class CheckCommand {
 public:
  // The command starts as ArgumentsOf (command_line.h) says.
  // Errors: kInvalidArgument for an empty command; kIo.
  static Expected<CheckCommand> Create(std::string_view command);

  // Returns: what the check finds, or nothing. Its whole process group is killed when it has ended,
  // or has not within `timeout`. Errors: it could not be started.
  Expected<std::optional<Violation>> Run(const std::string& directory, std::string_view input,
                                         std::chrono::milliseconds timeout);

 private:
  CheckCommand() = default;
  // Makes `input` what the next check reads.
  Expected<void> LayOutInput(std::string_view input);

  std::vector<std::string> arguments_;
  Descriptor input_;  // files in memory, for one check after another
  Descriptor output_;
  Descriptor complaints_;
  std::string input_text_;
};

}  // namespace plugpull
