// The symptom of a field report: which lines of an engine's complaints show it.
#pragma once

#include <memory>
#include <regex>
#include <string>
#include <string_view>

#include "faults/base/error.h"

namespace plugpull {

// Immutable. Matching takes time that grows with the product of pattern and line, whatever both
// are: there is no backtracking, and so there are no back references.
class Symptom {
 public:
  // Takes an ECMAScript regular expression; a pattern without special characters is a plain text.
  // It matches anywhere in a line. Errors: kInvalidArgument: empty, too long, no expression.
  static Expected<Symptom> Parse(const std::string& pattern);

  // Returns: true when the line shows it. What is beyond the first kLongestLine bytes of a line is
  // not looked at.
  bool Matches(std::string_view line) const;

  const std::string& pattern() const { return pattern_; }

  static constexpr size_t kLongestPattern = 256;
  static constexpr size_t kLongestLine = 4096;

 private:
  explicit Symptom(std::string pattern) : pattern_(std::move(pattern)) {}

  std::string pattern_;
  std::shared_ptr<const std::regex> expression_;  // null: a plain text
};

}  // namespace plugpull
