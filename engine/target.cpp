#include "engine/target.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "engine/registry.h"
#include "faults/base/nearest.h"

namespace plugpull {
namespace {

Expected<void> CheckValue(const EngineType& type, const OptionSpec& spec, std::string_view value) {
  if (spec.values.empty() && spec.maximum == 0) return {};
  if (!spec.values.empty()) {
    if (std::ranges::find(spec.values, value) != spec.values.end()) return {};
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{}: option '{}' has no value '{}'{} (one of {})", type.name(), spec.name,
                    value, NearestHint(value, spec.values), fmt::join(spec.values, ", ")));
  }
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  const bool is_number = error == std::errc() && end == value.data() + value.size();
  if (is_number && number >= spec.minimum && number <= spec.maximum) return {};
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("{}: option '{}' takes a whole number from {} to {}, not '{}'",
                          type.name(), spec.name, spec.minimum, spec.maximum, value));
}

// Splits off what stands before the next comma.
std::string_view TakeItem(std::string_view& rest) {
  const size_t comma = rest.find(',');
  const std::string_view item = rest.substr(0, comma);
  rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
  return item;
}

// Reads the k=v of a type that lists its options.
Expected<void> ReadOption(const EngineType& type, std::string_view item, EngineOptions& options,
                          std::set<std::string_view>& given) {
  const size_t equals = item.find('=');
  const std::string_view option = item.substr(0, equals);
  const auto spec = std::ranges::find(type.options(), option, &OptionSpec::name);
  if (spec == type.options().end()) {
    std::vector<std::string> names;
    for (const OptionSpec& known : type.options()) names.push_back(known.name);
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} has no option '{}'{} (its options: {})", type.name(), option,
                            NearestHint(option, names), fmt::join(names, ", ")));
  }
  if (equals == std::string_view::npos) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: option '{}' needs a value, as in {}={}", type.name(), option,
                            option, spec->default_value));
  }
  if (!given.insert(option).second) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: option '{}' is given twice", type.name(), option));
  }
  const std::string_view value = item.substr(equals + 1);
  if (const Expected<void> checked = CheckValue(type, *spec, value); !checked) return checked;
  options[spec->name] = std::string(value);
  return {};
}

// Reads a word of a type that takes any option: the one without a name first.
Expected<void> ReadAnyOption(const EngineType& type, std::string_view item,
                             EngineOptions& options) {
  const bool is_first = options.empty();
  const size_t equals = is_first ? std::string_view::npos : item.find('=');
  const std::string_view option = is_first ? "" : item.substr(0, equals);
  if (!is_first && (equals == std::string_view::npos || option.empty())) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{}: '{}' is no option, which looks like name=value", type.name(), item));
  }
  if (item.find_first_of(" \t\r\n") != std::string_view::npos && !is_first) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: option '{}' has a blank in it, which cannot be sent on",
                            type.name(), item));
  }
  const std::string_view value = is_first ? item : item.substr(equals + 1);
  if (!options.emplace(option, value).second) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: option '{}' is given twice", type.name(), option));
  }
  return {};
}

}  // namespace

Expected<Target> ParseTarget(std::string_view text) {
  Target target;
  target.text = std::string(text);
  const size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  target.type = FindEngineType(name);
  if (target.type == nullptr) {
    std::vector<std::string> names;
    for (const EngineType* type : EngineTypes()) names.emplace_back(type->name());
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("there is no target '{}'{} (plugpull list targets shows all)", name,
                            NearestHint(name, names)));
  }
  for (const OptionSpec& spec : target.type->options()) {
    target.options[spec.name] = spec.default_value;
  }
  std::set<std::string_view> given;
  std::string_view rest = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  while (!rest.empty()) {
    const std::string_view item = TakeItem(rest);
    const Expected<void> read = target.type->takes_any_option()
                                    ? ReadAnyOption(*target.type, item, target.options)
                                    : ReadOption(*target.type, item, target.options, given);
    if (!read) return std::unexpected(read.error());
  }
  if (const Expected<void> fits = target.type->CheckOptions(target.options); !fits) {
    return std::unexpected(fits.error());
  }
  return target;
}

}  // namespace plugpull
