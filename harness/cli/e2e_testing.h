// Runs the real binary as a user would: in a directory of its own, with its own environment, and
// with everything that it says caught. For end-to-end tests only.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace plugpull::e2e {

using nlohmann::json;
using Words = std::vector<std::string>;

inline std::string ReadText(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void WriteText(const std::filesystem::path& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
}

inline Words Lines(const std::string& text) {
  Words lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

// How a process ended, and what it said.
struct Outcome {
  int exit_code = -1;  // -1: it died of a signal
  int signal = 0;
  std::string out;
  std::string err;
};

// How a process starts.
struct Setup {
  Words environment = {};            // NAME=value, beyond PATH
  std::string standard_output = {};  // a file instead of being caught
  bool own_group = false;            // leads a process group
  std::function<bool()> prepare =
      {};  // runs between fork and exec; false: the process ends with 99
};

// A temporary directory that processes run in, gone at the end.
class Sandbox {
 public:
  Sandbox() {
    std::string name = (std::filesystem::temp_directory_path() / "plugpull-e2e-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    base_ = name;
    std::filesystem::create_directories(path());
  }
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;
  ~Sandbox() {
    std::error_code ignored;
    std::filesystem::remove_all(base_, ignored);
  }

  std::filesystem::path path(const std::string& name = "") const { return base_ / "work" / name; }
  std::string Text(const std::string& name) const { return ReadText(path(name)); }
  json Json(const std::string& name) const { return json::parse(Text(name), nullptr, false); }

  // Returns: every name below the working directory, relative to it, sorted.
  Words Names() const {
    Words names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path())) {
      names.push_back(std::filesystem::relative(entry.path(), path()).string());
    }
    std::ranges::sort(names);
    return names;
  }

  // Starts plugpull with these arguments. Wait() must follow.
  pid_t Start(const Words& arguments, const Setup& setup = {}) {
    Words words = {PLUGPULL_BINARY};
    words.insert(words.end(), arguments.begin(), arguments.end());
    Words environment = {"PATH=/usr/bin:/bin"};
    environment.insert(environment.end(), setup.environment.begin(), setup.environment.end());
    const std::vector<char*> argv = Pointers(words);
    const std::vector<char*> envp = Pointers(environment);
    const std::string out =
        setup.standard_output.empty() ? (base_ / "stdout").string() : setup.standard_output;
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    const bool ready = ::chdir(path().c_str()) == 0 && Redirect("/dev/null", O_RDONLY, 0) &&
                       Redirect(out, O_WRONLY | O_CREAT | O_TRUNC, 1) &&
                       Redirect((base_ / "stderr").string(), O_WRONLY | O_CREAT | O_TRUNC, 2) &&
                       (!setup.own_group || ::setpgid(0, 0) == 0) &&
                       (!setup.prepare || setup.prepare());
    if (ready) ::execve(argv[0], argv.data(), envp.data());
    ::_exit(99);
  }

  Outcome Wait(pid_t pid) const {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    Outcome outcome;
    if (WIFEXITED(status)) outcome.exit_code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) outcome.signal = WTERMSIG(status);
    outcome.out = ReadText(base_ / "stdout");
    outcome.err = ReadText(base_ / "stderr");
    return outcome;
  }

  Outcome Run(const Words& arguments, const Setup& setup = {}) {
    return Wait(Start(arguments, setup));
  }

  // Runs plugpull with its result in `out`, and returns that. Expects the exit code.
  json Result(Words arguments, int exit_code, const std::string& out = "out") {
    arguments.insert(arguments.end(), {"--out", out, "--quiet"});
    const Outcome outcome = Run(arguments);
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.out << outcome.err;
    return Json(out + "/result.json");
  }

 private:
  static std::vector<char*> Pointers(Words& words) {
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    return pointers;
  }

  static bool Redirect(const std::string& file, int flags, int descriptor) {
    const int opened = ::open(file.c_str(), flags, 0666);
    return opened >= 0 && ::dup2(opened, descriptor) == descriptor;
  }

  std::filesystem::path base_;
};

// Expects one line of complaint that holds `text`, nothing on standard output, and the exit code.
inline void ExpectComplaint(const Outcome& outcome, int exit_code, const std::string& text) {
  EXPECT_EQ(outcome.exit_code, exit_code) << "signal " << outcome.signal << ": " << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(Lines(outcome.err).size(), 1U) << outcome.err;
  EXPECT_TRUE(outcome.err.starts_with("plugpull: ")) << outcome.err;
  EXPECT_NE(outcome.err.find(text), std::string::npos)
      << "expected '" << text << "' in: " << outcome.err;
}

// Returns: the classes of a result's findings, each once.
inline std::set<std::string> Classes(const json& result) {
  std::set<std::string> classes;
  for (const json& finding : result["findings"]) classes.insert(finding["class"]);
  return classes;
}

// Returns: the processes that serve the harness `parent`, or did. The dead and unburied are none.
inline std::vector<pid_t> ChildrenOf(pid_t parent) {
  std::vector<pid_t> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string status = ReadText(entry.path() / "stat");
    const size_t end_of_name = status.rfind(')');
    if (end_of_name == std::string::npos || end_of_name + 4 > status.size()) continue;
    const bool dead = status[end_of_name + 2] == 'Z' || status[end_of_name + 2] == 'X';
    const bool descends = std::atol(status.c_str() + end_of_name + 4) == parent;
    const std::string command = ReadText(entry.path() / "cmdline");
    const bool serves = command.find("--serve-as-child") != std::string::npos &&
                        command.find('\0' + std::to_string(parent) + '\0') != std::string::npos;
    if (!dead && (descends || serves))
      children.push_back(static_cast<pid_t>(std::atol(name.c_str())));
  }
  return children;
}

// Waits until `reached` holds. Returns: false after a minute, when it never will.
inline bool Await(const std::function<bool()>& reached) {
  for (int i = 0; i < 60'000; ++i) {
    if (reached()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

}  // namespace plugpull::e2e
