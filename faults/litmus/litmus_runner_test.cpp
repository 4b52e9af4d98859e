// Goal: the table says of each model what its crash states show. Method: the whole table is pinned,
// each test's own expectation holds or says why not, and where there are few enough crash states
// the same questions are asked of each of them, enumerated by the definition and built the plain
// way.
#include "faults/litmus/litmus_runner.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "faults/base/atomic_file.h"
#include "faults/base/bytes.h"
#include "faults/litmus/disk.h"
#include "faults/persistence/materialise.h"
#include "faults/persistence/model_text.h"
#include "faults/persistence/testing.h"

namespace plugpull {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

const LitmusTable& WholeTable() {
  static const LitmusTable table = [] {
    Expected<LitmusTable> computed = ComputeTable(BuiltInLitmus(), NamedColumns());
    if (!computed) ADD_FAILURE() << computed.error().context;
    return computed ? std::move(*computed) : LitmusTable{};
  }();
  return table;
}

Litmus Parsed(const std::string& text) {
  Expected<Litmus> litmus = ParseLitmus(text, "t.litmus");
  if (!litmus) ADD_FAILURE() << litmus.error().context;
  return litmus ? std::move(*litmus) : Litmus{};
}

LitmusCell CellOf(const Litmus& litmus, const char* model) {
  const Expected<LitmusCell> cell = ComputeCell(litmus, *FindModel(model));
  if (!cell) ADD_FAILURE() << cell.error().context;
  return cell.value_or(LitmusCell{});
}

TEST(LitmusTable, IsTheTableThatIsPinned) {
  std::string text;
  for (const LitmusRow& row : WholeTable().rows) {
    text += fmt::format("{:3}", row.litmus->name);
    for (const LitmusCell& cell : row.cells) {
      text += fmt::format(" {}", static_cast<char>(cell.mark));
    }
    text += "\n";
  }
  const auto pinned =
      ReadWholeFile(std::string(PLUGPULL_SOURCE_DIR) + "/faults/litmus/testdata/table.txt");
  ASSERT_TRUE(pinned.has_value());
  EXPECT_EQ(text, AsText(*pinned));
}

TEST(LitmusTable, IsAsEachTestExpectsOrTheTestSaysWhyNot) {
  EXPECT_EQ(WholeTable().rows.size(), 54U);
  for (const LitmusRow& row : WholeTable().rows) {
    // All models but somc, which the literature has no table for.
    EXPECT_EQ(row.litmus->expected.size(), Models().size() - 1) << row.litmus->name;
    for (const LitmusDifference& difference : Differences(WholeTable(), row)) {
      EXPECT_FALSE(difference.reason.empty())
          << difference.row << " " << difference.column << ": " << difference.text;
    }
  }
}

// Returns: the answer by plain enumeration; nothing where there are too many states.
std::optional<bool> AnswerByEnumeration(const Litmus& litmus, const Question& question,
                                        const Model& model) {
  constexpr size_t kMostStates = 3000;
  const Tear tear = EffectiveTear(model, Tear::kSectorsAny);
  const auto states = ReferenceStates(litmus.trace, litmus.crash_at, model, tear, kMostStates);
  if (!states) return std::nullopt;
  return std::ranges::any_of(*states, [&](const std::vector<AtomId>& lost) {
    ImageDisk disk(Materialise(litmus.trace, litmus.crash_at, lost, tear));
    const Expected<bool> holds = Holds(question, disk, litmus.letters);
    EXPECT_TRUE(holds.has_value()) << litmus.name << ": " << holds.error().context;
    return holds.value_or(false);
  });
}

TEST(LitmusTable, AgreesWithThePlainEnumerationOfCrashStates) {
  std::vector<Model> models = Models();
  for (const Model& model : Models()) {
    for (const ModelVariant& variant : VariantsOf(model)) models.push_back(variant.model);
  }
  int compared = 0;
  for (const Litmus& litmus : BuiltInLitmus()) {
    if (litmus.live) continue;
    for (const Model& model : models) {
      for (const Question* question : {&litmus.ask, litmus.never ? &*litmus.never : nullptr}) {
        if (question == nullptr) continue;
        const std::optional<bool> enumerated = AnswerByEnumeration(litmus, *question, model);
        if (!enumerated) continue;
        const Expected<LitmusAnswer> answer = Ask(litmus, *question, model);
        ASSERT_TRUE(answer.has_value()) << answer.error().context;
        EXPECT_EQ(answer->allowed, *enumerated) << litmus.name << " " << ModelText(model);
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 600);
}

constexpr const char* kOverwrite =
    "name x\ngiven\ncreate f\nwrite f 0 4K 'A'\ndo\nwrite f 0 4K 'B'\n";

TEST(LitmusCell, NamesTheParametersThatTurnTheAnswerAround) {
  const LitmusCell cell = CellOf(
      Parsed("name x\ndo\ncreate f\nappend f 4K 'B'\nfsync .\nask f is empty\n"), "ext4-journal");
  EXPECT_EQ(cell.mark, Mark::kKnob);
  EXPECT_FALSE(cell.allowed);
  EXPECT_EQ(cell.depends_on, "drag=to-covered");
}

TEST(LitmusCell, AModifierIsOneMoreParameter) {
  const LitmusCell cell = CellOf(
      Parsed(std::string(kOverwrite) + "fsync f\nmodifier flush=lies\nask f is 'A'*4K\n"), "xfs");
  EXPECT_EQ(cell.mark, Mark::kKnob);
  EXPECT_FALSE(cell.allowed);
  EXPECT_EQ(cell.depends_on, "flush=lies");
}

TEST(LitmusCell, AModifierThatIsNoParameterIsAnError) {
  const Litmus litmus = Parsed(std::string(kOverwrite) + "modifier flsh=lies\nask f exists\n");
  const Expected<LitmusCell> cell = ComputeCell(litmus, Models().front());
  ASSERT_FALSE(cell.has_value());
  EXPECT_THAT(cell.error().context, HasSubstr("flush"));
}

TEST(LitmusCell, HiddenAndNeverAreLookedAt) {
  const Litmus litmus =
      Parsed(std::string(kOverwrite) + "ask f is 'A'*4K\nnever f is 'B'*4K\nhidden X \"why\"\n");
  EXPECT_EQ(CellOf(litmus, "xfs").mark, Mark::kHidden);
  EXPECT_FALSE(CellOf(litmus, "xfs").never_holds);
}

TEST(LitmusCell, TheRunningSystemIsAskedWithoutACrash) {
  const Litmus litmus = Parsed(std::string(kOverwrite) + "fsync f fails\nask live f is 'B'*4K\n");
  EXPECT_EQ(CellOf(litmus, "ext4-ordered").mark, Mark::kAllowed);
  EXPECT_EQ(CellOf(litmus, "ext4-journal").mark, Mark::kAllowed);
  EXPECT_EQ(CellOf(litmus, "btrfs").mark, Mark::kForbidden);
}

TEST(LitmusCell, AWitnessSaysWhatIsKeptAndLost) {
  const LitmusCell cell =
      CellOf(Parsed("name x\ngiven\ncreate f\ncreate g\ndo\nunlink f\nwrite g 0 4K 'A'\n"
                    "ask f exists and g size = 4K\n"),
             "posix-minimal");
  EXPECT_THAT(cell.witness, HasSubstr("unlink f: lost; write g 0+4096: kept"));
}

TEST(Differences, AreMarksThatNobodyExpectedAndReasonsThatAreStale) {
  const std::vector<Litmus> tests = {Parsed(std::string(kOverwrite) +
                                            "ask f is 'A'*4K\nexpect PM -, X -, J A, B k\n"
                                            "differs X A \"known\"\ndiffers J k \"gone\"\n"
                                            "differs B - \"other\"\n")};
  const Expected<LitmusTable> table = ComputeTable(tests, NamedColumns());
  ASSERT_TRUE(table.has_value());
  std::vector<std::string> found;
  for (const LitmusDifference& difference : Differences(*table, table->rows.front())) {
    found.push_back(difference.column + " " + difference.text + " " + difference.reason);
  }
  EXPECT_THAT(found,
              testing::ElementsAre("PM expected -, computed A ",
                                   "J said to differ, but computed as expected ",
                                   "X expected -, computed A known", "B expected k, computed A "));
}

TEST(Columns, AreNamedModelsOrAnyOther) {
  const auto columns = ColumnsOf({"pm", "EXT4-JOURNAL", "btrfs,full-commits=yes"});
  ASSERT_TRUE(columns.has_value()) << columns.error().context;
  EXPECT_EQ((*columns)[1].heading, "J");
  EXPECT_EQ((*columns)[2].heading, "M3");
  EXPECT_THAT(ColumnsOf({"btrsf"}).error().context, HasSubstr("btrfs"));
}

TEST(BuiltInLitmus, ComesInTheOrderOfItsNumbers) {
  const std::vector<Litmus>& tests = BuiltInLitmus();
  ASSERT_EQ(tests.size(), 54U);
  EXPECT_EQ(tests[1].name, "L2");
  EXPECT_EQ(tests[43].name, "L44");
  EXPECT_EQ(tests[53].name, "D10");
}

}  // namespace
}  // namespace plugpull
