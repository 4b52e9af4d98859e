// Bytes from a pipe, taken out line by line. Memory is used again: in the long run nothing is
// allocated.
#pragma once

#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace plugpull {

class LineBuffer {
 public:
  // Returns: room to read into, at least half of what was asked for at first. Ends the life of
  // lines taken before.
  std::span<char> Room() {
    if (begin_ == end_) {
      begin_ = end_ = searched_ = 0;
    } else if (begin_ > 0 && bytes_.size() - end_ < kRoom / 2) {
      std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      searched_ -= begin_;
      begin_ = 0;
    }
    if (bytes_.size() - end_ < kRoom / 2) bytes_.resize(2 * bytes_.size() + kRoom);
    return std::span(bytes_).subspan(end_);
  }

  // Says that `size` bytes were read into Room().
  void Filled(size_t size) { end_ += size; }

  // Returns: the next line without its end; valid until the next Room().
  std::optional<std::string_view> TakeLine() {
    const void* found = end_ == searched_
                            ? nullptr
                            : std::memchr(bytes_.data() + searched_, '\n', end_ - searched_);
    if (found == nullptr) {
      searched_ = end_;
      return std::nullopt;
    }
    const size_t line_end = static_cast<size_t>(static_cast<const char*>(found) - bytes_.data());
    const std::string_view line(bytes_.data() + begin_, line_end - begin_);
    begin_ = searched_ = line_end + 1;
    return line;
  }

  // Returns: what has been read and not taken.
  std::string_view rest() const { return {bytes_.data() + begin_, end_ - begin_}; }

 private:
  static constexpr size_t kRoom = 65'536;  // what a pipe holds

  std::vector<char> bytes_;
  size_t begin_ = 0;     // of what is not taken
  size_t searched_ = 0;  // no line ends before this
  size_t end_ = 0;       // of what was read
};

}  // namespace plugpull
