// Goal: what an engine is asked goes out as the protocol says, and whatever a driver answers is
// either understood or refused with its own words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "engine/drivers/driver_testing.h"

namespace plugpull {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Answers with the lines that it was given, and is dead when they run out.
class FakeConversation : public Conversation {
 public:
  explicit FakeConversation(std::deque<std::string> answers) : answers_(std::move(answers)) {}

  Expected<void> Send(std::string_view lines) override {
    sent.emplace_back(lines);
    return {};
  }
  Expected<std::string_view> Receive() override {
    if (answers_.empty()) {
      end_ = End::kCrashed;
      return Fail(ErrorCode::kTargetFailed, "the fake is dead");
    }
    line_ = std::move(answers_.front());
    answers_.pop_front();
    return line_;
  }
  void GiveUp() override { gave_up = true; }
  End how_it_ended() const override { return end_; }

  std::vector<std::string> sent;
  bool gave_up = false;

 private:
  std::deque<std::string> answers_;
  std::string line_;
  End end_ = End::kAlive;
};

const DriverProgram kProgram = {.arguments = {"fake"}, .open_words = {"a=1", "b=x"}};

std::unique_ptr<Engine> EngineOver(FakeConversation& conversation) {
  return MakeDriverEngine(conversation, "/some/where", kProgram);
}

template <typename T>
std::string Complaint(const Expected<T>& result) {
  return result ? "" : Describe(result.error());
}

TEST(DriverEngine, OpensWithItsWordsAndClosesWhenItGoes) {
  FakeConversation conversation({"ok", "ok"});
  EXPECT_TRUE(EngineOver(conversation)->Open());
  EXPECT_THAT(conversation.sent, ElementsAre("open /some/where a=1 b=x\n", "close\n"));
}

TEST(DriverEngine, ClosesOnlyWhatIsOpen) {
  FakeConversation never_opened({});
  EngineOver(never_opened);
  EXPECT_THAT(never_opened.sent, IsEmpty());
  FakeConversation refused({"err checksum error"});
  EXPECT_EQ(Complaint(EngineOver(refused)->Open()), "checksum error");
  EXPECT_EQ(refused.sent.size(), 1U);
  FakeConversation closed({"ok", "ok"});
  {
    const auto engine = EngineOver(closed);
    EXPECT_TRUE(engine->Open());
    EXPECT_TRUE(engine->Close());
  }
  EXPECT_EQ(closed.sent.size(), 2U);
  FakeConversation died({"ok"});
  {
    const auto engine = EngineOver(died);
    EXPECT_TRUE(engine->Open());
    EXPECT_EQ(Complaint(engine->Check()), "the fake is dead");
  }
  EXPECT_EQ(died.sent.size(), 2U);
}

TEST(DriverEngine, ATransactionGoesOutInOnePiece) {
  FakeConversation conversation({"ok", "ok", "ok", "ok", "ok", "ok", "ok"});
  const auto engine = EngineOver(conversation);
  ASSERT_TRUE(engine->Open());
  EXPECT_TRUE(engine->Apply({{{"k", "v1"}, {"", ""}, {"gone", std::nullopt}}}));
  EXPECT_EQ(conversation.sent.back(), "begin\nput 6b 7631\nput - -\ndel 676f6e65\ncommit\n");
}

TEST(DriverEngine, AllAnswersOfATransactionAreReadAndTheFirstFailureCounts) {
  FakeConversation conversation({"ok", "ok", "err disk full", "err no transaction", "ok", "ok"});
  const auto engine = EngineOver(conversation);
  ASSERT_TRUE(engine->Open());
  EXPECT_EQ(Complaint(engine->Apply({{{"k", "v"}}})), "disk full");
  EXPECT_EQ(Complaint(engine->Check()), "");
  FakeConversation late({"ok", "ok", "ok", "err input/output error", "ok"});
  const auto other = EngineOver(late);
  ASSERT_TRUE(other->Open());
  EXPECT_EQ(Complaint(other->Apply({{{"k", "v"}}})), "input/output error");
}

TEST(DriverEngine, ADeathInATransactionIsTheResultOfIt) {
  FakeConversation conversation({"ok", "ok", "err disk full"});
  const auto engine = EngineOver(conversation);
  ASSERT_TRUE(engine->Open());
  EXPECT_EQ(Complaint(engine->Apply({{{"k", "v"}}})), "the fake is dead");
}

TEST(DriverEngine, ADumpIsTakenApart) {
  FakeConversation conversation({"ok", "6b 7631", "- -", "00FF -", "end", "end", "ok"});
  const auto engine = EngineOver(conversation);
  ASSERT_TRUE(engine->Open());
  CollectPairs pairs;
  ASSERT_TRUE(engine->Scan(pairs));
  EXPECT_EQ(pairs.contents, (Contents{{"k", "v1"}, {"", ""}, {std::string("\0\xff", 2), ""}}));
  CollectPairs none;
  EXPECT_TRUE(engine->Scan(none));
  EXPECT_EQ(none.pairs, 0U);
}

TEST(DriverEngine, ADumpMayFailHalfway) {
  FakeConversation conversation({"ok", "6b 76", "err page 7 is gone", "ok", "ok"});
  const auto engine = EngineOver(conversation);
  ASSERT_TRUE(engine->Open());
  CollectPairs pairs;
  EXPECT_EQ(Complaint(engine->Scan(pairs)), "page 7 is gone");
  EXPECT_TRUE(engine->Check()) << "the conversation goes on";
}

TEST(DriverEngine, ChecksTellLeaksFromBrokenStructure) {
  FakeConversation conversation(
      {"ok", "ok", "err leak: page 3: unreachable unfreed", "err page 3: already freed", "ok"});
  const auto engine = EngineOver(conversation);
  ASSERT_TRUE(engine->Open());
  const Expected<CheckReport> sound = engine->Check();
  EXPECT_THAT(sound->structure, IsEmpty());
  EXPECT_THAT(sound->leaks, IsEmpty());
  const Expected<CheckReport> leaky = engine->Check();
  EXPECT_THAT(leaky->structure, IsEmpty());
  EXPECT_THAT(leaky->leaks, ElementsAre("page 3: unreachable unfreed"));
  const Expected<CheckReport> broken = engine->Check();
  EXPECT_THAT(broken->structure, ElementsAre("page 3: already freed"));
  EXPECT_THAT(broken->leaks, IsEmpty());
}

TEST(DriverEngine, NonsenseIsQuotedAndEndsTheConversation) {
  for (const char* nonsense : {"", "OK", "ok ", " ok", "err", "error: x", "end", "6b 76"}) {
    FakeConversation conversation({"ok", nonsense, "ok"});
    const auto engine = EngineOver(conversation);
    ASSERT_TRUE(engine->Open());
    EXPECT_EQ(Complaint(engine->Check()),
              std::string("the driver answered '") + nonsense + "' to 'check'");
    EXPECT_TRUE(conversation.gave_up);
  }
  for (const char* nonsense : {"", "ok", "6b", "6b 7", "6b 76 76", "6b  76", "6b zz", "6b\t76"}) {
    FakeConversation conversation({"ok", "6b 76", nonsense, "end"});
    const auto engine = EngineOver(conversation);
    ASSERT_TRUE(engine->Open());
    CollectPairs pairs;
    EXPECT_THAT(Complaint(engine->Scan(pairs)), testing::EndsWith("' to 'dump'")) << nonsense;
    EXPECT_TRUE(conversation.gave_up);
    EXPECT_EQ(pairs.pairs, 1U);
  }
  FakeConversation conversation({"ok", "ok", "what?", "ok"});
  const auto engine = EngineOver(conversation);
  ASSERT_TRUE(engine->Open());
  EXPECT_EQ(Complaint(engine->Apply({{{"k", "v"}}})), "the driver answered 'what?' to 'put'");
}

TEST(DriverEngine, ABlankInAWordCannotBeSaid) {
  FakeConversation conversation({"ok"});
  const auto engine = MakeDriverEngine(conversation, "/my documents", kProgram);
  EXPECT_THAT(Complaint(engine->Open()), testing::HasSubstr("work in a directory without blanks"));
  EXPECT_THAT(conversation.sent, IsEmpty());
}

}  // namespace
}  // namespace plugpull
