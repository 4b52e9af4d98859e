// Goal: a person and a program read the same from a litmus table.
#include "reports/litmus_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace plugpull {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

// One test with a cell for each of three models; nothing is computed.
class LitmusReport : public ::testing::Test {
 protected:
  LitmusReport() {
    test_.name = "L1";
    test_.title = "write\x1b[31m it";
    test_.outcome = "gone";
    test_.expected = {{"posix-minimal", Mark::kAllowed}, {"xfs", Mark::kForbidden}};
    table_.columns = {NamedColumns()[0], NamedColumns()[1], NamedColumns()[6]};
    table_.rows = {{&test_,
                    {{.mark = Mark::kAllowed, .allowed = true, .witness = "write: lost"},
                     {.mark = Mark::kKnob, .depends_on = "drag=to-call"},
                     {.mark = Mark::kForbidden}}}};
  }

  Litmus test_;
  LitmusTable table_;
};

TEST_F(LitmusReport, AlignsMarksUnderTheirHeadings) {
  const std::string text = RenderLitmusTable(table_, /*explain=*/false);
  EXPECT_THAT(text, HasSubstr("    ops            outcome  PM somc X\n"
                              "L1  write?[31m it  gone     A  k    -\n"));
  EXPECT_THAT(text, HasSubstr("PM   posix-minimal\nsomc somc\nX    xfs\n"));
  EXPECT_THAT(text, HasSubstr("\n1 row x 3 models: 3 cells computed, all as expected\n"));
  EXPECT_THAT(text, Not(HasSubstr("lost")));
  EXPECT_TRUE(IsAsExpected(table_));
}

TEST_F(LitmusReport, ExplainsWhatIsAllowedAndWhatDecides) {
  const std::string text = RenderLitmusTable(table_, /*explain=*/true);
  EXPECT_THAT(text, HasSubstr("L1 PM: write: lost\nL1 somc: allowed under drag=to-call\n"));
}

TEST_F(LitmusReport, ADifferenceWithAReasonIsShownAndPasses) {
  test_.expected["xfs"] = Mark::kAllowed;
  test_.differs["xfs"] = {Mark::kForbidden, "because"};
  const std::string text = RenderLitmusTable(table_, /*explain=*/false);
  EXPECT_THAT(text, HasSubstr("L1 X: expected A, computed -: because\n"));
  EXPECT_THAT(text, HasSubstr("all as expected but 1, for the reasons above\n"));
  EXPECT_TRUE(IsAsExpected(table_));
}

TEST_F(LitmusReport, ADifferenceWithoutAReasonFails) {
  test_.expected["xfs"] = Mark::kAllowed;
  EXPECT_THAT(RenderLitmusTable(table_, /*explain=*/false),
              HasSubstr("3 cells computed, 1 not as expected\n"));
  EXPECT_FALSE(IsAsExpected(table_));
}

TEST_F(LitmusReport, JsonSaysTheSame) {
  test_.expected["xfs"] = Mark::kAllowed;
  const json table = json::parse(RenderLitmusJson(table_));
  EXPECT_EQ(table["schema"], "plugpull.litmus/1");
  EXPECT_EQ(table["models"], json({"posix-minimal", "somc", "xfs"}));
  const json& row = table["rows"][0];
  EXPECT_EQ(row["name"], "L1");
  EXPECT_EQ(row["cells"]["somc"]["mark"], "k");
  EXPECT_EQ(row["cells"]["somc"]["depends_on"], "drag=to-call");
  EXPECT_EQ(row["cells"]["posix-minimal"]["allowed"], true);
  EXPECT_EQ(row["expected"]["xfs"], "A");
  EXPECT_EQ(row["agrees"], false);
  EXPECT_EQ(row["differences"][0]["what"], "expected A, computed -");
}

TEST_F(LitmusReport, JsonStaysJsonWithBytesThatAreNoText) {
  test_.note = "\xff";
  EXPECT_TRUE(json::accept(RenderLitmusJson(table_)));
}

}  // namespace
}  // namespace plugpull
