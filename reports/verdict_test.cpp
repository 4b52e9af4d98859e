// Goal: the words of a verdict are complete, distinct, read back as what they are, and every class
// breaks the promise that the design says.
#include "reports/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

namespace plugpull {
namespace {

template <typename Word>
std::vector<Word> AllUpTo(Word last) {
  std::vector<Word> all;
  for (size_t i = 0; i <= static_cast<size_t>(last); ++i) all.push_back(static_cast<Word>(i));
  return all;
}

bool IsWord(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; };
  return !name.empty() && std::ranges::all_of(name, is_letter);
}

TEST(Verdict, EveryPromiseHasAWordThatParsesBackAndADescription) {
  std::set<std::string_view> names;
  for (const Promise promise : AllUpTo(kLastPromise)) {
    EXPECT_TRUE(IsWord(Name(promise))) << Name(promise);
    EXPECT_EQ(ParsePromise(Name(promise)), promise);
    EXPECT_FALSE(Describe(promise).empty());
    EXPECT_TRUE(names.insert(Name(promise)).second) << Name(promise);
  }
}

TEST(Verdict, PromisesStandInTheOrderOfTheDesign) {
  std::vector<std::string> names;
  for (const Promise promise : AllUpTo(kLastPromise)) names.emplace_back(Name(promise));
  EXPECT_THAT(names, testing::ElementsAre("opens", "intact", "atomic", "prefix", "durable"));
}

TEST(Verdict, EveryClassHasAWordThatParsesBackAndADescription) {
  std::set<std::string_view> names;
  std::set<std::string_view> descriptions;
  for (const ViolationClass violation : AllUpTo(kLastViolationClass)) {
    EXPECT_TRUE(IsWord(Name(violation))) << Name(violation);
    EXPECT_EQ(ParseViolationClass(Name(violation)), violation);
    EXPECT_TRUE(names.insert(Name(violation)).second) << Name(violation);
    EXPECT_TRUE(descriptions.insert(Describe(violation)).second) << Name(violation);
    EXPECT_FALSE(Describe(violation).empty());
  }
}

TEST(Verdict, TheClassesAreThoseOfTheDesignAndBreakThesePromises) {
  const std::map<std::string, std::string> expected = {
      {"refuses-to-open", "opens"},
      {"crash-on-open", "opens"},
      {"hang-on-open", "opens"},
      {"structure", "intact"},
      {"wrong-value", "intact"},
      {"not-idempotent", "intact"},
      {"unusable-after", "intact"},
      {"leak", "intact"},
      {"partial-commit", "atomic"},
      {"reader-changed", "atomic"},
      {"hole", "prefix"},
      {"resurrected", "prefix"},
      {"lost-commit", "durable"},
      {"never-converges", "intact"},
      {"acknowledged-after-error", "durable"},
      {"check-failed", "durable"},
      {"check-exit", "durable"},
  };
  std::map<std::string, std::string> actual;
  for (const ViolationClass violation : AllUpTo(kLastViolationClass)) {
    actual.emplace(Name(violation), Name(BrokenPromise(violation)));
  }
  EXPECT_EQ(actual, expected);
}

TEST(Verdict, WordsThatAreNoneParseToNothing) {
  for (const char* word : {"", "durabl", "Durable", "durable ", "lost-commit", "none"}) {
    EXPECT_EQ(ParsePromise(word), std::nullopt) << word;
  }
  for (const char* word : {"", "lost", "lost_commit", "Lost-commit", "durable"}) {
    EXPECT_EQ(ParseViolationClass(word), std::nullopt) << word;
  }
}

TEST(Verdict, FaultsAreListedWeakestFirstOneForEachLevel) {
  const std::vector<FaultInfo>& faults = Faults();
  ASSERT_EQ(faults.size(), static_cast<size_t>(kLastFaultLevel) + 1);
  std::vector<std::string> names;
  for (const FaultLevel level : AllUpTo(kLastFaultLevel)) {
    const FaultInfo& fault = faults[static_cast<size_t>(level)];
    EXPECT_EQ(fault.level, level);
    EXPECT_EQ(Name(level), fault.name);
    EXPECT_EQ(fault.legal, level <= FaultLevel::kTornWrite) << fault.name;
    EXPECT_EQ(&InfoOf(level), &fault);
    EXPECT_EQ(fault.number, std::min<uint32_t>(static_cast<uint32_t>(level), 6)) << fault.name;
    EXPECT_FALSE(fault.description.empty());
    names.emplace_back(fault.name);
  }
  EXPECT_THAT(names,
              testing::ElementsAre("process-kill", "power-cut-ordered", "power-cut", "torn-write",
                                   "lying-flush", "stale-page", "misdirected-write", "zeroed-page",
                                   "sub-sector-tear", "bit-rot"));
}

TEST(Verdict, VerdictsHaveTheWordsOfTheDesign) {
  EXPECT_EQ(Name(Verdict::kHeld), "held");
  EXPECT_EQ(Name(Verdict::kViolated), "violated");
  EXPECT_EQ(Name(Verdict::kUnknown), "unknown");
}

}  // namespace
}  // namespace plugpull
