// Goal: what is laid out reads back, its digest says what it says, and a text that is cut is told
// from one that is garbled.
#include "harness/json_document.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace plugpull {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

TEST(JsonDocument, IsLaidOutALineForEachThing) {
  const ordered_json document = {{"b", 1},
                                 {"empty", ordered_json::array()},
                                 {"a", {{"deep", {{"x", 1}, {"y", {1, 2}}}}, {"list", {3, 4}}}},
                                 {"words", {{"in", {{"list", {"one", "two \xc3\xa9"}}}}}}};
  EXPECT_EQ(LayOutDocument(document), R"({
 "b": 1,
 "empty": [],
 "a": {
  "deep": {"x":1,"y":[1,2]},
  "list": [3,4]
 },
 "words": {
  "in": {"list":["one","two \u00e9"]}
 }
}
)");
  json back;
  EXPECT_EQ(ParseDocument(LayOutDocument(document), back), DocumentTrouble::kNone);
  EXPECT_EQ(back, json(document));
}

TEST(JsonDocument, DigestIsOfWhatItSays) {
  const json document = {{"a", {1, 2}}, {"b", "text"}};
  EXPECT_EQ(DocumentDigest(document).size(), 16U);
  EXPECT_EQ(DocumentDigest(json::parse(R"( {"b" : "te\u0078t", "a": [ 1,2]} )")),
            DocumentDigest(document));
  EXPECT_NE(DocumentDigest(json::parse(R"({"a":[2,1],"b":"text"})")), DocumentDigest(document));
  const json bad = {{"a", "no text: \xff"}};
  json back;
  ASSERT_EQ(ParseDocument(LayOutDocument(ordered_json(bad)), back), DocumentTrouble::kNone);
  EXPECT_EQ(DocumentDigest(back), DocumentDigest(bad));
}

TEST(JsonDocument, CutIsToldFromGarbled) {
  json document;
  const std::string whole = R"({"a": [1, "]}", {"b": "\""}]})";
  EXPECT_EQ(ParseDocument(whole, document), DocumentTrouble::kNone);
  for (size_t size = 1; size < whole.size(); ++size) {
    EXPECT_EQ(ParseDocument(whole.substr(0, size), document), DocumentTrouble::kCut) << size;
  }
  for (const char* text : {"", "x", "{]}", "{} {}", "{\"a\" 1}", "[1,]", "\"\xff\"", "1e999"}) {
    EXPECT_EQ(ParseDocument(text, document), DocumentTrouble::kNotJson) << text;
  }
  EXPECT_EQ(
      ParseDocument(std::string(kDeepestDocument + 1, '[') + std::string(kDeepestDocument + 1, ']'),
                    document),
      DocumentTrouble::kNotJson);
}

}  // namespace
}  // namespace plugpull
