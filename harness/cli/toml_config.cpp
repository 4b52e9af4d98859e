#include "harness/cli/toml_config.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "faults/base/atomic_file.h"
#include "faults/base/nearest.h"

namespace plugpull {
namespace {

// Returns: how a value is written on a command line. Nothing for what has no such form.
std::optional<std::string> Written(const toml::node& value) {
  if (const auto text = value.value_exact<std::string>()) return text;
  if (const auto number = value.value_exact<int64_t>()) return std::to_string(*number);
  if (const auto flag = value.value_exact<bool>()) return *flag ? "true" : "false";
  const toml::array* list = value.as_array();
  if (list == nullptr) return std::nullopt;
  std::string joined;
  for (const toml::node& element : *list) {
    const std::optional<std::string> written = Written(element);
    if (!written || element.is_array()) return std::nullopt;
    joined += (joined.empty() ? "" : ",") + *written;
  }
  return joined;
}

// Returns: the names that a file may set. Not what asks for help, and no other file.
std::vector<std::string> Keys(const CLI::App& command) {
  std::vector<std::string> keys;
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_single_name();
    if (name != "help" && name != "config") keys.push_back(name);
  }
  return keys;
}

Expected<void> Set(CLI::App& command, const std::string& key, const toml::node& value) {
  const std::vector<std::string> keys = Keys(command);
  if (std::ranges::find(keys, key) == keys.end()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("there is no option '{}'{}", key, NearestHint(key, keys)));
  }
  const std::optional<std::string> written = Written(value);
  if (!written) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' must be a text, a whole number, true or false", key));
  }
  CLI::Option* option = command.get_option_no_throw("--" + key);
  if (option == nullptr) option = command.get_option(key);
  const bool is_flag = option->get_expected_min() == 0;
  if (is_flag && !value.is_boolean()) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("'{}' must be true or false", key));
  }
  if (option->count() > 0) return {};
  try {
    option->add_result(*written);
    option->run_callback();
  } catch (const CLI::ParseError& error) {
    return Fail(ErrorCode::kInvalidArgument, error.what());
  }
  return {};
}

}  // namespace

Expected<void> ApplyTomlConfig(CLI::App& command, const std::string& path) {
  const Expected<std::vector<std::byte>> bytes = ReadWholeFile(path);
  if (!bytes) return std::unexpected(bytes.error());
  toml::table table;
  try {
    table =
        toml::parse(std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size()));
  } catch (const toml::parse_error& error) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("{} line {}: this is not TOML: {}", path, error.source().begin.line,
                            error.description()));
  }
  for (const auto& [key, value] : table) {
    if (const Expected<void> set = Set(command, std::string(key.str()), value); !set) {
      return Fail(set.error().code, fmt::format("{} line {}: {}", path, value.source().begin.line,
                                                set.error().context));
    }
  }
  return {};
}

}  // namespace plugpull
