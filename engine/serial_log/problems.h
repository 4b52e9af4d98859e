// What a check has found, up to a limit.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

namespace plugpull::serial_log {

class Problems {
 public:
  explicit Problems(size_t limit) : limit_(limit) {}

  template <typename... Arguments>
  void Add(fmt::format_string<Arguments...> text, Arguments&&... arguments) {
    if (found_.size() < limit_) {
      found_.push_back(fmt::format(text, std::forward<Arguments>(arguments)...));
    }
  }

  bool empty() const { return found_.empty(); }
  std::vector<std::string>& found() { return found_; }

 private:
  size_t limit_;
  std::vector<std::string> found_;
};

}  // namespace plugpull::serial_log
