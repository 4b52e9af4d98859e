// An Engine that asks a driver. Commands go out in as few writes as possible, because a round trip
// costs more than most stores need for the work.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "engine/drivers/driver.h"
#include "engine/drivers/driver_line.h"
#include "faults/base/bytes.h"

namespace plugpull {
namespace {

constexpr std::string_view kLeak = "leak: ";

class DriverEngine final : public Engine {
 public:
  DriverEngine(Conversation& conversation, const std::string& directory,
               const DriverProgram& program);

  ~DriverEngine() override {
    if (is_open_ && !is_lost_) static_cast<void>(Ask("close\n"));
  }

  Expected<void> Open() override {
    if (words_have_blanks_) {
      return Fail(
          ErrorCode::kInvalidArgument,
          fmt::format("'{}' has a blank in a word, which a driver cannot be told; work in a "
                      "directory without blanks",
                      open_line_.substr(0, open_line_.size() - 1)));
    }
    Expected<void> opened = Ask(open_line_);
    is_open_ = opened.has_value();
    return opened;
  }

  Expected<void> Apply(const Transaction& transaction) override;
  Expected<void> Scan(PairVisitor& visitor) override;
  Expected<CheckReport> Check() override;

  Expected<void> Close() override {
    is_open_ = false;
    return Ask("close\n");
  }

 private:
  // Reads one answer. Returns: nothing for "ok", else the text after "err". Errors: the driver has
  // ended, or this is no answer; `command` is for the complaint.
  Expected<std::optional<std::string>> Answer(std::string_view command);

  // As Answer, for a driver that says nothing else than "ok" and why it failed.
  Expected<void> TakeOk(std::string_view command);

  // Sends a command and reads its answer.
  Expected<void> Ask(std::string_view line);

  // Send and Receive of the conversation, which is over after their first failure.
  Expected<void> Send(std::string_view lines);
  Expected<std::string_view> Receive();

  std::unexpected<Error> Nonsense(std::string_view line, std::string_view command);

  Conversation& conversation_;
  std::string open_line_;
  std::string lines_;             // of the transaction being sent
  std::vector<std::byte> key_;    // of the pair being read
  std::vector<std::byte> value_;  // likewise
  bool words_have_blanks_ = false;
  bool is_open_ = false;
  bool is_lost_ = false;  // nothing more is to be heard from this driver
};

DriverEngine::DriverEngine(Conversation& conversation, const std::string& directory,
                           const DriverProgram& program)
    : conversation_(conversation), open_line_("open") {
  const auto add = [this](std::string_view word) {
    words_have_blanks_ |= word.find_first_of(" \t\r\n") != std::string_view::npos;
    open_line_ += fmt::format(" {}", word);
  };
  add(directory);
  for (const std::string& word : program.open_words) add(word);
  open_line_ += '\n';
}

Expected<void> DriverEngine::Send(std::string_view lines) {
  Expected<void> sent = conversation_.Send(lines);
  is_lost_ |= !sent;
  return sent;
}

Expected<std::string_view> DriverEngine::Receive() {
  Expected<std::string_view> line = conversation_.Receive();
  is_lost_ |= !line;
  return line;
}

std::unexpected<Error> DriverEngine::Nonsense(std::string_view line, std::string_view command) {
  std::string text = fmt::format("the driver answered {} to '{}'", QuoteLine(line),
                                 command.substr(0, command.find_first_of(" \n")));
  conversation_.GiveUp();
  is_lost_ = true;
  return Fail(ErrorCode::kTargetFailed, std::move(text));
}

Expected<std::optional<std::string>> DriverEngine::Answer(std::string_view command) {
  const Expected<std::string_view> line = Receive();
  if (!line) return std::unexpected(line.error());
  if (*line == "ok") return std::nullopt;
  if (!line->starts_with("err ")) return Nonsense(*line, command);
  return std::string(line->substr(4));
}

Expected<void> DriverEngine::TakeOk(std::string_view command) {
  Expected<std::optional<std::string>> answer = Answer(command);
  if (!answer) return std::unexpected(answer.error());
  if (answer->has_value()) return Fail(ErrorCode::kTargetFailed, std::move(**answer));
  return {};
}

Expected<void> DriverEngine::Ask(std::string_view line) {
  if (Expected<void> sent = Send(line); !sent) return sent;
  return TakeOk(line);
}

// One write, and as many answers as there were commands. The first failure is what went wrong; a
// driver commits nothing after it (README.md), so that what follows only says the same again.
Expected<void> DriverEngine::Apply(const Transaction& transaction) {
  lines_ = "begin\n";
  for (const Change& change : transaction.changes) {
    lines_ += change.value ? "put " : "del ";
    AppendHex(change.key, lines_);
    if (change.value) {
      lines_ += ' ';
      AppendHex(*change.value, lines_);
    }
    lines_ += '\n';
  }
  lines_ += "commit\n";
  if (Expected<void> sent = Send(lines_); !sent) return sent;
  Expected<void> result = TakeOk("begin");
  for (size_t i = 0; i < transaction.changes.size() && !is_lost_; ++i) {
    Expected<void> next = TakeOk(transaction.changes[i].value ? "put" : "del");
    if (result || is_lost_) result = std::move(next);
  }
  if (is_lost_) return result;
  Expected<void> committed = TakeOk("commit");
  return result || is_lost_ ? committed : result;
}

Expected<void> DriverEngine::Scan(PairVisitor& visitor) {
  constexpr std::string_view kCommand = "dump\n";
  if (Expected<void> sent = Send(kCommand); !sent) return sent;
  while (true) {
    const Expected<std::string_view> line = Receive();
    if (!line) return std::unexpected(line.error());
    if (*line == "end") return {};
    if (line->starts_with("err ")) {
      return Fail(ErrorCode::kTargetFailed, std::string(line->substr(4)));
    }
    const size_t blank = std::min(line->find(' '), line->size());
    if (blank == line->size() || !DecodeHex(line->substr(0, blank), key_) ||
        !DecodeHex(line->substr(blank + 1), value_)) {
      return Nonsense(*line, kCommand);
    }
    visitor.OnPair(key_, value_);
  }
}

Expected<CheckReport> DriverEngine::Check() {
  constexpr std::string_view kCommand = "check\n";
  if (Expected<void> sent = Send(kCommand); !sent) return std::unexpected(sent.error());
  Expected<std::optional<std::string>> answer = Answer(kCommand);
  if (!answer) return std::unexpected(answer.error());
  CheckReport report;
  if (answer->has_value()) {
    std::string& text = **answer;
    if (text.starts_with(kLeak)) {
      report.leaks.push_back(text.substr(kLeak.size()));
    } else {
      report.structure.push_back(std::move(text));
    }
  }
  return report;
}

}  // namespace

std::unique_ptr<Engine> MakeDriverEngine(Conversation& conversation, const std::string& directory,
                                         const DriverProgram& program) {
  return std::make_unique<DriverEngine>(conversation, directory, program);
}

}  // namespace plugpull
