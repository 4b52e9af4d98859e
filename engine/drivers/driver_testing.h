// For tests and benchmarks of drivers: directories, scripts that play a driver, contents.
#pragma once

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>

#include "engine/drivers/driver.h"
#include "faults/base/assert.h"
#include "faults/base/bytes.h"

namespace plugpull {

// A directory of its own, in memory where the system offers that, and gone with this object.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    path_ = std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : "/tmp";
    path_ += "/plugpull-driver-XXXXXX";
    Assert(::mkdtemp(path_.data()) != nullptr, "a temporary directory can be made");
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }

  // Makes an executable file. Returns: its path.
  std::string WriteScript(const std::string& name, std::string_view text) const {
    const std::string path = path_ + "/" + name;
    std::ofstream(path) << text;
    Assert(::chmod(path.c_str(), 0755) == 0, "a file of ours can be made executable");
    return path;
  }

 private:
  std::string path_;
};

using Contents = std::map<std::string, std::string>;

class CollectPairs : public PairVisitor {
 public:
  void OnPair(std::span<const std::byte> key, std::span<const std::byte> value) override {
    contents.emplace(AsText(key), AsText(value));
    ++pairs;
  }

  Contents contents;
  size_t pairs = 0;
};

inline std::string TextOfFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace plugpull
