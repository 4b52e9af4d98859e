// Goal: a symptom is found where it is, a pattern that is none is refused, and no pattern takes
// forever.
#include "harness/symptom.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace plugpull {
namespace {

bool Shows(const std::string& pattern, std::string_view line) {
  const Expected<Symptom> symptom = Symptom::Parse(pattern);
  EXPECT_TRUE(symptom) << pattern;
  return symptom && symptom->Matches(line);
}

TEST(SymptomTest, PlainWordsAreFoundAnywhereInTheLine) {
  EXPECT_TRUE(Shows("multiple references", "page 7: multiple references (stack: [3 7])"));
  EXPECT_FALSE(Shows("multiple references", "page 7: reachable freed"));
  EXPECT_TRUE(Shows("needs to be < than key", "key[0] needs to be < than key of the next"));
}

TEST(SymptomTest, ExpressionsAreEcmaScript) {
  EXPECT_TRUE(Shows("page \\d+: multiple", "page 733: multiple references"));
  EXPECT_TRUE(Shows("PAGE_CYCLE path=\\[", "PAGE_CYCLE path=[3 4 3]"));
  EXPECT_TRUE(Shows("^page (7|9):", "page 9: reachable freed"));
  EXPECT_FALSE(Shows("^page (7|9):", "in page 9: reachable freed"));
}

TEST(SymptomTest, SaysWhatIsWrongWithAPattern) {
  for (const std::string pattern : {"(", "[a", "a{2", "*", "(a)\\1", "a{4294967296}", ""}) {
    const Expected<Symptom> symptom = Symptom::Parse(pattern);
    ASSERT_FALSE(symptom) << pattern;
    EXPECT_EQ(symptom.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(symptom.error().context.find('\n'), std::string::npos);
  }
  EXPECT_FALSE(Symptom::Parse(std::string(257, 'a')));
  EXPECT_TRUE(Symptom::Parse(std::string(256, 'a')));
  EXPECT_FALSE(Symptom::Parse("((a?){100}){100}"));
}

// A search that tries one way after the other would take 2^100 steps.
TEST(SymptomTest, NoPatternTakesExponentialTime) {
  EXPECT_FALSE(Shows("(a|a)*(a|a)*c", std::string(100, 'a') + "b"));
  EXPECT_FALSE(Shows("(a*)*c", std::string(Symptom::kLongestLine, 'a')));
  EXPECT_FALSE(Shows("(a?){1000}c", std::string(100, 'a')));
}

TEST(SymptomTest, TheEndOfAVeryLongLineIsNotLookedAt) {
  EXPECT_TRUE(Shows("end", std::string(Symptom::kLongestLine - 3, 'x') + "end"));
  EXPECT_FALSE(Shows("end", std::string(Symptom::kLongestLine, 'x') + "end"));
}

}  // namespace
}  // namespace plugpull
