#include "faults/inject/fault_call.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "faults/base/assert.h"
#include "faults/base/nearest.h"
#include "faults/inject/fault_type.h"

namespace plugpull {
namespace {

const std::vector<FaultArgument>& ArgumentsOf(const FaultCall& call, FaultForm form) {
  const FaultType& type = TypeOf(call);
  return form == FaultForm::kSpecification ? type.arguments : type.place;
}

std::string Shown(std::string_view text) {
  std::string shown(text.substr(0, 60));
  std::ranges::replace_if(
      shown, [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
  return shown;
}

std::optional<uint64_t> WholeNumber(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return {};
  return number;
}

std::optional<std::pair<uint64_t, uint64_t>> Range(std::string_view text) {
  const size_t dots = text.find("..");
  const auto first = WholeNumber(text.substr(0, dots));
  const auto last = dots == std::string_view::npos ? first : WholeNumber(text.substr(dots + 2));
  if (!first || !last) return {};
  return std::pair(*first, *last);
}

// --- Values ---

bool IsPlain(unsigned char c) {
  return c > 0x20 && c < 0x7f &&
         std::string_view(",()+=%").find(static_cast<char>(c)) == std::string_view::npos;
}

std::string Escape(std::string_view value) {
  std::string escaped;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    escaped += IsPlain(byte) ? std::string(1, c) : fmt::format("%{:02x}", byte);
  }
  return escaped;
}

std::optional<std::string> Unescape(std::string_view text) {
  std::string value;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      value.push_back(text[i]);
      continue;
    }
    unsigned int byte = 0;
    const std::string_view digits = text.substr(i + 1, 2);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (digits.size() != 2 || error != std::errc() || end != digits.data() + 2) return {};
    value.push_back(static_cast<char>(byte));
    i += 2;
  }
  return value;
}

// Returns: what the argument takes, for people.
std::string Takes(const FaultArgument& argument) {
  switch (argument.kind) {
    case ArgumentKind::kNumber:
      return fmt::format("a whole number from {} to {}", argument.minimum, argument.maximum);
    case ArgumentKind::kRange:
      return fmt::format("a whole number from {} to {}, or a range as in {}..{}", argument.minimum,
                         argument.maximum, argument.minimum, argument.minimum + 2);
    case ArgumentKind::kWord:
      return fmt::format("one of {}", fmt::join(argument.words, " "));
    case ArgumentKind::kText:
      return "a path, or a pattern with * and ?";
  }
  return "";
}

// Returns: the value in the one way that it is printed, or nothing when it is none.
std::optional<std::string> Canonical(const FaultArgument& argument, const std::string& value) {
  const auto fits = [&](uint64_t number) {
    return number >= argument.minimum && number <= argument.maximum;
  };
  switch (argument.kind) {
    case ArgumentKind::kNumber: {
      const auto number = WholeNumber(value);
      if (!number || !fits(*number)) return {};
      return std::to_string(*number);
    }
    case ArgumentKind::kRange: {
      const auto range = Range(value);
      if (!range || !fits(range->first) || !fits(range->second)) return {};
      if (range->first > range->second) return {};
      if (range->first == range->second) return std::to_string(range->first);
      return fmt::format("{}..{}", range->first, range->second);
    }
    case ArgumentKind::kWord:
      if (std::ranges::find(argument.words, value) == argument.words.end()) return {};
      return value;
    case ArgumentKind::kText:
      if (value.empty()) return {};
      return value;
  }
  return {};
}

// --- Parsing ---

std::unexpected<Error> Wrong(std::string text) {
  return Fail(ErrorCode::kInvalidArgument, std::move(text) + " (plugpull list faults shows all)");
}

Expected<void> ParseArgument(std::string_view text, FaultForm form, FaultCall& call) {
  const std::vector<FaultArgument>& arguments = ArgumentsOf(call, form);
  const std::string_view fault = Name(call.level);
  const size_t equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  const auto argument = std::ranges::find(arguments, name, &FaultArgument::name);
  if (argument == arguments.end()) {
    std::vector<std::string> names;
    for (const FaultArgument& known : arguments) names.emplace_back(known.name);
    if (names.empty()) return Wrong(fmt::format("fault {} takes no arguments", fault));
    return Wrong(fmt::format("fault {} has no argument '{}'{}; it takes {}", fault, Shown(name),
                             NearestHint(name, names), fmt::join(names, " ")));
  }
  const std::string_view written = equals == std::string_view::npos ? "" : text.substr(equals + 1);
  const std::optional<std::string> value = Unescape(written);
  const std::optional<std::string> canonical = value ? Canonical(*argument, *value) : std::nullopt;
  if (!canonical) {
    return Wrong(fmt::format("fault {}: {}={} cannot be; {} takes {}", fault, name, Shown(written),
                             name, Takes(*argument)));
  }
  if (!call.values.emplace(std::string(name), *canonical).second) {
    return Wrong(fmt::format("fault {}: {} is given twice", fault, name));
  }
  return {};
}

Expected<FaultCall> ParseCall(std::string_view text, FaultForm form) {
  const size_t open = text.find('(');
  const std::string_view name = text.substr(0, open);
  const auto info = std::ranges::find(Faults(), name, &FaultInfo::name);
  if (info == Faults().end()) {
    std::vector<std::string> names;
    for (const FaultInfo& fault : Faults()) names.emplace_back(fault.name);
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("there is no fault '{}'{} (one of {})", Shown(name),
                            NearestHint(name, names), fmt::join(names, " ")));
  }
  FaultCall call{.level = info->level, .values = {}};
  if (open != std::string_view::npos) {
    if (!text.ends_with(')')) return Wrong(fmt::format("'{}' has no ')' at its end", Shown(text)));
    std::string_view rest = text.substr(open + 1, text.size() - open - 2);
    while (!rest.empty()) {
      const size_t comma = rest.find(',');
      const Expected<void> parsed = ParseArgument(rest.substr(0, comma), form, call);
      if (!parsed) return std::unexpected(parsed.error());
      rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
    }
  }
  if (call.values.contains("last") && call.values.contains("from")) {
    return Wrong(fmt::format("fault {}: last and from exclude one another", name));
  }
  for (const FaultArgument& argument : ArgumentsOf(call, form)) {
    const auto value = call.values.find(argument.name);
    if (value != call.values.end() && value->second == argument.default_text) {
      call.values.erase(value);
    } else if (form == FaultForm::kInstance && value == call.values.end() &&
               argument.default_text.empty()) {
      return Wrong(fmt::format("fault {} lacks {}", name, argument.name));
    }
  }
  return call;
}

// Returns: the parts of `text` between separators outside of parentheses.
std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  int depth = 0;
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')') --depth;
    if (text[i] != separator || depth != 0) continue;
    parts.push_back(text.substr(begin, i - begin));
    begin = i + 1;
  }
  parts.push_back(text.substr(begin));
  return parts;
}

}  // namespace

Expected<FaultCalls> ParseFaults(std::string_view text, FaultForm form) {
  FaultCalls calls;
  for (const std::string_view part : Split(text, '+')) {
    Expected<FaultCall> call = ParseCall(part, form);
    if (!call) return std::unexpected(call.error());
    calls.push_back(std::move(*call));
  }
  return calls;
}

std::string FaultText(const FaultCall& call, FaultForm form) {
  std::string inside;
  for (const FaultArgument& argument : ArgumentsOf(call, form)) {
    const auto value = call.values.find(argument.name);
    if (value == call.values.end()) continue;
    inside +=
        fmt::format("{}{}={}", inside.empty() ? "" : ",", argument.name, Escape(value->second));
  }
  return inside.empty() ? std::string(Name(call.level))
                        : fmt::format("{}({})", Name(call.level), inside);
}

std::string FaultText(const FaultCalls& calls, FaultForm form) {
  std::string text;
  for (const FaultCall& call : calls) {
    if (!text.empty()) text += '+';
    text += FaultText(call, form);
  }
  return text;
}

std::vector<std::string> SplitFaultList(std::string_view list) {
  std::vector<std::string> parts;
  for (const std::string_view part : Split(list, ',')) parts.emplace_back(part);
  return parts;
}

std::string TextOf(const FaultCall& call, FaultForm form, std::string_view name) {
  if (const auto value = call.values.find(name); value != call.values.end()) return value->second;
  const std::vector<FaultArgument>& arguments = ArgumentsOf(call, form);
  const auto argument = std::ranges::find(arguments, name, &FaultArgument::name);
  Assert(argument != arguments.end(), "an argument that is asked for is one of the fault's");
  return std::string(argument->default_text);
}

uint64_t NumberOf(const FaultCall& call, FaultForm form, std::string_view name) {
  const auto number = WholeNumber(TextOf(call, form, name));
  Assert(number.has_value(), "a parsed number is one");
  return *number;
}

std::pair<uint64_t, uint64_t> RangeOf(const FaultCall& call, FaultForm form,
                                      std::string_view name) {
  const auto range = Range(TextOf(call, form, name));
  Assert(range.has_value(), "a parsed range is one");
  return *range;
}

}  // namespace plugpull
