// Commands of the user's, as they are written on a command line or in a configuration file, and how
// they are started. They run in the recorded directory or in an image; what is written relative to
// the caller's directory is found from there.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace plugpull {

// Returns: the words to execute for a command that is given in one piece: its own, where it is a
// program that can be found and plain words; else /bin/sh -c with it, which one program alone then
// replaces. Empty for a blank command.
std::vector<std::string> ArgumentsOf(std::string_view command);

// Returns: `arguments` with a program that is written relative to the caller's directory, as in
// ./load.sh, made absolute.
std::vector<std::string> FromHere(std::vector<std::string> arguments);

// Returns: a command as the user wrote it, its program written so that it is found from any
// directory, where that is a path from this one.
std::string CommandFromHere(std::string_view command);

// Returns: the words as a shell reads them back.
std::string ShellText(std::span<const std::string> arguments);

// Returns: what a command of the user's finds in its environment besides ours: PLUGPULL_DIR, the
// directory it works in, and OLDPWD, the caller's.
std::map<std::string, std::string> CommandEnvironment(const std::string& directory);

}  // namespace plugpull
