#include "faults/litmus/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace plugpull {
namespace {

constexpr std::string_view kBlanks = " \t\r";
constexpr std::string_view kOwnWords = "(),";

std::unexpected<Error> Refuse(std::string what) {
  return Fail(ErrorCode::kInvalidArgument, std::move(what));
}

bool IsLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

bool Words::TakeIf(std::string_view word) {
  if (done() || words_[next_].quoted || words_[next_].text != word) return false;
  ++next_;
  return true;
}

Expected<std::string> Words::Take(std::string_view what) {
  if (done()) return Refuse(fmt::format("{} is missing at the end of the line", what));
  return words_[next_++].text;
}

Expected<uint64_t> Words::TakeSize(std::string_view what) {
  const Expected<std::string> text = Take(what);
  if (!text) return std::unexpected(text.error());
  return ParseByteCount(*text);
}

Expected<char> Words::TakeLetter(std::string_view what) {
  const Expected<std::string> text = Take(what);
  if (!text) return std::unexpected(text.error());
  return ParseLetter(*text);
}

Expected<void> Words::ExpectEnd() const {
  if (done()) return {};
  return Refuse(fmt::format("'{}' is one word too many", Peek()));
}

void Words::Append(const Words& more) {
  words_.insert(words_.end(), more.words_.begin() + static_cast<ptrdiff_t>(more.next_),
                more.words_.end());
}

Expected<Words> SplitWords(std::string_view line) {
  std::vector<Word> words;
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
    if (line.empty() || line[0] == '#') return Words(std::move(words));
    size_t length = 1;
    if (line[0] == '"') {
      const size_t end = line.find('"', 1);
      if (end == line.npos) return Refuse("a \" has no partner on its line");
      words.push_back({std::string(line.substr(1, end - 1)), true});
      length = end + 1;
    } else {
      if (!kOwnWords.contains(line[0])) {
        length = std::min(line.find_first_of(" \t\r(),\""), line.size());
      }
      words.push_back({std::string(line.substr(0, length)), false});
    }
    line.remove_prefix(length);
  }
}

Expected<uint64_t> ParseByteCount(std::string_view text) {
  std::string_view digits = text;
  uint64_t unit = 1;
  if (digits.ends_with('K')) unit = uint64_t{1} << 10;
  if (digits.ends_with('M')) unit = uint64_t{1} << 20;
  if (unit != 1) digits.remove_suffix(1);
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return Refuse(fmt::format("'{}' is not a number of bytes such as 512, 4K or 1M", text));
  }
  return number * unit;
}

Expected<char> ParseLetter(std::string_view text) {
  if (text.size() == 3 && text[0] == '\'' && text[2] == '\'' && IsLetterOrDigit(text[1])) {
    return text[1];
  }
  return Refuse(fmt::format("'{}' is not a letter or digit in single quotes such as 'B'", text));
}

}  // namespace plugpull
