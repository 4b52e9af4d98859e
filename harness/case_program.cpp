#include "harness/case_program.h"

#include <fmt/format.h>

#include <chrono>

#include "engine/target.h"
#include "harness/check_command.h"
#include "harness/command_line.h"
#include "harness/user_program.h"

namespace plugpull {
namespace {

constexpr std::chrono::milliseconds kTimeToLook{10'000};

// Errors: kUnsupported: a shell does not know the first word of the command.
Expected<void> CheckCheck(const std::string& check) {
  const size_t begin = check.find_first_not_of(" \t\n");
  if (begin == std::string::npos) return {};
  const size_t end = std::min(check.find_first_of(" \t\n;|&<>()", begin), check.size());
  const std::string program = check.substr(begin, end - begin);
  constexpr std::string_view kNotPlain = "'\"\\$`*?[]{}~#=!";
  if (program.empty() || program.find_first_of(kNotPlain) != std::string::npos) return {};
  Expected<CheckCommand> look = CheckCommand::Create(fmt::format("command -v -- '{}'", program));
  if (!look) return std::unexpected(look.error());
  const Expected<std::optional<Violation>> found = look->Run(".", "", kTimeToLook);
  if (!found) return std::unexpected(found.error());
  if (!*found) return {};
  return Fail(ErrorCode::kUnsupported,
              fmt::format("the check command of the case is not here: there is no '{}'", program));
}

}  // namespace

Expected<void> CheckProgram(const Case& saved) {
  const ExploreSettings& settings = saved.settings;
  if (!settings.check.empty()) {
    if (const Expected<void> here = CheckCheck(settings.check); !here) return here;
  }
  if (settings.target.empty()) return {};
  const Expected<Target> target = ParseTarget(settings.target);
  if (!target) return std::unexpected(target.error());
  if (!target->is_program() || !settings.check.empty()) return {};
  const Expected<DriverProgram> program = target->Program();
  if (program) return {};
  return Fail(program.error().code,
              fmt::format("the driver of the case is not here: {}", program.error().context));
}

std::string VersionWarning(const Case& saved) {
  const std::string here = VersionOfTarget(saved.settings);
  const bool differs =
      !here.empty() && !saved.target_version.empty() && here != saved.target_version;
  if (!differs) return "";
  return fmt::format("was recorded with {}, and this is {}; it may behave differently",
                     saved.target_version, here);
}

}  // namespace plugpull
