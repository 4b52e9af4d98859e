#include "faults/doors/testing.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "faults/base/assert.h"

namespace plugpull {

TestDirectory::TestDirectory() {
  std::string path = (std::filesystem::temp_directory_path() / "plugpull-test-XXXXXX").string();
  Assert(mkdtemp(path.data()) != nullptr, "a test can make a directory");
  path_ = path;
}

TestDirectory::~TestDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void PutFile(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  Assert(file.good(), "a test can write its file");
}

std::string FileText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  Assert(file.good(), "a test's file is there");
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace plugpull
