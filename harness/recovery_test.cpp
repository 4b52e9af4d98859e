// Goal: each way in which an engine may fail gets its class, and only where the promise asks for
// it. Method: an engine that follows a script.
#include "harness/recovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "faults/base/bytes.h"
#include "harness/testing.h"

namespace plugpull {
namespace {

using testing::HasSubstr;

// What the scripted engine does. Opens are numbered from 1.
struct Script {
  Content disk = {{"a", "1"}, {"b", "2"}};
  CheckReport report = {};
  std::optional<std::string> check_error = std::nullopt;
  std::optional<std::string> scan_error = std::nullopt;
  std::optional<std::string> close_error = std::nullopt;
  std::optional<std::string> apply_error = std::nullopt;
  int refuses_open = 0;    // that one is refused
  int damaged_at = 0;      // from that open on, `report` is what the check says
  int other_contents = 0;  // from that open on, one key more is shown
  bool shows_twice = false;
  bool forgets_applied = false;
  int opens = 0;
};

Expected<void> FailWith(const std::optional<std::string>& text) {
  if (!text) return {};
  return Fail(ErrorCode::kCorrupt, *text);
}

class ScriptedEngine final : public Engine {
 public:
  explicit ScriptedEngine(Script& script) : script_(script) {}

  Expected<void> Open() override {
    open_ = ++script_.opens;
    if (open_ == script_.refuses_open) return Fail(ErrorCode::kCorrupt, "bad magic");
    return {};
  }
  Expected<void> Apply(const Transaction& transaction) override {
    if (!script_.forgets_applied) ApplyTo(script_.disk, transaction);
    return FailWith(script_.apply_error);
  }
  Expected<void> Scan(PairVisitor& visitor) override {
    Content shown = script_.disk;
    if (script_.other_contents != 0 && open_ >= script_.other_contents) shown["extra"] = "!";
    for (int i = 0; i < (script_.shows_twice ? 2 : 1); ++i) {
      for (const auto& [key, value] : shown) visitor.OnPair(AsBytes(key), AsBytes(value));
    }
    return FailWith(script_.scan_error);
  }
  Expected<CheckReport> Check() override {
    if (open_ < script_.damaged_at) return CheckReport();
    if (script_.check_error) return Fail(ErrorCode::kIo, *script_.check_error);
    return script_.report;
  }
  Expected<void> Close() override { return FailWith(script_.close_error); }

 private:
  Script& script_;
  int open_ = 0;
};

const std::vector<Transaction>& History() {
  static const std::vector<Transaction> history = {
      Put("a", "1"), Put("b", "2"), {.changes = {{"a", "3"}, {"c", "3"}}}};
  return history;
}

// Returns: the message of a recovery whose check complains, when a symptom is looked for.
std::string MessageWith(const std::string& symptom, const CheckReport& report) {
  static const ReferenceModel model(History());
  Script script{.report = report};
  const FunctionEngineType type(
      [&script](Vfs&) { return std::make_unique<ScriptedEngine>(script); });
  const Target target{.type = &type, .options = {}, .text = "scripted"};
  std::atomic<Phase> phase = Phase::kOpen;
  Recovery recovery(target, model, Promise::kDurable, {}, phase);
  recovery.LookFor(symptom);
  MemoryVfs vfs;
  const Judgement judgement = recovery.Judge(vfs, {2, 3});
  return judgement.violation ? judgement.violation->message : "held";
}

TEST(RecoverySymptomTest, TheComplaintThatShowsItIsToldWhereverItStands) {
  const CheckReport report{.structure = {"page 7: multiple references", "page 8: out of bounds: 9",
                                         "PAGE_CYCLE path=[3 7 3]", "PAGE_CYCLE path=[3 8 3]"},
                           .leaks = {}};
  EXPECT_EQ(MessageWith("", report), "page 7: multiple references");
  EXPECT_EQ(MessageWith("PAGE_CYCLE", report), "PAGE_CYCLE path=[3 7 3]");
  EXPECT_EQ(MessageWith("page \\d+: out", report), "page 8: out of bounds: 9");
  EXPECT_EQ(MessageWith("nothing like it", report), "page 7: multiple references");
  const CheckReport leaks{.structure = {}, .leaks = {"page 4: leaked", "page 5: leaked"}};
  EXPECT_EQ(MessageWith("page 5", leaks), "page 5: leaked");
}

// Runs a recovery with a window of [2, 3]. `use`: goes on to use after it, as a search would.
Judgement Judge(Script script, Promise promise, bool use = true) {
  static const ReferenceModel model(History());
  const FunctionEngineType type(
      [&script](Vfs&) { return std::make_unique<ScriptedEngine>(script); });
  const Target target{.type = &type, .options = {}, .text = "scripted"};
  std::atomic<Phase> phase = Phase::kOpen;
  Recovery recovery(target, model, promise, {Put("a", "9"), Delete("b")}, phase);
  MemoryVfs vfs;
  Judgement judgement = recovery.Judge(vfs, {2, 3});
  if (use && !judgement.violation && judgement.known_state) {
    judgement = recovery.Use(vfs, std::move(judgement));
  }
  return judgement;
}

struct Case {
  std::string name;
  Script script;
  ViolationClass violation;
  std::string message;  // a part of it
};

std::vector<Case> OpeningCases() {
  return {
      {"refuses", {.refuses_open = 1}, ViolationClass::kRefusesToOpen, "bad magic"},
      {"structure",
       {.report = {.structure = {"page 3 twice", "more"}, .leaks = {"page 4"}}},
       ViolationClass::kStructure,
       "page 3 twice"},
      {"check fails",
       {.check_error = "cannot read"},
       ViolationClass::kStructure,
       "the check failed: cannot read"},
      {"leak",
       {.report = {.structure = {}, .leaks = {"page 4 is lost"}}},
       ViolationClass::kLeak,
       "page 4 is lost"},
      {"scan fails",
       {.scan_error = "bad page"},
       ViolationClass::kStructure,
       "reading failed: bad page"},
      {"twice", {.shows_twice = true}, ViolationClass::kStructure, "the same key twice"},
      {"wrong value", {.disk = {{"a", "x"}}}, ViolationClass::kWrongValue, "that no transaction"},
      {"partial",
       {.disk = {{"a", "3"}, {"b", "2"}}},
       ViolationClass::kPartialCommit,
       "transaction 3 is there in key 'a' and missing in key 'c'"},
      {"hole",
       {.disk = {{"a", "3"}, {"c", "3"}}},
       ViolationClass::kHole,
       "transaction 2 is missing"},
      {"lost", {.disk = {{"a", "1"}}}, ViolationClass::kLostCommit, "transaction 2 was ack"},
      {"other at second open",
       {.other_contents = 2},
       ViolationClass::kNotIdempotent,
       "the second open shows other contents"},
      {"refuses second open",
       {.refuses_open = 2},
       ViolationClass::kNotIdempotent,
       "the second open failed: bad magic"},
      {"close fails",
       {.close_error = "busy"},
       ViolationClass::kUnusableAfter,
       "closing failed: busy"},
      {"use fails",
       {.apply_error = "disk full"},
       ViolationClass::kUnusableAfter,
       "a transaction failed: disk full"},
      {"forgets",
       {.forgets_applied = true},
       ViolationClass::kUnusableAfter,
       "the contents after use are not what was written"},
      {"refuses after use",
       {.refuses_open = 3},
       ViolationClass::kUnusableAfter,
       "opening after use failed: bad magic"},
      {"other after use",
       {.other_contents = 3},
       ViolationClass::kUnusableAfter,
       "after use and reopening"},
      {"damaged by use",
       {.report = {.structure = {"page 3 twice"}, .leaks = {}}, .damaged_at = 3},
       ViolationClass::kUnusableAfter,
       "damaged by use: page 3 twice"},
  };
}

TEST(Recovery, EachFailureHasItsClassWhereThePromiseAsksForIt) {
  for (const Case& each : OpeningCases()) {
    for (size_t i = 0; i <= static_cast<size_t>(kLastPromise); ++i) {
      const Promise promise = static_cast<Promise>(i);
      const Judgement judgement = Judge(each.script, promise);
      const bool asked = BrokenPromise(each.violation) <= promise;
      ASSERT_EQ(judgement.violation.has_value(), asked) << each.name << " " << Name(promise);
      if (!asked) continue;
      EXPECT_EQ(judgement.violation->violation, each.violation) << each.name;
      EXPECT_THAT(judgement.violation->message, HasSubstr(each.message)) << each.name;
    }
  }
}

TEST(Recovery, AGoodEngineHoldsEveryPromise) {
  for (size_t i = 0; i <= static_cast<size_t>(kLastPromise); ++i) {
    EXPECT_EQ(Judge({}, static_cast<Promise>(i)).violation, std::nullopt) << i;
  }
}

TEST(Recovery, SaysWhichTransactionWasRecovered) {
  const Judgement second = Judge({}, Promise::kDurable, /*use=*/false);
  EXPECT_TRUE(second.known_state);
  EXPECT_EQ(second.recovered_transaction, 2u);
  const Script third_script{.disk = {{"a", "3"}, {"b", "2"}, {"c", "3"}}};
  const Judgement third = Judge(third_script, Promise::kDurable);
  EXPECT_TRUE(third.known_state);
  EXPECT_EQ(third.recovered_transaction, 3u);
  EXPECT_EQ(third.violation, std::nullopt);
}

TEST(Recovery, WithoutDurabilityAnyOlderStateIsKnownAndUsed) {
  const Judgement judgement = Judge({.disk = {{"a", "1"}}}, Promise::kPrefix);
  EXPECT_EQ(judgement.violation, std::nullopt);
  EXPECT_TRUE(judgement.known_state);
  EXPECT_EQ(judgement.recovered_transaction, 1u);
  const Judgement forgetful = Judge({.disk = {}, .forgets_applied = true}, Promise::kPrefix);
  ASSERT_TRUE(forgetful.violation.has_value());
  EXPECT_EQ(forgetful.violation->violation, ViolationClass::kUnusableAfter);
}

TEST(Recovery, WhereOnlyOpeningIsPromisedNothingElseIsLookedAt) {
  const Judgement judgement =
      Judge({.check_error = "cannot read", .scan_error = "bad page"}, Promise::kOpens);
  EXPECT_EQ(judgement, Judgement());
}

TEST(Recovery, ThePhaseSaysHowFarItCame) {
  const ReferenceModel model(History());
  std::atomic<Phase> phase = Phase::kUse;
  Script script;
  std::vector<Phase> phases;
  const FunctionEngineType type([&](Vfs&) {
    phases.push_back(phase);
    return std::make_unique<ScriptedEngine>(script);
  });
  const Target target{.type = &type, .options = {}, .text = "scripted"};
  Recovery recovery(target, model, Promise::kDurable, {Put("a", "9")}, phase);
  MemoryVfs vfs;
  Judgement judgement = recovery.Judge(vfs, {2, 3});
  EXPECT_EQ(phase, Phase::kScan);
  judgement = recovery.Use(vfs, std::move(judgement));
  EXPECT_EQ(phase, Phase::kUse);
  EXPECT_THAT(phases, testing::ElementsAre(Phase::kOpen, Phase::kReopen, Phase::kUse));
}

TEST(Recovery, EveryPhaseHasItsWords) {
  std::vector<std::string_view> words;
  for (const Phase phase :
       {Phase::kOpen, Phase::kCheck, Phase::kScan, Phase::kReopen, Phase::kUse}) {
    words.push_back(Describe(phase));
  }
  EXPECT_THAT(words, testing::ElementsAre("while opening", "while checking", "while reading",
                                          "while opening a second time",
                                          "while being used after recovery"));
}

}  // namespace
}  // namespace plugpull
