// What runs in a child: one role, served over a channel until the harness hangs up.
#pragma once

#include <string>
#include <vector>

namespace plugpull {

enum class ChildRole {
  kRecord,   // runs one workload, writes the trace
  kRecover,  // explores crash points and replays crash states, thousands of recoveries long
  kErrors,   // runs plans of failing calls
};

// Returns: the command line that makes this program serve. Descriptors of -1 are not used.
std::vector<std::string> ChildArguments(ChildRole role, int channel, int file, int shared);

// Returns: true when the arguments are those of a child.
bool IsChild(int argc, char** argv);

// Serves until the channel closes. Returns: the exit status.
int ServeChild(int argc, char** argv);

// Returns: ": " and the last line that a child wrote to its standard error, or "".
std::string LastWords(int stderr_descriptor);

// What a child says before it gives up because of a mistake of ours, not of the engine's.
inline constexpr const char* kInternalError = "plugpull: internal error";

}  // namespace plugpull
