#include "engine/drivers/program_type.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "faults/base/assert.h"

namespace plugpull {
namespace {

namespace fs = std::filesystem;

bool IsExecutable(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

Expected<std::string> FindDriver(std::string_view file_name, std::string_view packages) {
  std::vector<fs::path> folders;
  if (const char* named = std::getenv("PLUGPULL_DRIVERS"); named != nullptr && *named != '\0') {
    folders.emplace_back(named);
  } else {
    std::error_code ignored;
    const fs::path home = fs::read_symlink("/proc/self/exe", ignored).parent_path();
    folders = {home / "drivers", home.parent_path() / "drivers"};
  }
  for (const fs::path& folder : folders) {
    std::error_code ignored;
    if (IsExecutable(folder / file_name)) return fs::absolute(folder / file_name, ignored).string();
  }
  return Fail(
      ErrorCode::kUnsupported,
      fmt::format("there is no {} in {}; install {}, then configure and build plugpull again",
                  file_name, folders.front().string(), packages));
}

Expected<std::string> FindExecutable(std::string_view name) {
  std::vector<fs::path> candidates;
  if (name.find('/') != std::string_view::npos) {
    candidates.emplace_back(name);
  } else if (const char* path = std::getenv("PATH"); path != nullptr && !name.empty()) {
    std::string_view folders = path;
    while (!folders.empty()) {
      const std::string_view folder = folders.substr(0, folders.find(':'));
      folders.remove_prefix(std::min(folder.size() + 1, folders.size()));
      candidates.push_back(fs::path(folder) / name);
    }
  }
  for (const fs::path& candidate : candidates) {
    std::error_code ignored;
    if (IsExecutable(candidate)) return fs::absolute(candidate, ignored).string();
  }
  const bool is_here =
      name.find('/') == std::string_view::npos && !name.empty() && IsExecutable(fs::path(name));
  return Fail(ErrorCode::kUnsupported,
              is_here ? fmt::format("'{}' is not in PATH; write ./{} for the one here", name, name)
                      : fmt::format("there is no executable '{}'", name));
}

std::unique_ptr<Engine> ProgramType::Create(Vfs& /*vfs*/, const EngineOptions& /*options*/) const {
  Assert(false, "an engine that is a program works in a directory, not on a Vfs");
  return nullptr;
}

}  // namespace plugpull
