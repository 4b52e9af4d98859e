// Goal: each format of an autopsy says all that there is, the verdict first, and is well-formed
// whatever the file's names and keys hold.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "reports/autopsy_testing.h"

namespace plugpull {
namespace {

using bbolt_file::Autopsy;
using bbolt_file::Recoverability;
using bbolt_file::SmallAutopsy;
using bbolt_file::SoundAutopsy;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(AutopsyConsole, StartsWithTheVerdictAndWhatToDo) {
  const std::string text = RenderAutopsyConsole(SmallAutopsy(), {});
  EXPECT_THAT(text, StartsWith("damaged.db: damaged: a stale branch page about 3 transactions old "
                               "at page 21\n\n  next       plugpull surgery salvage damaged.db "
                               "--output damaged.db.mended\n"));
  for (const char* part : {"cause      level 5 (stale-page), likely, beyond an honest disk",
                           "look at the host's write cache",
                           "or         a bug of software, possible",
                           "a bug of the writer",
                           "245,760 bytes, 60 pages of 4,096 bytes",
                           "meta 0       txid 42, root 12, freelist 9, high-water mark 58: active",
                           "meta 1       checksum error\n",
                           "meta 1 is not valid, so it is meta 0",
                           "tree of meta 0 (active): damaged, 8 violations",
                           "1,234 keys in 2 buckets, 40 pages",
                           "I4   PAGE_CYCLE path=[20 21 20]",
                           "stack [20 21], key (hex)6b6579, bucket kv",
                           "and 7 more",
                           "share 30 pages; 10 only in the active one, 8 only in the previous one",
                           "would not give a whole tree",
                           "on page 9, 4 ids",
                           "in use and yet free: 30\n",
                           "neither in use nor free: 31 32 and 48 more",
                           "page 21 (branch): it is older than",
                           "25 33: leaf with 17 elements",
                           "and 2 more"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(RenderAutopsyConsole(SmallAutopsy(), {.color = true}), StartsWith("\x1b[1;31m"));
}

TEST(AutopsyConsole, ASoundFileIsToldInAFewLines) {
  const std::string text = RenderAutopsyConsole(SoundAutopsy(), {});
  EXPECT_THAT(text, StartsWith("damaged.db: sound, 1,234 keys in 2 buckets, 60 pages\n"));
  EXPECT_THAT(text, Not(HasSubstr("next")));
  EXPECT_THAT(text, HasSubstr("tree of meta 0 (active): whole"));
}

TEST(AutopsyConsole, TheNextStepFollowsFromWhatIsLeft) {
  Autopsy autopsy = SmallAutopsy();
  autopsy.path = "my file";
  const auto next = [&](Recoverability recoverability) {
    autopsy.recoverability = recoverability;
    return RenderAutopsyConsole(autopsy, {});
  };
  EXPECT_THAT(next(Recoverability::kPreviousMeta),
              HasSubstr("surgery revert-meta 'my file' --output 'my file.mended'"));
  EXPECT_THAT(next(Recoverability::kFreelistScan), HasSubstr("surgery freelist-abandon"));
  EXPECT_THAT(next(Recoverability::kPageSurgery), HasSubstr("surgery salvage"));
  EXPECT_THAT(next(Recoverability::kNothingLeft), HasSubstr("restore a backup"));
}

TEST(AutopsyConsole, AdviceIsNotSaidTwice) {
  Autopsy autopsy = SmallAutopsy();
  autopsy.diagnoses[0].advice = "surgery salvage";
  const std::string text = RenderAutopsyConsole(autopsy, {});
  EXPECT_EQ(text.find("surgery salvage"), text.rfind("surgery salvage"));
}

TEST(AutopsyConsole, AWriterMeanwhileIsTold) {
  Autopsy autopsy = SoundAutopsy();
  autopsy.changed_while_read = true;
  EXPECT_THAT(RenderAutopsyConsole(autopsy, {}), HasSubstr("the file changed while it was read"));
}

TEST(AutopsyConsole, ATerminalIsNotObeyed) {
  Autopsy autopsy = SmallAutopsy();
  autopsy.path = "a\x1b[2J";
  autopsy.trees[0].violations[0].bucket = "b\x1b[1m";
  autopsy.trees[0].violations[0].text = "t\n\r";
  EXPECT_THAT(RenderAutopsyConsole(autopsy, {}), Not(HasSubstr("\x1b")));
  EXPECT_THAT(RenderAutopsyConsole(autopsy, {}), Not(HasSubstr("\r")));
}

TEST(AutopsyJson, HoldsEveryField) {
  const json result = json::parse(RenderAutopsyJson(SmallAutopsy()));
  EXPECT_EQ(result["schema"], "plugpull.autopsy/1");
  EXPECT_EQ(result["verdict"], "damaged");
  EXPECT_EQ(result["recoverability"], "page-surgery");
  EXPECT_EQ(result["file_pages"], 60);
  EXPECT_EQ(result["metas"][0]["meta"]["txid"], 42);
  EXPECT_EQ(result["metas"][0]["active"], true);
  EXPECT_EQ(result["metas"][1]["meta"], nullptr);
  EXPECT_EQ(result["metas"][1]["fault"], "checksum error");
  EXPECT_EQ(result["trees"][0]["violations"][0]["stack"], json::array({20, 21}));
  EXPECT_EQ(result["trees"][0]["violations"][0]["key"], "6b6579");
  EXPECT_EQ(result["trees"][0]["more_violations"], 7);
  EXPECT_EQ(result["diagnoses"][0]["fault_level"], 5);
  EXPECT_EQ(result["diagnoses"][0]["fault_level_name"], "stale-page");
  EXPECT_EQ(result["diagnoses"][0]["page"], 21);
  EXPECT_EQ(result["diagnoses"][0]["confidence"], "likely");
  EXPECT_EQ(result["diagnoses"][1]["fault_level"], nullptr);
  EXPECT_EQ(result["freelist"]["unreachable_unfreed_count"], 50);
  EXPECT_EQ(result["comparison"]["only_active"], 10);
  EXPECT_EQ(result["suspects"][0]["page"], 21);
  EXPECT_EQ(result["duplicates"][0]["pages"], json::array({25, 33}));
  EXPECT_EQ(result["duplicate_count"], 3);
  EXPECT_EQ(result["graph"]["edges"].size(), 3U);
  EXPECT_EQ(result["graph"]["cut"], true);
}

TEST(AutopsyJson, IsValidWhateverThePathHolds) {
  Autopsy autopsy = SoundAutopsy();
  autopsy.path = "\xff\"\n";
  autopsy.comparison.is_possible = false;
  const json result = json::parse(RenderAutopsyJson(autopsy));
  EXPECT_EQ(result["verdict"], "sound");
  EXPECT_EQ(result["comparison"], nullptr);
}

// Returns: the names of elements that are opened and not closed, or the other way round; "" in a
// document whose tags match.
std::string UnbalancedTags(const std::string& xml) {
  std::vector<std::string> open;
  for (size_t at = xml.find('<'); at != xml.npos; at = xml.find('<', at + 1)) {
    const size_t end = xml.find('>', at);
    if (end == xml.npos) return "no end of a tag";
    const std::string tag = xml.substr(at + 1, end - at - 1);
    if (tag.find('<') != tag.npos) return tag;
    if (tag.starts_with("?") || tag.ends_with("/")) continue;
    if (!tag.starts_with("/")) {
      open.push_back(tag.substr(0, tag.find(' ')));
    } else if (open.empty() || open.back() != tag.substr(1)) {
      return tag;
    } else {
      open.pop_back();
    }
  }
  return open.empty() ? "" : open.back();
}

TEST(AutopsySvg, DrawsPagesEdgesAndALegend) {
  const std::string svg = RenderAutopsySvg(SmallAutopsy());
  EXPECT_THAT(svg, StartsWith("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns="));
  EXPECT_EQ(UnbalancedTags(svg), "");
  for (const char* part : {"20 branch", "21 unknown&lt;9f&gt;", "22 leaf", "no elements",
                           "21 to 20, which does not fit there", "only in the previous tree",
                           "There is more around the damage than is drawn"}) {
    EXPECT_THAT(svg, HasSubstr(part));
  }
  EXPECT_EQ(std::ranges::count(svg, '<'), std::ranges::count(svg, '>'));
}

TEST(AutopsySvg, IsValidWhateverItsTextHolds) {
  Autopsy autopsy = SmallAutopsy();
  autopsy.path = "<&>\"'\x01\xff";
  autopsy.graph.pages[0].first_key = "</svg>";
  autopsy.graph.pages[0].kind = "&amp";
  autopsy.graph.edges.push_back({.from = 20, .to = 999});  // not in the picture
  autopsy.graph.edges.push_back({.from = 20, .to = 20, .is_damaged = true});
  const std::string svg = RenderAutopsySvg(autopsy);
  EXPECT_EQ(UnbalancedTags(svg), "");
  EXPECT_THAT(svg, HasSubstr("&lt;&amp;&gt;&quot;'??"));
  EXPECT_TRUE(std::ranges::all_of(svg, [](char c) { return c == '\n' || (c >= 32 && c < 127); }));
}

TEST(AutopsySvg, OfASoundFileSaysSo) {
  const std::string svg = RenderAutopsySvg(SoundAutopsy());
  EXPECT_EQ(UnbalancedTags(svg), "");
  EXPECT_THAT(svg, HasSubstr("There is no damage to draw."));
}

// Boxes of a wide and deep picture, with nothing but cycles among them, stay apart.
TEST(AutopsySvg, BoxesDoNotOverlap) {
  Autopsy autopsy = SmallAutopsy();
  autopsy.graph = {};
  for (bbolt_file::PageId page = 2; page < 62; ++page) {
    autopsy.graph.pages.push_back({.page = page, .kind = "leaf"});
    autopsy.graph.edges.push_back({.from = page, .to = page < 40 ? page / 2 + 2 : 2});
  }
  const std::string svg = RenderAutopsySvg(autopsy);
  std::vector<std::pair<int, int>> corners;
  for (size_t at = svg.find("<rect x="); at != svg.npos; at = svg.find("<rect x=", at + 1)) {
    int x = 0;
    int y = 0;
    int width = 0;
    ASSERT_EQ(std::sscanf(&svg[at], "<rect x=\"%d\" y=\"%d\" width=\"%d\"", &x, &y, &width), 3);
    if (width == 14) continue;  // of the legend
    for (const auto& [other_x, other_y] : corners) {
      EXPECT_TRUE(std::abs(other_x - x) > width || std::abs(other_y - y) > 62) << x << " " << y;
    }
    corners.emplace_back(x, y);
  }
  EXPECT_EQ(corners.size(), 60U);
}

}  // namespace
}  // namespace plugpull
