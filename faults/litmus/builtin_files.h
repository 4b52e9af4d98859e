// The files of rows/, as they were when the program was built. CMake writes the source of it.
#pragma once

#include <span>
#include <string_view>

namespace plugpull {

struct BuiltInFile {
  std::string_view name;
  std::string_view text;
};

std::span<const BuiltInFile> BuiltInLitmusFiles();

}  // namespace plugpull
