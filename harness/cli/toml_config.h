// Lets CLI11 read its configuration from real TOML: each key is the long option of that name.
#pragma once

#include <CLI/CLI.hpp>
#include <istream>
#include <string>
#include <vector>

namespace plugpull {

class TomlConfig final : public CLI::Config {
 public:
  // Throws: CLI::FileError when the text is not TOML or a value has no form on a command line.
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;

  // Writing configurations is not offered.
  std::string to_config(const CLI::App* /*app*/, bool /*defaults*/, bool /*description*/,
                        std::string /*prefix*/) const override {
    return "";
  }
};

}  // namespace plugpull
