#include "engine/serial_log/schedule.h"

#include <fmt/format.h>

#include <charconv>

namespace plugpull::serial_log {
namespace {

// Splits off what stands before the next `separator`.
std::string_view TakeWord(std::string_view& rest, char separator) {
  const size_t at = rest.find(separator);
  const std::string_view word = rest.substr(0, at);
  rest = at == std::string_view::npos ? "" : rest.substr(at + 1);
  return word;
}

// Returns: the number that `text` is; 0 for no text; nothing for anything else, 0 included.
std::optional<uint32_t> NumberOf(std::string_view text) {
  if (text.empty()) return 0;
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = error == std::errc() && end == text.data() + text.size() && number > 0;
  return is_number ? std::optional(number) : std::nullopt;
}

std::optional<Step> StepOf(std::string_view word) {
  if (word == "begin") return Step{StepKind::kBegin};
  if (word == "finish") return Step{StepKind::kFinish};
  if (word == "flush") return Step{StepKind::kFlush};
  Step step;
  std::string_view number;
  if (word.starts_with("gopher")) {
    number = word.substr(6);
  } else if (word.starts_with("write") && word.ends_with("!")) {
    step.kind = StepKind::kWriteUntil;
    number = word.substr(5, word.size() - 6);
    if (number.empty()) return std::nullopt;
  } else if (word.starts_with("write")) {
    step.kind = StepKind::kWrite;
    number = word.substr(5);
  } else {
    return std::nullopt;
  }
  const std::optional<uint32_t> count = NumberOf(number);
  if (!count) return std::nullopt;
  step.count = *count;
  return step;
}

}  // namespace

Expected<Schedule> ParseSchedule(std::string_view text) {
  Schedule schedule;
  std::string_view groups = text;
  do {
    std::string_view group = TakeWord(groups, '/');
    std::vector<Step>& steps = schedule.groups.emplace_back();
    if (group == "-") continue;
    do {
      const std::string_view word = TakeWord(group, '+');
      const std::optional<Step> step = StepOf(word);
      if (!step) {
        return Fail(ErrorCode::kInvalidArgument,
                    fmt::format("serial_log: option 'schedule' has no step '{}' (gopher, gopher2, "
                                "begin, write, write2, write1392!, finish, flush; steps of one "
                                "transaction are joined by +, those of the next follow a /, - is "
                                "none)",
                                word));
      }
      steps.push_back(*step);
    } while (!group.empty());
  } while (!groups.empty());
  return schedule;
}

}  // namespace plugpull::serial_log
