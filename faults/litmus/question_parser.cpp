// The grammar of questions, by recursive descent:
//
//   question:  term { or term }      term: factor { and factor }
//   factor:    not factor | ( question ) | PATH predicate
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "faults/base/nearest.h"
#include "faults/litmus/question.h"

namespace plugpull {
namespace {

using Kind = Question::Kind;

constexpr int kDeepestNesting = 64;

std::unexpected<Error> Refuse(std::string what) {
  return Fail(ErrorCode::kInvalidArgument, std::move(what));
}

const std::vector<std::string> kPredicates = {"exists", "missing", "is",    "size",  "bytes",
                                              "mode",   "owner",   "times", "xattr", "link"};

class QuestionParser {
 public:
  QuestionParser(Words words, const std::set<std::string>& paths)
      : words_(std::move(words)), paths_(paths) {}

  Expected<Question> Parse() {
    Expected<Question> question = Joined(Kind::kOr);
    if (!question) return question;
    if (const Expected<void> end = words_.ExpectEnd(); !end) return std::unexpected(end.error());
    return question;
  }

 private:
  Expected<Question> Joined(Kind kind) {
    Question question{.kind = kind};
    do {
      Expected<Question> part = kind == Kind::kOr ? Joined(Kind::kAnd) : Factor();
      if (!part) return part;
      question.parts.push_back(std::move(*part));
    } while (words_.TakeIf(kind == Kind::kOr ? "or" : "and"));
    return question;
  }

  Expected<Question> Factor() {
    if (++nesting_ > kDeepestNesting) return Refuse("the question is nested too deep");
    Expected<Question> factor = FactorInside();
    --nesting_;
    return factor;
  }

  Expected<Question> FactorInside() {
    if (words_.TakeIf("not")) {
      Expected<Question> part = Factor();
      if (!part) return part;
      return Question{.kind = Kind::kNot, .parts = {std::move(*part)}};
    }
    if (words_.TakeIf("(")) {
      Expected<Question> inside = Joined(Kind::kOr);
      if (inside && !words_.TakeIf(")")) return Refuse("a '(' has no ')'");
      return inside;
    }
    return Predicate();
  }

  Expected<Question> Predicate() {
    const Expected<std::string> path = words_.Take("a path");
    if (!path) return std::unexpected(path.error());
    if (!paths_.contains(*path)) {
      return Refuse(fmt::format("no operation names '{}'{}", *path,
                                NearestHint(*path, {paths_.begin(), paths_.end()})));
    }
    const std::string word = words_.Take("what is asked of the path").value_or("");
    Question question{.path = *path};
    if (word == "exists" || word == "missing") {
      question.kind = word == "exists" ? Kind::kExists : Kind::kMissing;
      return question;
    }
    if (word == "is") return Content(std::move(question));
    if (word == "size") return Size(std::move(question));
    if (word == "bytes") return Bytes(std::move(question));
    if (word == "link") {
      question.kind = Kind::kLinkText;
      return Value(std::move(question));
    }
    if (std::ranges::find(kPredicates, word) == kPredicates.end()) {
      return Refuse(fmt::format("'{}' can be asked of no file{} (one of {})", word,
                                NearestHint(word, kPredicates), fmt::join(kPredicates, " ")));
    }
    return Attribute(std::move(question), word);
  }

  Expected<Question> Attribute(Question question, const std::string& word) {
    question.kind = Kind::kAttribute;
    question.key = word;
    if (word == "xattr") {
      const Expected<std::string> key = words_.Take("the key");
      if (!key) return std::unexpected(key.error());
      question.key = "xattr:" + *key;
    }
    if (!words_.TakeIf("missing")) return Value(std::move(question));
    question.kind = Kind::kUnset;
    return question;
  }

  Expected<Question> Value(Question question) {
    if (!words_.TakeIf("=")) return Refuse("'=' and a value should follow");
    const Expected<std::string> text = words_.Take("the value");
    if (!text) return std::unexpected(text.error());
    question.text = *text;
    return question;
  }

  Expected<Question> Size(Question question) {
    question.kind = Kind::kSize;
    const std::vector<std::pair<const char*, Comparator>> comparisons = {
        {"=", Comparator::kEqual},   {"!=", Comparator::kNotEqual}, {"<", Comparator::kLess},
        {">", Comparator::kGreater}, {"<=", Comparator::kAtMost},   {">=", Comparator::kAtLeast}};
    const auto found = std::ranges::find_if(
        comparisons, [&](const auto& comparison) { return words_.TakeIf(comparison.first); });
    if (found == comparisons.end()) return Refuse("a size is compared by = != < > <= >=");
    question.comparison = found->second;
    const Expected<uint64_t> size_bytes = words_.TakeSize("the size");
    if (!size_bytes) return std::unexpected(size_bytes.error());
    question.size_bytes = *size_bytes;
    return question;
  }

  // 'A'*4K zero*512, or: empty
  Expected<Question> Content(Question question) {
    question.kind = Kind::kContent;
    if (words_.TakeIf("empty")) return question;
    do {
      const Expected<std::string> word = words_.Take("what the file holds");
      if (!word) return std::unexpected(word.error());
      const size_t star = word->find('*');
      if (star == word->npos) {
        return Refuse(fmt::format("'{}' is not of the form 'A'*4K, zero*4K or empty", *word));
      }
      const Expected<ByteKind> byte = ParseByteKind(word->substr(0, star));
      if (!byte) return std::unexpected(byte.error());
      const Expected<uint64_t> count = ParseByteCount(std::string_view(*word).substr(star + 1));
      if (!count) return std::unexpected(count.error());
      question.runs.push_back({*byte, *count});
    } while (words_.Peek().contains('*'));
    return question;
  }

  Expected<Question> Bytes(Question question) {
    const Expected<uint64_t> offset_bytes = words_.TakeSize("the offset");
    if (!offset_bytes) return std::unexpected(offset_bytes.error());
    const Expected<uint64_t> length = words_.TakeSize("the length");
    if (!length) return std::unexpected(length.error());
    question.offset_bytes = *offset_bytes;
    question.length_bytes = *length;
    size_t kinds = 1;
    if (words_.TakeIf("all")) {
      question.kind = Kind::kAll;
    } else if (words_.TakeIf("any")) {
      question.kind = Kind::kAny;
    } else if (words_.TakeIf("mixed")) {
      question.kind = Kind::kMixed;
      kinds = 2;
    } else {
      return Refuse("after 'bytes OFFSET LENGTH' comes all, any or mixed");
    }
    for (; kinds > 0; --kinds) {
      const Expected<std::string> word = words_.Take("'X', zero or stale");
      if (!word) return std::unexpected(word.error());
      const Expected<ByteKind> byte = ParseByteKind(*word);
      if (!byte) return std::unexpected(byte.error());
      question.bytes.push_back(*byte);
    }
    return question;
  }

  static Expected<ByteKind> ParseByteKind(const std::string& word) {
    if (word == "zero") return ByteKind{ByteKind::Kind::kZero};
    if (word == "stale") return ByteKind{ByteKind::Kind::kStale};
    const Expected<char> letter = ParseLetter(word);
    if (!letter) return std::unexpected(letter.error());
    return ByteKind{ByteKind::Kind::kLetter, *letter};
  }

  Words words_;
  const std::set<std::string>& paths_;
  int nesting_ = 0;
};

}  // namespace

Expected<Question> ParseQuestion(Words words, const std::set<std::string>& paths) {
  return QuestionParser(std::move(words), paths).Parse();
}

}  // namespace plugpull
