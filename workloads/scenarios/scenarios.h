// The field reports that are kept as data, one TOML file each beside this one. They are part of the
// program, so that it finds them wherever it is started. harness/cli/scenario.h reads them.
#pragma once

#include <string_view>
#include <vector>

namespace plugpull {

// Returns: the text of every scenario, by the name of its file.
const std::vector<std::string_view>& ScenarioTexts();

}  // namespace plugpull
