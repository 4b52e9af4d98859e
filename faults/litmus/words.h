// The words of one line of a litmus file, and what a single word may say: a number, a fill letter.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "faults/base/error.h"

namespace plugpull {

struct Word {
  std::string text;
  bool quoted = false;  // it stood between double quotes
};

// Reads words from left to right.
class Words {
 public:
  explicit Words(std::vector<Word> words) : words_(std::move(words)) {}

  bool done() const { return next_ == words_.size(); }

  // Returns: the next word, which stays; "" at the end.
  std::string_view Peek() const { return done() ? std::string_view() : words_[next_].text; }

  // Takes the next word if it is `word` and not quoted.
  bool TakeIf(std::string_view word);

  // Errors: kInvalidArgument at the end; `what` says what should have been there.
  Expected<std::string> Take(std::string_view what);
  Expected<uint64_t> TakeSize(std::string_view what);
  Expected<char> TakeLetter(std::string_view what);

  // Errors: kInvalidArgument when something is left.
  Expected<void> ExpectEnd() const;

  void Append(const Words& more);

 private:
  std::vector<Word> words_;
  size_t next_ = 0;
};

// Cuts a line into words. '#' starts a comment, "..." is one word, and parentheses and commas are
// words of their own. Errors: kInvalidArgument for a quote without an end.
Expected<Words> SplitWords(std::string_view line);

// Returns: the number that "512", "4K" or "1M" says. Errors: kInvalidArgument.
Expected<uint64_t> ParseByteCount(std::string_view text);

// Returns: the letter that "'B'" says. Errors: kInvalidArgument.
Expected<char> ParseLetter(std::string_view text);

}  // namespace plugpull
