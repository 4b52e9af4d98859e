#include "harness/role_patterns.h"

#include <fmt/format.h>

#include "faults/inject/failure_plan.h"

namespace plugpull {

Expected<RolePatterns> RolePatterns::Parse(std::string_view text) {
  RolePatterns roles;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view part = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    const size_t equals = part.find('=');
    const bool is_whole =
        equals != std::string_view::npos && equals > 0 && equals + 1 < part.size();
    if (!is_whole) {
      return Fail(
          ErrorCode::kInvalidArgument,
          fmt::format("--roles: '{}' is no role=pattern, as in log=*.wal,table=*.db", part));
    }
    roles.patterns_.emplace_back(part.substr(0, equals), part.substr(equals + 1));
  }
  return roles;
}

std::string_view RolePatterns::RoleOf(std::string_view path) const {
  const std::string_view last = path.substr(path.rfind('/') + 1);
  for (const auto& [role, pattern] : patterns_) {
    const bool is_of_path = pattern.find('/') != std::string::npos;
    if (MatchesGlob(pattern, is_of_path ? path : last)) return role;
  }
  return {};
}

TraceRoles::TraceRoles(const Trace& trace, const EngineType& type) : type_(type) {
  const auto fact = trace.facts.find(kRolesFact);
  if (fact == trace.facts.end()) return;
  // What another hand has put there is passed over: roles name findings, and decide nothing.
  Expected<RolePatterns> patterns = RolePatterns::Parse(fact->second);
  if (patterns) patterns_ = std::move(*patterns);
}

std::string TraceRoles::Of(std::string_view path) const {
  const std::string_view role = patterns_.RoleOf(path);
  return role.empty() ? type_.RoleOf(path) : std::string(role);
}

}  // namespace plugpull
