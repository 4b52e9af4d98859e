#include "harness/command_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace plugpull {
namespace {

// What means the same to a shell and to us.
bool IsPlain(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%";
  return text.find_first_not_of(kPlain) == std::string_view::npos;
}

bool IsProgram(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
}

bool CanBeFound(const std::string& program) {
  if (program.find('/') != std::string::npos) return IsProgram(program);
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "/usr/bin:/bin" : path;
  while (!rest.empty()) {
    const size_t colon = rest.find(':');
    const std::string_view directory = rest.substr(0, colon);
    rest = colon == std::string_view::npos ? "" : rest.substr(colon + 1);
    if (!directory.empty() && IsProgram(std::filesystem::path(directory) / program)) return true;
  }
  return false;
}

}  // namespace

std::vector<std::string> ArgumentsOf(std::string_view command) {
  std::vector<std::string> words;
  bool plain = true;
  for (size_t begin = 0; begin < command.size();) {
    const size_t end = std::min(command.find_first_of(" \t\n", begin), command.size());
    const std::string_view word = command.substr(begin, end - begin);
    begin = end + 1;
    if (word.empty()) continue;
    plain = plain && IsPlain(word);
    words.emplace_back(word);
  }
  if (words.empty()) return {};
  // A shell takes `name=value` in front for a variable, and has commands that are no programs.
  const std::string first = words.front();
  const bool is_program =
      IsPlain(first) && first.find('=') == std::string::npos && CanBeFound(first);
  if (plain && is_program) return FromHere(std::move(words));
  std::string text(command);
  // One program alone takes the shell's place, so that signals for the command reach it.
  if (is_program && command.find_first_of(";|&\n(){}`") == std::string_view::npos) {
    const size_t begin = command.find(first);
    text =
        fmt::format("exec {}{}", FromHere({first}).front(), command.substr(begin + first.size()));
  }
  return {"/bin/sh", "-c", text};
}

std::vector<std::string> FromHere(std::vector<std::string> arguments) {
  if (arguments.empty()) return arguments;
  const std::filesystem::path program = arguments.front();
  const bool is_relative = program.is_relative() && program.has_parent_path();
  std::error_code error;
  if (is_relative && std::filesystem::exists(program, error)) {
    arguments.front() = std::filesystem::absolute(program, error).lexically_normal().string();
  }
  return arguments;
}

std::string CommandFromHere(std::string_view command) {
  const size_t begin = std::min(command.find_first_not_of(" \t\n"), command.size());
  const size_t end = std::min(command.find_first_of(" \t\n;|&<>()", begin), command.size());
  const std::string first(command.substr(begin, end - begin));
  if (first.empty() || !IsPlain(first)) return std::string(command);
  return FromHere({first}).front() + std::string(command.substr(end));
}

std::string ShellText(std::span<const std::string> arguments) {
  std::string text;
  for (const std::string& argument : arguments) {
    if (!text.empty()) text += ' ';
    if (IsPlain(argument) && !argument.empty()) {
      text += argument;
      continue;
    }
    text += '\'';
    for (const char c : argument) {
      if (c == '\'') {
        text += "'\\''";
      } else {
        text += c;
      }
    }
    text += '\'';
  }
  return text;
}

std::map<std::string, std::string> CommandEnvironment(const std::string& directory) {
  std::map<std::string, std::string> environment = {{"PLUGPULL_DIR", directory},
                                                    {"PWD", directory}};
  std::error_code error;
  const std::filesystem::path here = std::filesystem::current_path(error);
  if (!error) environment["OLDPWD"] = here.string();
  return environment;
}

}  // namespace plugpull
