// What a traced program prints on its standard output, taken by the supervisor at the very calls
// that write it, and cut into lines.
#pragma once

#include <sys/stat.h>

#include <deque>
#include <string>
#include <string_view>

namespace plugpull {

class OutputLines {
 public:
  // `pipe`: the status of the pipe that is the program's standard output.
  explicit OutputLines(const struct stat& pipe) : device_(pipe.st_dev), number_(pipe.st_ino) {}

  bool IsPipe(const struct stat& status) const {
    return status.st_ino == number_ && status.st_dev == device_;
  }

  void Append(std::string_view text);

  // Says that nothing more will come: the rest is a line too.
  void End();

  bool HasLine() const { return !lines_.empty(); }

  // Requires: HasLine().
  std::string Take();

 private:
  dev_t device_;
  ino_t number_;
  std::deque<std::string> lines_;
  std::string rest_;
};

}  // namespace plugpull
