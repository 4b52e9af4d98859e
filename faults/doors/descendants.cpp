#include "faults/doors/descendants.h"

#include <fmt/format.h>

#include <charconv>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace plugpull {
namespace {

struct Process {
  pid_t pid = 0;
  bool is_alive = false;  // else it waits for its parent to take note
};

// Returns: all processes, by parent.
std::multimap<pid_t, Process> AllProcesses() {
  std::multimap<pid_t, Process> processes;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename().string();
    Process process;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), process.pid);
    if (error != std::errc() || end != name.data() + name.size()) continue;
    std::ifstream file(entry.path() / "stat");
    std::string text;
    std::getline(file, text);
    // As in "12 (name, which may hold anything) S 1 ...".
    const size_t name_end = text.rfind(") ");
    if (name_end == text.npos || name_end + 4 > text.size()) continue;
    const char state = text[name_end + 2];
    process.is_alive = state != 'Z' && state != 'X';
    pid_t parent = 0;
    std::from_chars(text.data() + name_end + 4, text.data() + text.size(), parent);
    processes.emplace(parent, process);
  }
  return processes;
}

}  // namespace

size_t KillDescendants(pid_t ancestor) {
  const std::multimap<pid_t, Process> processes = AllProcesses();
  size_t killed = 0;
  std::vector<pid_t> parents = {ancestor};
  while (!parents.empty()) {
    const auto [begin, end] = processes.equal_range(parents.back());
    parents.pop_back();
    for (auto at = begin; at != end; ++at) {
      parents.push_back(at->second.pid);
      if (!at->second.is_alive) continue;
      ::kill(at->second.pid, SIGKILL);
      ++killed;
    }
  }
  return killed;
}

}  // namespace plugpull
