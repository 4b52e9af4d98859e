#include "faults/litmus/question.h"

#include <algorithm>
#include <array>
#include <functional>

#include "faults/base/assert.h"

namespace plugpull {
namespace {

// As much as is read at a time: what a crash may separate, so that no more is decided than needed.
constexpr uint64_t kStepBytes = 512;

bool Compare(uint64_t left, Comparator comparison, uint64_t right) {
  switch (comparison) {
    case Comparator::kEqual:
      return left == right;
    case Comparator::kNotEqual:
      return left != right;
    case Comparator::kLess:
      return left < right;
    case Comparator::kGreater:
      return left > right;
    case Comparator::kAtMost:
      return left <= right;
    case Comparator::kAtLeast:
      return left >= right;
  }
  return false;
}

class Evaluation {
 public:
  Evaluation(Disk& disk, std::string_view letters) : disk_(disk), letters_(letters) {}

  Expected<bool> Answer(const Question& question) {
    switch (question.kind) {
      case Question::Kind::kAnd:
      case Question::Kind::kOr:
        return AnswerJoined(question);
      case Question::Kind::kNot:
        return Opposite(Answer(question.parts.front()));
      case Question::Kind::kExists:
        return disk_.files().Exists(question.path);
      case Question::Kind::kMissing:
        return Opposite(disk_.files().Exists(question.path));
      case Question::Kind::kSize:
      case Question::Kind::kContent:
      case Question::Kind::kAll:
      case Question::Kind::kAny:
      case Question::Kind::kMixed:
        return AnswerOfFile(question);
      case Question::Kind::kAttribute:
      case Question::Kind::kUnset:
        return AnswerOfAttribute(question);
      case Question::Kind::kLinkText: {
        const Expected<std::string> text = disk_.ReadLink(question.path);
        if (!text) return FalseWhereMissing(text.error());
        return *text == question.text;
      }
    }
    return false;
  }

 private:
  static Expected<bool> Opposite(Expected<bool> answer) {
    if (answer) *answer = !*answer;
    return answer;
  }

  static Expected<bool> FalseWhereMissing(const Error& error) {
    if (error.code == ErrorCode::kNotFound) return false;
    return std::unexpected(error);
  }

  Expected<bool> AnswerOfAttribute(const Question& question) {
    const auto value = disk_.Attribute(question.path, question.key);
    if (!value) return FalseWhereMissing(value.error());
    if (question.kind == Question::Kind::kUnset) return !value->has_value();
    return *value == question.text;
  }

  Expected<bool> AnswerJoined(const Question& question) {
    const bool ends_it = question.kind == Question::Kind::kOr;
    for (const Question& part : question.parts) {
      const Expected<bool> answer = Answer(part);
      if (!answer || *answer == ends_it) return answer;
    }
    return !ends_it;
  }

  Expected<bool> AnswerOfFile(const Question& question) {
    const Expected<std::unique_ptr<VfsFile>> file = disk_.files().Open(question.path, {});
    if (!file) return FalseWhereMissing(file.error());
    if (question.kind == Question::Kind::kSize) {
      const Expected<uint64_t> size = (*file)->Size();
      if (!size) return std::unexpected(size.error());
      return Compare(*size, question.comparison, question.size_bytes);
    }
    if (question.kind == Question::Kind::kContent) return IsContent(**file, question.runs);
    const uint64_t end = question.offset_bytes + question.length_bytes;
    if (question.kind == Question::Kind::kAll) {
      return AreAll(**file, question.offset_bytes, end, question.bytes.front());
    }
    return AreSome(**file, question.offset_bytes, end, question.bytes);
  }

  Expected<bool> IsContent(VfsFile& file, const std::vector<ByteRun>& runs) {
    uint64_t size_bytes = 0;
    for (const ByteRun& run : runs) size_bytes += run.count;
    const Expected<uint64_t> size = file.Size();
    if (!size) return std::unexpected(size.error());
    if (*size != size_bytes) return false;
    uint64_t begin = 0;
    for (const ByteRun& run : runs) {
      const Expected<bool> answer = AreAll(file, begin, begin + run.count, run.byte);
      if (!answer || !*answer) return answer;
      begin += run.count;
    }
    return true;
  }

  Expected<bool> AreAll(VfsFile& file, uint64_t begin, uint64_t end, const ByteKind& wanted) {
    bool all = true;
    const Expected<uint64_t> seen = Scan(file, begin, end, [&](std::byte byte) {
      all = all && Is(byte, wanted);
      return all;
    });
    if (!seen) return std::unexpected(seen.error());
    return all && *seen == end - begin;
  }

  Expected<bool> AreSome(VfsFile& file, uint64_t begin, uint64_t end,
                         std::vector<ByteKind> wanted) {
    const Expected<uint64_t> seen = Scan(file, begin, end, [&](std::byte byte) {
      std::erase_if(wanted, [&](const ByteKind& kind) { return Is(byte, kind); });
      return !wanted.empty();
    });
    if (!seen) return std::unexpected(seen.error());
    return wanted.empty();
  }

  // Shows the bytes one by one until `go_on` says no. Returns: how many there were, or that it
  // showed before the step in which `go_on` said no was over.
  static Expected<uint64_t> Scan(VfsFile& file, uint64_t begin, uint64_t end,
                                 const std::function<bool(std::byte)>& go_on) {
    std::array<std::byte, kStepBytes> buffer;
    uint64_t at = begin;
    while (at < end) {
      const uint64_t stop = std::min(end, (at / kStepBytes + 1) * kStepBytes);
      const std::span<std::byte> out = std::span(buffer).first(stop - at);
      const Expected<size_t> count = file.Read(at, out);
      if (!count) return std::unexpected(count.error());
      at += *count;
      const bool all_seen = std::ranges::all_of(out.first(*count), go_on);
      if (!all_seen || *count < out.size()) break;
    }
    return at - begin;
  }

  bool Is(std::byte byte, const ByteKind& wanted) const {
    const char c = static_cast<char>(byte);
    switch (wanted.kind) {
      case ByteKind::Kind::kLetter:
        return c == wanted.letter;
      case ByteKind::Kind::kZero:
        return c == 0;
      case ByteKind::Kind::kStale:
        return c != 0 && !letters_.contains(c);
    }
    return false;
  }

  Disk& disk_;
  std::string_view letters_;
};

}  // namespace

Expected<bool> Holds(const Question& question, Disk& disk, std::string_view letters) {
  return Evaluation(disk, letters).Answer(question);
}

}  // namespace plugpull
