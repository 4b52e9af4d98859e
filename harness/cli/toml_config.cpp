#include "harness/cli/toml_config.h"

#include <fmt/format.h>
#include <toml++/toml.h>

namespace plugpull {

std::vector<CLI::ConfigItem> TomlConfig::from_config(std::istream& input) const {
  toml::table table;
  try {
    table = toml::parse(input);
  } catch (const toml::parse_error& error) {
    throw CLI::FileError(fmt::format("the configuration is not TOML: {} (line {})",
                                     error.description(), error.source().begin.line));
  }
  std::vector<CLI::ConfigItem> found;
  for (const auto& [key, value] : table) {
    CLI::ConfigItem item;
    item.name = std::string(key.str());
    if (const auto text = value.value_exact<std::string>()) {
      item.inputs = {*text};
    } else if (const auto number = value.value_exact<int64_t>()) {
      item.inputs = {std::to_string(*number)};
    } else if (const auto flag = value.value_exact<bool>()) {
      item.inputs = {*flag ? "true" : "false"};
    } else {
      throw CLI::FileError(
          fmt::format("configuration key '{}' must be a string, a number or a flag", item.name));
    }
    found.push_back(std::move(item));
  }
  return found;
}

}  // namespace plugpull
