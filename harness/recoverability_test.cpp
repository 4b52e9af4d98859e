// Goal: a damaged image gets the class of the gentlest repair that cures it, with what that costs;
// and no repair is said to cure what it does not.
// Method: a store that is a text file, with a copy of what it was before and two repairs.
#include "harness/recoverability.h"

#include <gtest/gtest.h>

#include <array>
#include <cctype>

#include "faults/base/bytes.h"
#include "harness/testing.h"

namespace plugpull {
namespace {

std::optional<std::string> ReadText(Vfs& vfs, std::string_view path) {
  const auto file = vfs.Open(path, {});
  if (!file) return std::nullopt;
  std::string text(*(*file)->Size(), '\0');
  EXPECT_EQ((*file)->Read(0, std::as_writable_bytes(std::span(text))), text.size());
  return text;
}

void WriteText(Vfs& vfs, std::string_view path, std::string_view text) {
  const auto file = vfs.Open(path, {.create = true, .truncate = true});
  ASSERT_TRUE((*file)->Write(0, AsBytes(text)).has_value());
}

// One letter for each key, and its value: "a1 b2 ". A '!' makes it refuse to open, a '?' makes its
// check complain.
class TextStore final : public Engine {
 public:
  explicit TextStore(Vfs& vfs) : vfs_(vfs) {}

  Expected<void> Open() override {
    text_ = ReadText(vfs_, "store").value_or("");
    if (text_.contains('!')) return Fail(ErrorCode::kCorrupt, "there is a '!'");
    for (size_t i = 0; i + 1 < text_.size(); ++i) {
      if (std::islower(text_[i])) content_[text_.substr(i, 1)] = text_.substr(i + 1, 1);
    }
    return {};
  }
  Expected<void> Apply(const Transaction& transaction) override {
    ApplyTo(content_, transaction);
    text_.clear();
    for (const auto& [key, value] : content_) text_ += key + value + " ";
    WriteText(vfs_, "store", text_);
    return {};
  }
  Expected<void> Scan(PairVisitor& visitor) override {
    for (const auto& [key, value] : content_) visitor.OnPair(AsBytes(key), AsBytes(value));
    return {};
  }
  Expected<CheckReport> Check() override {
    CheckReport report;
    if (text_.contains('?')) report.structure.emplace_back("there is a '?'");
    return report;
  }
  Expected<void> Close() override { return {}; }

 private:
  Vfs& vfs_;
  std::string text_;
  Content content_;
};

Expected<void> GoBack(Vfs& vfs) {
  const std::optional<std::string> text = ReadText(vfs, "previous");
  if (!text) return Fail(ErrorCode::kNotFound, "there is no previous copy");
  WriteText(vfs, "store", *text);
  return {};
}

Expected<void> Salvage(Vfs& vfs) {
  std::string text = ReadText(vfs, "store").value_or("");
  std::erase_if(text, [](char c) { return c == '!' || c == '?'; });
  WriteText(vfs, "store", text);
  return {};
}

constexpr std::array<Repair, 2> kRepairs = {
    {{"go-back", "cured by previous copy", GoBack}, {"salvage", "needs surgery", Salvage}}};

// After transaction 1 "a1 ", after 2 "a1 b2 ", after 3 "a3 b2 c3 ".
const std::vector<Transaction>& History() {
  static const std::vector<Transaction> history = {
      Put("a", "1"), Put("b", "2"), {.changes = {{"a", "3"}, {"c", "3"}}}};
  return history;
}

// Returns: what is said of a store with this text, when transaction 3 was acknowledged, or as the
// window says. `previous`: text of its copy, if it has one.
std::string Said(std::string_view text, std::optional<std::string> previous = {},
                 Window window = {3, 3}) {
  static const FunctionEngineType type([](Vfs& vfs) { return std::make_unique<TextStore>(vfs); });
  static const ReferenceModel model(History());
  MemoryVfs vfs;
  WriteText(vfs, "store", text);
  if (previous) WriteText(vfs, "previous", *previous);
  const Target target{.type = &type, .options = {}, .text = "text"};
  std::atomic<Phase> phase = Phase::kOpen;
  std::vector<MendedState> states;
  for (const Repair* repair : {static_cast<const Repair*>(nullptr), &kRepairs[0], &kRepairs[1]}) {
    states.push_back(TryRepair(vfs.image(), repair, target, model, window, {Put("d", "9")}, phase));
  }
  EXPECT_EQ(ReadText(vfs, "store"), text) << "repairs work on copies";
  return ConcludeRecoverability(kRepairs, states, window).Text();
}

TEST(Recoverability, IsThatOfTheGentlestRepairThatCures) {
  EXPECT_EQ(Said("a9 ? ", "a3 b2 c3 "), "cured by previous copy");
  EXPECT_EQ(Said("a3 ! b2 c3 ", "a3 b2 c3 "), "cured by previous copy");
  EXPECT_EQ(Said("a3 ! b2 c3 "), "needs surgery");
  EXPECT_EQ(Said("a3 ? b2 c3 ", "!"), "needs surgery");
}

// A cure that costs nothing is better than a gentle one that does.
TEST(Recoverability, IsThatOfTheCheapestCure) {
  EXPECT_EQ(Said("a3 ! b2 c3 ", "a1 b2 "), "needs surgery");
  const std::vector<MendedState> states = {{}, {.transaction = 2}, {.transaction = 3}};
  const Recoverability cured = ConcludeRecoverability(kRepairs, states, {3, 3});
  EXPECT_EQ(cured.transactions_lost, 0U);
  EXPECT_EQ(cured.cures, (std::vector<std::string_view>{"go-back", "salvage"}));
}

TEST(Recoverability, SaysWhatTheCureCosts) {
  EXPECT_EQ(Said("a9 ? ", "a1 b2 "),
            "cured by previous copy, without the last acknowledged transaction");
  EXPECT_EQ(Said("a9 ! ", "a1 "),
            "cured by previous copy, without the last 2 acknowledged transactions");
  EXPECT_EQ(Said("a9 ? ", "a1 b2 ", {2, 3}), "cured by previous copy");
}

TEST(Recoverability, OfAPartSaysHowMuchIsLost) {
  EXPECT_EQ(Said("a3 ? b2 "), "needs surgery, loses 1 of 3 keys (33.3 %)");
  EXPECT_EQ(Said("a3 ? b2 c9 "), "needs surgery, loses 1 of 3 keys (33.3 %)");
  EXPECT_EQ(Said("a3 ! "), "needs surgery, loses 2 of 3 keys (66.7 %)");
  // Of what may be there, the nearest counts.
  EXPECT_EQ(Said("a1 c9 ? ", {}, {2, 3}), "needs surgery, loses 1 of 2 keys (50.0 %)");
}

TEST(Recoverability, OfASoundStoreWithWrongContentsIsSilence) {
  EXPECT_EQ(Said("a9 b2 c3 "), kSilent);
  EXPECT_EQ(Said("a1 b2 "), kSilent);
  // Going back behind what it shows by itself is no cure.
  EXPECT_EQ(Said("a1 b2 ", "a1 "), kSilent);
  EXPECT_EQ(Said("a1 b2 ", "a1 b2 "), kSilent);
  EXPECT_EQ(Said("a1 b2 ", "a3 b2 c3 "), "cured by previous copy");
}

TEST(Recoverability, OfWhatNothingHelpsIsSaidToo) {
  EXPECT_EQ(Said("?", "?"), kIncurable);
  EXPECT_EQ(Said("x1 ! "), kIncurable);
}

TEST(Recoverability, IsUnknownWhereTheEngineHasNoRepairs) {
  EXPECT_EQ(ConcludeRecoverability({}, {}, {3, 3}).Text(), "");
}

// A state of which nothing is known: the repair ended the process.
TEST(Recoverability, ADeathIsNoCure) {
  const std::vector<MendedState> states(3);
  EXPECT_EQ(ConcludeRecoverability(kRepairs, states, {3, 3}).Text(), kIncurable);
}

}  // namespace
}  // namespace plugpull
