#include "faults/doors/call_failure_text.h"

#include <fmt/format.h>

#include <optional>
#include <string>

namespace plugpull {
namespace {

std::unexpected<Error> Wrong(std::string_view part) {
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("'{}' says no failing call; write it as in fdatasync:3=EIO, "
                          "write@*-wal:2=ENOSPC, fsync:4+=EIO or pwrite64:1=short(100)",
                          part));
}

// What is between the brackets of "name(text)"; nothing: it is not of that form.
std::optional<std::string_view> InBrackets(std::string_view text, std::string_view name) {
  if (!text.starts_with(name) || !text.ends_with(')')) return std::nullopt;
  text.remove_prefix(name.size());
  if (!text.starts_with('(')) return std::nullopt;
  return text.substr(1, text.size() - 2);
}

// Takes the number of a call off its end: ":3" or ":3+". Returns: the keys of a rule for it;
// nothing when it is no number.
std::optional<std::string> TakeNumber(std::string_view& call) {
  // A colon in a file name is inside the brackets.
  const size_t colon = call.rfind(':');
  if (colon == call.npos || call.find(')', colon) != call.npos) return std::string();
  std::string_view number = call.substr(colon + 1);
  const bool always = number.ends_with('+');
  if (always) number.remove_suffix(1);
  if (number.empty() || number.find_first_not_of("0123456789") != number.npos) return std::nullopt;
  call = call.substr(0, colon);
  return fmt::format(",call={}{}", number, always ? ",then=always" : "");
}

// Takes the pattern of paths off its end: "@*-wal" or "(*-wal)". Returns: as TakeNumber.
std::optional<std::string> TakePath(std::string_view& call) {
  const size_t begin = call.find_first_of("@(");
  if (begin == call.npos) return std::string();
  const std::string_view name = call.substr(0, begin);
  std::string_view path = call.substr(begin + 1);
  if (const auto inside = InBrackets(call, name)) path = *inside;
  if (path.empty() || (call[begin] == '(' && !call.ends_with(')'))) return std::nullopt;
  call = name;
  return fmt::format(",path={}", path);
}

// Writes one failing call as a rule of a plan, which says what is wrong with its words.
Expected<FailurePlan> ParseOne(std::string_view part) {
  const size_t equals = part.rfind('=');
  if (equals == part.npos || equals == 0 || equals + 1 == part.size()) return Wrong(part);
  std::string_view call = part.substr(0, equals);
  const std::string_view result = part.substr(equals + 1);
  const std::optional<std::string> number = TakeNumber(call);
  const std::optional<std::string> path = TakePath(call);
  if (!number || !path || call.empty()) return Wrong(part);
  constexpr std::string_view kShort = "short:";
  std::string how = fmt::format(",errno={}", result);
  if (const auto bytes = InBrackets(result, "short")) how = fmt::format(",short={}", *bytes);
  if (result.starts_with(kShort)) how = fmt::format(",short={}", result.substr(kShort.size()));
  return ParseFailurePlan(fmt::format("fail(point=call/{}{}{}{})", call, *number, *path, how));
}

Expected<void> CheckPoints(const FailurePlan& plan) {
  for (const FailureRule& rule : plan.rules) {
    if (rule.point.starts_with("call/")) continue;
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("'{}' is no call of a program; write point=call/fdatasync", rule.point));
  }
  return {};
}

}  // namespace

Expected<FailurePlan> ParseCallFailure(std::string_view text) {
  if (text.starts_with("fail(")) {
    Expected<FailurePlan> plan = ParseFailurePlan(text);
    if (!plan) return plan;
    if (const auto checked = CheckPoints(*plan); !checked) return std::unexpected(checked.error());
    return plan;
  }
  FailurePlan plan;
  while (true) {
    const std::string_view part = text.substr(0, text.find(','));
    Expected<FailurePlan> one = ParseOne(part);
    if (!one) return one;
    plan.rules.insert(plan.rules.end(), one->rules.begin(), one->rules.end());
    if (part.size() == text.size()) return plan;
    text.remove_prefix(part.size() + 1);
  }
}

}  // namespace plugpull
