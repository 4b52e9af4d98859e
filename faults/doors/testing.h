// For tests of the traced door: directories that vanish, and small files in them.
#pragma once

#include <string>
#include <string_view>

namespace plugpull {

// A directory of the test's own, below the system's place for such, removed at the end.
class TestDirectory {
 public:
  TestDirectory();
  ~TestDirectory();
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string At(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

// Makes or replaces a file. Asserts that it can.
void PutFile(const std::string& path, std::string_view text);

// Returns: the bytes of a file. Asserts that it is there.
std::string FileText(const std::string& path);

}  // namespace plugpull
