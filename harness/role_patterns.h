// What the files of a program are for, in the words of whoever knows it: `log=*.wal,table=*.db`.
// Signatures of findings name roles, so that they are the same from night to night.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "faults/base/error.h"
#include "faults/trace/trace.h"

namespace plugpull {

// Name of the fact of a trace that holds them.
inline constexpr const char* kRolesFact = "roles";

class RolePatterns {
 public:
  // `text`: role=pattern, separated by commas. In a pattern, * stands for any text and ? for a
  // character; one without a slash is meant for the last part of a path.
  // Errors: kInvalidArgument: a part that is no role=pattern.
  static Expected<RolePatterns> Parse(std::string_view text);

  // Returns: the role of the first pattern that fits; empty: none does.
  std::string_view RoleOf(std::string_view path) const;

 private:
  std::vector<std::pair<std::string, std::string>> patterns_;  // role, pattern
};

// The roles of the files of a trace: by the patterns that it holds, else as its engine has them.
// `type` must outlive it.
class TraceRoles {
 public:
  TraceRoles(const Trace& trace, const EngineType& type);

  std::string Of(std::string_view path) const;

 private:
  RolePatterns patterns_;
  const EngineType& type_;
};

}  // namespace plugpull
