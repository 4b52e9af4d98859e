// What a litmus test asks of a crashed disk: predicates on files, joined by and, or, not. A
// predicate on a file that is not there is false, except `missing`.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "faults/base/error.h"
#include "faults/litmus/disk.h"
#include "faults/litmus/words.h"

namespace plugpull {

// What a byte may be: a letter that the program wrote, zero, or neither of all: what the block held
// before the file got it.
struct ByteKind {
  enum class Kind : uint8_t { kLetter, kZero, kStale };
  Kind kind = Kind::kZero;
  char letter = 0;
};

// `count` bytes of one kind.
struct ByteRun {
  ByteKind byte;
  uint64_t count = 0;
};

enum class Comparator : uint8_t { kEqual, kNotEqual, kLess, kGreater, kAtMost, kAtLeast };

struct Question {
  enum class Kind : uint8_t {
    kAnd,
    kOr,
    kNot,
    kExists,
    kMissing,
    kSize,       // the size compares so with `size_bytes`
    kContent,    // the whole file is `runs`
    kAll,        // the range is there, every byte of it of the first kind in `bytes`
    kAny,        // some byte of the range that is there is of the first kind in `bytes`
    kMixed,      // some byte of each kind in `bytes`
    kAttribute,  // the value of `key` is `text`
    kUnset,      // `key` has no value
    kLinkText,   // the text of the link is `text`
  };
  Kind kind = Kind::kAnd;
  std::vector<Question> parts{};  // of kAnd, kOr, kNot
  std::string path{};
  Comparator comparison = Comparator::kEqual;
  uint64_t size_bytes = 0;
  uint64_t offset_bytes = 0;
  uint64_t length_bytes = 0;
  std::vector<ByteKind> bytes{};
  std::vector<ByteRun> runs{};
  std::string key{};
  std::string text{};
};

// Reads a question; all words are used up. `paths`: what the program has named; a question about
// anything else is a slip of the pen. Errors: kInvalidArgument.
Expected<Question> ParseQuestion(Words words, const std::set<std::string>& paths);

// Returns: whether the question is true of the disk. It looks at nothing that cannot change the
// answer any more. `letters`: what the program has written, see ByteKind.
// Errors: what the disk says, except that a file is missing.
Expected<bool> Holds(const Question& question, Disk& disk, std::string_view letters);

}  // namespace plugpull
