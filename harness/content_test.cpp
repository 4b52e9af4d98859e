// Goal: a digest stands for a set of pairs, whatever their order, and for nothing else.
#include "harness/content.h"

#include <gtest/gtest.h>

#include <vector>

#include "faults/base/bytes.h"
#include "faults/base/random.h"
#include "harness/testing.h"

namespace plugpull {
namespace {

using Pair = std::pair<std::string, std::string>;

ContentDigest DigestOfPairs(const std::vector<Pair>& pairs) {
  ContentDigest digest;
  for (const auto& [key, value] : pairs) digest.Add(AsBytes(key), AsBytes(value));
  return digest;
}

TEST(ContentDigest, DoesNotDependOnTheOrder) {
  EXPECT_EQ(DigestOfPairs({{"a", "1"}, {"b", "2"}, {"c", ""}}),
            DigestOfPairs({{"c", ""}, {"a", "1"}, {"b", "2"}}));
}

TEST(ContentDigest, DependsOnEverythingElse) {
  const std::vector<std::vector<Pair>> contents = {
      {},
      {{"", ""}},
      {{"a", ""}},
      {{"", "a"}},
      {{"a", "b"}},
      {{"b", "a"}},
      {{"ab", ""}},
      {{"a", "b"}, {"a", "b"}},
      {{"a", "1"}, {"b", "2"}},
      {{"a", "2"}, {"b", "1"}},
      {{std::string("a\0", 2), ""}},
  };
  for (size_t i = 0; i < contents.size(); ++i) {
    for (size_t j = 0; j < contents.size(); ++j) {
      EXPECT_EQ(DigestOfPairs(contents[i]) == DigestOfPairs(contents[j]), i == j) << i << " " << j;
    }
  }
}

TEST(ContentDigest, RemoveUndoesAddInAnyOrder) {
  Random random(1, "digest");
  std::vector<Pair> pairs;
  ContentDigest digest;
  for (int i = 0; i < 50; ++i) {
    pairs.emplace_back(std::to_string(random.Below(1000)), std::to_string(random.Next()));
    digest.Add(AsBytes(pairs.back().first), AsBytes(pairs.back().second));
  }
  while (!pairs.empty()) {
    const size_t at = random.Below(pairs.size());
    digest.Remove(AsBytes(pairs[at].first), AsBytes(pairs[at].second));
    pairs.erase(pairs.begin() + static_cast<ptrdiff_t>(at));
    EXPECT_EQ(digest, DigestOfPairs(pairs));
  }
  EXPECT_EQ(digest, ContentDigest());
}

TEST(ApplyTo, ALaterChangeOfTheSameKeyWins) {
  Content content = {{"a", "1"}};
  ApplyTo(content, {.changes = {{"a", std::nullopt}, {"b", "2"}, {"b", "3"}, {"c", ""}}});
  EXPECT_EQ(content, (Content{{"b", "3"}, {"c", ""}}));
  ApplyTo(content, {.changes = {{"b", std::nullopt}, {"b", "4"}, {"gone", std::nullopt}}});
  EXPECT_EQ(content, (Content{{"b", "4"}, {"c", ""}}));
}

TEST(DigestOf, IsWhatAScanOfTheContentsShows) {
  const Content content = {{"a", "1"}, {"b", ""}, {std::string("\0", 1), "\xff"}};
  DigestVisitor visitor;
  for (const auto& [key, value] : content) visitor.OnPair(AsBytes(key), AsBytes(value));
  EXPECT_EQ(visitor.digest(), DigestOf(content));
}

TEST(ContentVisitor, KeepsBinaryPairsAndNoticesAKeyThatComesTwice) {
  const std::string key("k\0\xff", 3);
  ContentVisitor visitor;
  visitor.OnPair(AsBytes(key), AsBytes("1"));
  EXPECT_FALSE(visitor.duplicates());
  EXPECT_EQ(visitor.content(), (Content{{key, "1"}}));
  visitor.OnPair(AsBytes(key), AsBytes("1"));
  EXPECT_TRUE(visitor.duplicates());
}

}  // namespace
}  // namespace plugpull
