// Lines of a litmus file: a keyword with what it takes, or inside `given` and `do` an operation.
#include <fmt/format.h>

#include <algorithm>

#include "faults/base/nearest.h"
#include "faults/litmus/columns.h"
#include "faults/litmus/litmus.h"
#include "faults/litmus/program.h"
#include "faults/litmus/words.h"
#include "faults/persistence/model_parameters.h"
#include "faults/trace/validate.h"

namespace plugpull {
namespace {

// Of what is said of a line: a file that is no litmus test may be one word of any length.
constexpr size_t kLongestMessage = 400;

std::unexpected<Error> Refuse(std::string what) {
  return Fail(ErrorCode::kInvalidArgument, std::move(what));
}

std::string Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == text.npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1));
}

Expected<Mark> ParseMark(std::string_view word) {
  for (const Mark mark : {Mark::kAllowed, Mark::kForbidden, Mark::kKnob, Mark::kHidden}) {
    if (word.size() == 1 && word[0] == static_cast<char>(mark)) return mark;
  }
  return Refuse(
      fmt::format("'{}' is not a mark: A allowed, - forbidden, k a parameter decides, "
                  "h allowed but usually hidden",
                  word));
}

enum class Block : uint8_t { kNone, kGiven, kDo };

class LitmusParser {
 public:
  Expected<Litmus> Parse(std::string_view text, const std::string& file) {
    while (!text.empty()) {
      const size_t end = std::min(text.find('\n'), text.size());
      const Expected<void> read = ReadLine(text.substr(0, end), ++line_);
      if (!read) return At(file, line_, read.error().context);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (const Expected<void> finished = Finish(); !finished) {
      return At(file, failed_line_, finished.error().context);
    }
    return std::move(litmus_);
  }

 private:
  struct Keyword {
    std::string_view name;
    Expected<void> (LitmusParser::*read)(Words& words, std::string_view rest);
    bool repeats = false;
  };

  // The words of a question, which may go on over lines, and where they began.
  struct Asked {
    Words words{{}};
    int line = 0;
  };

  static std::unexpected<Error> At(const std::string& file, int line, const std::string& what) {
    return Refuse(fmt::format("{}:{}: {}", file, line, Shown(what, kLongestMessage)));
  }

  static const std::vector<Keyword>& Keywords() {
    static const std::vector<Keyword> keywords = {
        {"name", &LitmusParser::ReadName},
        {"title", &LitmusParser::ReadText<&Litmus::title>},
        {"outcome", &LitmusParser::ReadText<&Litmus::outcome>},
        {"source", &LitmusParser::ReadText<&Litmus::source>},
        {"note", &LitmusParser::ReadText<&Litmus::note>},
        {"given", &LitmusParser::ReadGiven},
        {"do", &LitmusParser::ReadDo},
        {"crash", &LitmusParser::ReadCrash},
        {"ask", &LitmusParser::ReadAsk},
        {"never", &LitmusParser::ReadNever},
        {"and", &LitmusParser::ReadMore, true},
        {"or", &LitmusParser::ReadMore, true},
        {"modifier", &LitmusParser::ReadModifier},
        {"expect", &LitmusParser::ReadExpect, true},
        {"hidden", &LitmusParser::ReadHidden, true},
        {"differs", &LitmusParser::ReadDiffers, true},
    };
    return keywords;
  }

  Expected<void> ReadLine(std::string_view line, int number) {
    const size_t begin = line.find_first_not_of(" \t\r");
    if (begin == line.npos || line[begin] == '#') return {};
    line.remove_prefix(begin);
    const size_t end = std::min(line.find_first_of(" \t\r("), line.size());
    const std::string_view first = line.substr(0, end);
    for (const Keyword& keyword : Keywords()) {
      if (keyword.name != first) continue;
      if (!keyword.repeats && !seen_.insert(std::string(first)).second) {
        return Refuse(fmt::format("'{}' is there twice", first));
      }
      const std::string_view rest = line.substr(end);
      return ReadKeyword(keyword, rest, number);
    }
    return ReadOperation(line, first, number);
  }

  Expected<void> ReadKeyword(const Keyword& keyword, std::string_view rest, int number) {
    const bool is_more = keyword.read == &LitmusParser::ReadMore;
    if (!is_more) asked_ = nullptr;
    block_ = Block::kNone;
    line_of_[std::string(keyword.name)] = number;
    // Free text may hold anything, also a quote without a partner.
    const bool is_text = kTexts.contains(keyword.name);
    Expected<Words> words = is_text ? Words({}) : SplitWords(rest);
    if (!words) return std::unexpected(words.error());
    if (is_more) {
      Words joined({{std::string(keyword.name), false}});
      joined.Append(*words);
      return (this->*keyword.read)(joined, rest);
    }
    if (Expected<void> read = (this->*keyword.read)(*words, rest); !read) return read;
    return words->ExpectEnd();
  }

  Expected<void> ReadOperation(std::string_view line, std::string_view first, int number) {
    if (block_ == Block::kNone) {
      std::vector<std::string> known;
      for (const Keyword& keyword : Keywords()) known.emplace_back(keyword.name);
      for (const LitmusOperation& operation : LitmusOperations()) {
        if (operation.name == first) {
          return Refuse(fmt::format("'{}' stands outside of 'given' and 'do'", first));
        }
      }
      return Refuse(fmt::format("'{}' is not understood{}", first, NearestHint(first, known)));
    }
    Expected<Words> words = SplitWords(line);
    if (!words) return std::unexpected(words.error());
    if (Expected<void> added = builder_.Add(std::move(*words)); !added) return added;
    line_of_op_.resize(builder_.trace().ops.size(), number);
    return {};
  }

  Expected<void> ReadName(Words& words, std::string_view) {
    const Expected<std::string> name = words.Take("the name");
    if (!name) return std::unexpected(name.error());
    litmus_.name = *name;
    return {};
  }

  template <auto kMember>
  Expected<void> ReadText(Words&, std::string_view rest) {
    litmus_.*kMember = Trimmed(rest);
    return {};
  }

  Expected<void> ReadGiven(Words&, std::string_view) {
    if (seen_.contains("do")) return Refuse("'given' comes before 'do'");
    block_ = Block::kGiven;
    return {};
  }

  Expected<void> ReadDo(Words&, std::string_view) {
    block_ = Block::kDo;
    if (!builder_.trace().ops.empty()) builder_.SyncAll();
    litmus_.first_op = builder_.trace().ops.size();
    line_of_op_.resize(litmus_.first_op, line_);
    return {};
  }

  Expected<void> ReadCrash(Words& words, std::string_view) {
    if (!words.TakeIf("inside")) return Refuse("there is only 'crash inside', the last operation");
    crash_inside_ = true;
    return {};
  }

  Expected<void> ReadAsk(Words& words, std::string_view) {
    litmus_.live = words.TakeIf("live");
    return Ask(ask_, words);
  }

  Expected<void> ReadNever(Words& words, std::string_view) { return Ask(never_, words); }

  Expected<void> Ask(Asked& asked, Words& words) {
    asked = {words, line_};
    asked_ = &asked;
    words = Words({});
    return {};
  }

  Expected<void> ReadMore(Words& words, std::string_view) {
    if (asked_ == nullptr) return Refuse("a line with and, or goes on after 'ask' or 'never'");
    asked_->words.Append(words);
    return {};
  }

  Expected<void> ReadModifier(Words& words, std::string_view) {
    const Expected<std::string> modifier = words.Take("KEY=VALUE of a model");
    if (!modifier) return std::unexpected(modifier.error());
    litmus_.modifier = *modifier;
    return {};
  }

  Expected<std::string> TakeModel(Words& words) {
    const Expected<std::string> word = words.Take("a model");
    if (!word) return std::unexpected(word.error());
    const Expected<const LitmusColumn*> column = FindNamedColumn(*word);
    if (!column) return std::unexpected(column.error());
    return (*column)->model->name;
  }

  Expected<Mark> TakeMark(Words& words) {
    const Expected<std::string> word = words.Take("a mark");
    if (!word) return std::unexpected(word.error());
    return ParseMark(*word);
  }

  // PM A, WB A, J -
  Expected<void> ReadExpect(Words& words, std::string_view) {
    do {
      const Expected<std::string> model = TakeModel(words);
      if (!model) return std::unexpected(model.error());
      const Expected<Mark> mark = TakeMark(words);
      if (!mark) return std::unexpected(mark.error());
      if (!litmus_.expected.emplace(*model, *mark).second) {
        return Refuse(fmt::format("'{}' is expected twice", *model));
      }
    } while (words.TakeIf(","));
    return {};
  }

  Expected<void> ReadHidden(Words& words, std::string_view) {
    return ReadReason(words, litmus_.hidden, Mark::kHidden);
  }

  Expected<void> ReadDiffers(Words& words, std::string_view) {
    return ReadReason(words, litmus_.differs, std::nullopt);
  }

  // B h "reason"; for `hidden` without the mark
  Expected<void> ReadReason(Words& words, std::map<std::string, Litmus::Reason>& reasons,
                            std::optional<Mark> known) {
    const Expected<std::string> model = TakeModel(words);
    if (!model) return std::unexpected(model.error());
    const Expected<Mark> mark = known ? Expected<Mark>(*known) : TakeMark(words);
    if (!mark) return std::unexpected(mark.error());
    const Expected<std::string> text = words.Take("the reason in \"...\"");
    if (!text) return std::unexpected(text.error());
    if (!reasons.emplace(*model, Litmus::Reason{*mark, *text}).second) {
      return Refuse(fmt::format("'{}' is there twice", *model));
    }
    return {};
  }

  Expected<void> Finish() {
    failed_line_ = line_;
    for (const char* needed : {"name", "do", "ask"}) {
      if (!seen_.contains(needed)) return Refuse(fmt::format("the file has no '{}'", needed));
    }
    litmus_.trace = builder_.trace();
    litmus_.letters = builder_.letters();
    litmus_.crash_at = litmus_.trace.ops.size() - (crash_inside_ ? 1 : 0);
    failed_line_ = line_of_["do"];
    if (litmus_.first_op == litmus_.trace.ops.size()) return Refuse("'do' has no operation");
    if (const Expected<void> valid = CheckTrace(); !valid) return valid;
    for (const auto& [model, reason] : litmus_.differs) {
      failed_line_ = line_of_["differs"];
      const auto expected = litmus_.expected.find(model);
      if (expected == litmus_.expected.end() || expected->second == reason.mark) {
        return Refuse(
            fmt::format("'differs' says the same of {} as 'expect', or that says nothing", model));
      }
    }
    return ParseQuestions();
  }

  // The first prefix of the operations that is not legal names the line.
  Expected<void> CheckTrace() {
    Trace begun = litmus_.trace;
    if (ValidateTrace(begun)) return {};
    begun.ops.clear();
    for (size_t i = 0; i < litmus_.trace.ops.size(); ++i) {
      begun.ops.push_back(litmus_.trace.ops[i]);
      if (const Expected<void> valid = ValidateTrace(begun); !valid) {
        failed_line_ = line_of_op_[i];
        return valid;
      }
    }
    return {};
  }

  Expected<void> ParseQuestions() {
    failed_line_ = ask_.line;
    Expected<Question> ask = ParseQuestion(ask_.words, builder_.paths());
    if (!ask) return std::unexpected(ask.error());
    litmus_.ask = std::move(*ask);
    if (never_.line == 0) return {};
    failed_line_ = never_.line;
    Expected<Question> never = ParseQuestion(never_.words, builder_.paths());
    if (!never) return std::unexpected(never.error());
    litmus_.never = std::move(*never);
    return {};
  }

  static inline const std::set<std::string_view> kTexts = {"title", "outcome", "source", "note"};

  Litmus litmus_;
  ProgramBuilder builder_;
  Block block_ = Block::kNone;
  std::set<std::string> seen_;
  std::map<std::string, int> line_of_;
  std::vector<int> line_of_op_;
  Asked ask_;
  Asked never_;
  Asked* asked_ = nullptr;  // where a line with `and` or `or` goes
  bool crash_inside_ = false;
  int line_ = 0;
  int failed_line_ = 0;
};

}  // namespace

Expected<Litmus> ParseLitmus(std::string_view text, const std::string& file) {
  return LitmusParser().Parse(text, file);
}

}  // namespace plugpull
