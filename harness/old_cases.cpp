#include "harness/old_cases.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <vector>

#include "reports/verdict.h"

namespace plugpull {
namespace {

// Returns: true for "lost-commit-0123abcd.case": see FindingId.
bool IsNameOfCase(std::string_view name) {
  constexpr std::string_view kEnd = ".case";
  constexpr size_t kDigits = 8;
  if (!name.ends_with(kEnd)) return false;
  name.remove_suffix(kEnd.size());
  if (name.size() <= kDigits + 1 || name[name.size() - kDigits - 1] != '-') return false;
  const std::string_view digits = name.substr(name.size() - kDigits);
  if (digits.find_first_not_of("0123456789abcdef") != std::string_view::npos) return false;
  name.remove_suffix(kDigits + 1);
  return ParseViolationClass(name).has_value();
}

}  // namespace

Expected<void> RemoveOldCases(const std::string& directory) {
  const std::filesystem::path findings = std::filesystem::path(directory) / "findings";
  std::error_code error;
  std::vector<std::filesystem::path> cases;
  for (std::filesystem::directory_iterator entry(findings, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code unknown;
    if (entry->symlink_status(unknown).type() != std::filesystem::file_type::regular) continue;
    if (IsNameOfCase(entry->path().filename().string())) cases.push_back(entry->path());
  }
  if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory) {
    return {};  // a directory that cannot be is the trouble of whoever writes there
  }
  for (const std::filesystem::path& path : cases) {
    if (error) break;
    std::filesystem::remove(path, error);
  }
  if (!error) return {};
  return Fail(
      ErrorCode::kIo,
      fmt::format("cannot remove the cases of an earlier run in {}: {}; remove them, or name "
                  "another directory with --out",
                  findings.string(), error.message()));
}

}  // namespace plugpull
