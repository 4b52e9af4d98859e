// Goal: CI servers can read the JUnit report of any result, and its counts are true.
// Method: a golden file; and a small check of well-formedness over results with hostile texts.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "faults/base/atomic_file.h"
#include "faults/base/bytes.h"
#include "reports/report_format.h"
#include "reports/testing.h"

namespace plugpull {
namespace {

using testing::HasSubstr;
using testing::Not;

size_t Count(const std::string& text, std::string_view word) {
  size_t count = 0;
  for (size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) ++count;
  return count;
}

// Returns: what is wrong with an entity reference at the start of `text`, "" for nothing.
std::string EntityFault(std::string_view text) {
  for (const std::string_view entity : {"&amp;", "&lt;", "&gt;", "&quot;"}) {
    if (text.starts_with(entity)) return "";
  }
  return fmt::format("a stray '&' in '{}'", text.substr(0, 20));
}

// Returns: what is wrong with the inside of a tag, "" when it is a name and quoted attributes.
std::string TagFault(std::string_view tag) {
  std::vector<std::string> seen;
  size_t at = std::min(tag.find(' '), tag.size());
  while (at < tag.size()) {
    at = std::min(tag.find_first_not_of(' ', at), tag.size());
    if (at == tag.size()) break;
    const size_t equals = tag.find("=\"", at);
    if (equals == tag.npos) return fmt::format("no value in <{}>", tag);
    const std::string name(tag.substr(at, equals - at));
    if (!std::ranges::all_of(name, [](char c) { return c >= 'a' && c <= 'z'; })) {
      return fmt::format("attribute '{}'", name);
    }
    if (std::ranges::count(seen, name) != 0) return "attribute twice: " + name;
    seen.push_back(name);
    const size_t end = tag.find('"', equals + 2);
    if (end == tag.npos) return fmt::format("open quote in <{}>", tag);
    at = end + 1;
  }
  return "";
}

// Returns: what is wrong with `text` as XML, "" for nothing. Knows what the report uses: elements,
// attributes, entities, one declaration.
std::string XmlFault(std::string_view text) {
  std::vector<std::string> open;
  if (!text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")) return "no declaration";
  text.remove_prefix(text.find('\n'));
  size_t roots = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const unsigned char byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 && byte != '\n' && byte != '\t') return "a control character";
    if (byte > 0x7e) return "a byte outside ASCII";
    if (text[i] == '&') {
      if (std::string fault = EntityFault(text.substr(i)); !fault.empty()) return fault;
    }
    if (text[i] == '>') return "a stray '>'";
    if (text[i] != '<') continue;
    const size_t end = text.find('>', i);
    if (end == text.npos) return "a tag without end";
    std::string_view tag = text.substr(i + 1, end - i - 1);
    i = end;
    if (tag.starts_with('/')) {
      if (open.empty() || open.back() != tag.substr(1)) return fmt::format("</{}>", tag);
      open.pop_back();
      continue;
    }
    const bool closed = tag.ends_with('/');
    if (closed) tag.remove_suffix(1);
    if (tag.contains('<')) return fmt::format("'<' in <{}>", tag);
    if (std::string fault = TagFault(tag); !fault.empty()) return fault;
    if (open.empty()) ++roots;
    if (!closed) open.emplace_back(tag.substr(0, tag.find(' ')));
  }
  if (!open.empty()) return open.back() + " is not closed";
  return roots == 1 ? "" : "not one root";
}

std::string Checked(const Result& result) {
  std::string text = RenderJunit(result);
  EXPECT_EQ(XmlFault(text), "") << text;
  return text;
}

TEST(Junit, IsTheGoldenFileForASmallResult) {
  const auto golden = ReadWholeFile(PLUGPULL_SOURCE_DIR "/reports/testdata/junit.xml");
  ASSERT_TRUE(golden) << Describe(golden.error());
  EXPECT_EQ(Checked(SmallResult()), AsText(*golden));
}

TEST(Junit, TheCheckOfThisTestNoticesDamage) {
  const std::string good = RenderJunit(SmallResult());
  ASSERT_EQ(XmlFault(good), "");
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"</failure>", "</error>"},
                                                        {"&#", "&"},
                                                        {"<failure", "<failure & "},
                                                        {"\"0\"", "0"},
                                                        {"</testsuites>\n", ""},
                                                        {"errors=", "tests="},
                                                        {"lost:", "l<st:"}}) {
    std::string bad = good;
    if (!bad.contains(from)) continue;
    bad.replace(bad.find(from), from.size(), to);
    EXPECT_NE(XmlFault(bad), "") << from;
  }
}

TEST(Junit, CountsOneFailureForEachBrokenPromise) {
  Result result = SmallResult();
  result.findings.push_back(SmallFinding());  // a second one against the same promise
  result.findings.push_back(SmallFinding());
  result.findings.back().violation = ViolationClass::kRefusesToOpen;
  const std::string text = Checked(result);
  EXPECT_THAT(text, HasSubstr("<testsuites tests=\"5\" failures=\"2\" errors=\"0\" skipped=\"0\""));
  EXPECT_EQ(Count(text, "<failure "), 3u);
  EXPECT_EQ(Count(text, "<testcase "), 5u);
  EXPECT_EQ(Count(text, "tests=\"5\" failures=\"2\""), 2u);  // suites and suite agree
}

TEST(Junit, AHeldResultHasNoFailure) {
  Result result = SmallResult();
  result.findings.clear();
  result.verdict = Verdict::kHeld;
  const std::string text = Checked(result);
  EXPECT_THAT(text, HasSubstr("failures=\"0\" errors=\"0\" skipped=\"0\""));
  EXPECT_EQ(Count(text, "/>\n"), 10u);  // 5 properties, 5 cases
}

TEST(Junit, WhatWasNotPromisedIsSkipped) {
  Result result = SmallResult();
  result.findings.clear();
  result.verdict = Verdict::kHeld;
  result.promise = Promise::kAtomic;
  const std::string text = Checked(result);
  EXPECT_THAT(text, HasSubstr("skipped=\"2\""));
  EXPECT_EQ(Count(text, "<skipped "), 2u);
  EXPECT_THAT(text, HasSubstr("name=\"durable\">\n      <skipped"));
  EXPECT_THAT(text, HasSubstr("name=\"atomic\"/>"));
}

TEST(Junit, UnknownIsAnErrorOfEveryPromiseThatDidNotFail) {
  Result result = SmallResult();
  result.verdict = Verdict::kUnknown;
  result.coverage.unknown = {"nondeterministic: \"<twice>\" & more"};
  const std::string text = Checked(result);
  EXPECT_THAT(text, HasSubstr("failures=\"1\" errors=\"4\" skipped=\"0\""));
  EXPECT_THAT(text, HasSubstr("&quot;&lt;twice&gt;&quot; &amp; more"));
  EXPECT_EQ(Count(text, "<error "), 4u);
}

TEST(Junit, HostileTextsAreEscapedAndControlCharactersReplaced) {
  Result result = SmallResult();
  result.target = "a\"b<c>&d";
  Finding& finding = result.findings[0];
  finding.message = "x ]]> </failure> \x1b[31m _ \x7f \xff";
  finding.message[finding.message.find('_')] = '\0';
  finding.lost = {"<lost & \"found\">"};
  finding.case_path = "findings/<&>.case";
  const std::string text = Checked(result);
  EXPECT_THAT(text, HasSubstr("x ]]&gt; &lt;/failure&gt; ?[31m ? ? ?"));
  EXPECT_THAT(text, HasSubstr("classname=\"a&quot;b&lt;c&gt;&amp;d\""));
  EXPECT_THAT(text, HasSubstr("&lt;lost &amp; &quot;found&quot;&gt;"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace plugpull
