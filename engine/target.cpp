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
  std::vector<std::string> option_names;
  for (const OptionSpec& spec : target.type->options()) {
    option_names.push_back(spec.name);
    target.options[spec.name] = spec.default_value;
  }
  std::set<std::string_view> given;
  std::string_view rest = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    const std::string_view item = rest.substr(0, comma);
    rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
    const size_t equals = item.find('=');
    const std::string_view option = item.substr(0, equals);
    const auto spec = std::ranges::find(target.type->options(), option, &OptionSpec::name);
    if (spec == target.type->options().end()) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} has no option '{}'{} (its options: {})", name, option,
                              NearestHint(option, option_names), fmt::join(option_names, ", ")));
    }
    if (equals == std::string_view::npos) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}: option '{}' needs a value, as in {}={}", name, option, option,
                              spec->default_value));
    }
    if (!given.insert(option).second) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}: option '{}' is given twice", name, option));
    }
    const std::string_view value = item.substr(equals + 1);
    if (const Expected<void> checked = CheckValue(*target.type, *spec, value); !checked) {
      return std::unexpected(checked.error());
    }
    target.options[spec->name] = std::string(value);
  }
  if (const Expected<void> fits = target.type->CheckOptions(target.options); !fits) {
    return std::unexpected(fits.error());
  }
  return target;
}

}  // namespace plugpull
