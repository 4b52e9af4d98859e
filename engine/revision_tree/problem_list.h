// What a check has found, up to a limit: a damaged file can have a problem per byte.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "engine/revision_tree/format.h"

namespace plugpull::revision_tree {

class ProblemList {
 public:
  explicit ProblemList(size_t limit) : limit_(limit) {}

  template <typename... Arguments>
  void Add(fmt::format_string<Arguments...> text, Arguments&&... arguments) {
    if (found_.size() < limit_) {
      found_.push_back(fmt::format(text, std::forward<Arguments>(arguments)...));
    }
  }

  bool empty() const { return found_.empty(); }
  std::vector<std::string> Take() { return std::move(found_); }

 private:
  size_t limit_;
  std::vector<std::string> found_;
};

// Returns: "page 7 (offset 3584)".
inline std::string PageText(uint32_t page_size_bytes, PageNumber page) {
  return fmt::format("page {} (offset {})", page, page * page_size_bytes);
}

// Returns: a key as a report shows it, in hexadecimal digits; a long one is cut.
inline std::string KeyText(Bytes key) {
  constexpr size_t kShownBytesMax = 48;
  std::string text = "(hex)";
  for (const std::byte byte : key.first(std::min(key.size(), kShownBytesMax))) {
    text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  }
  return key.size() > kShownBytesMax ? text + ".." : text;
}

}  // namespace plugpull::revision_tree
