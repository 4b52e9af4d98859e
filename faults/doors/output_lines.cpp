#include "faults/doors/output_lines.h"

#include <utility>

#include "faults/base/assert.h"

namespace plugpull {

void OutputLines::Append(std::string_view text) {
  for (size_t end = text.find('\n'); end != text.npos; end = text.find('\n')) {
    rest_ += text.substr(0, end);
    lines_.push_back(std::exchange(rest_, {}));
    text.remove_prefix(end + 1);
  }
  rest_ += text;
}

void OutputLines::End() {
  if (!rest_.empty()) lines_.push_back(std::exchange(rest_, {}));
}

std::string OutputLines::Take() {
  Assert(HasLine(), "a line is taken after an event that says so");
  std::string line = std::move(lines_.front());
  lines_.pop_front();
  return line;
}

}  // namespace plugpull
