#include "harness/symptom.h"

#include <fmt/format.h>

#include <algorithm>

namespace plugpull {
namespace {

// An automaton has a state for each repetition that is counted out, and is walked recursively.
constexpr uint64_t kMostRepetitions = 1000;

// Returns: how often the counted repetitions of a pattern may repeat what is in them, all of them
// together, as in "(a{10}){20}"; stops counting where it is too often.
uint64_t Repetitions(std::string_view pattern) {
  uint64_t product = 1;
  for (size_t i = pattern.find('{'); i != std::string_view::npos; i = pattern.find('{', i + 1)) {
    uint64_t most = 1;
    uint64_t number = 0;
    for (size_t k = i + 1; k < pattern.size() && pattern[k] != '}'; ++k) {
      const bool is_digit = pattern[k] >= '0' && pattern[k] <= '9';
      number = is_digit ? number * 10 + static_cast<uint64_t>(pattern[k] - '0') : 0;
      most = std::max(most, number);
      if (most > kMostRepetitions) return most;
    }
    product *= most;
    if (product > kMostRepetitions) return product;
  }
  return product;
}

}  // namespace

Expected<Symptom> Symptom::Parse(const std::string& pattern) {
  if (pattern.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "an empty symptom is in every message; give words of the report, as in --symptom "
                "'multiple references'");
  }
  if (pattern.size() > kLongestPattern) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("a symptom of {} bytes is too long; {} are allowed, and a part of the "
                            "message is enough",
                            pattern.size(), kLongestPattern));
  }
  Symptom symptom(pattern);
  if (pattern.find_first_of("^$\\.*+?()[]{}|") == std::string::npos) return symptom;
  if (Repetitions(pattern) > kMostRepetitions) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("the symptom '{}' repeats something more than {} times; use + or *",
                            pattern, kMostRepetitions));
  }
  try {
    // The search over all states at once: it cannot take exponential time.
    constexpr auto kFlags = std::regex::ECMAScript | std::regex_constants::__polynomial;
    symptom.expression_ = std::make_shared<const std::regex>(pattern, kFlags);
  } catch (const std::regex_error& error) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("the symptom '{}' is no regular expression that can be searched for "
                            "({}); put a backslash before each of . * + ? ( ) [ ] {{ }} | that is "
                            "meant as it stands",
                            pattern, error.what()));
  }
  return symptom;
}

bool Symptom::Matches(std::string_view line) const {
  line = line.substr(0, kLongestLine);
  if (expression_ == nullptr) return line.find(pattern_) != std::string_view::npos;
  return std::regex_search(line.begin(), line.end(), *expression_);
}

}  // namespace plugpull
