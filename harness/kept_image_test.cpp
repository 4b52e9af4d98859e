// Goal: what is kept beside a case is what its recovery finds, and the pages named are those that
// the fault changed.
#include "harness/kept_image.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "harness/testing.h"

namespace plugpull {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class KeptImageTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "plugpull-kept-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string Text(const std::string& name) const {
    std::ifstream file(directory_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // Returns: a case at the end of a small run, in which nothing is lost.
  static Case CaseWith(const std::string& fault) {
    Case saved;
    saved.id = "structure-00000001";
    saved.trace = SmallTrace("cow_tree", 12);
    saved.settings.tear = Tear::kNone;
    saved.fault = fault;
    return saved;
  }

  std::filesystem::path directory_;
};

TEST_F(KeptImageTest, ADamagedPageIsNamedAndInTheFile) {
  const Case saved = CaseWith("zeroed-page(file=store.db,page=3)");
  const Expected<std::vector<std::string>> pages = TamperedPages(saved);
  ASSERT_TRUE(pages) << Describe(pages.error());
  EXPECT_THAT(*pages, ElementsAre("page 3 of store.db"));
  const Expected<std::string> kept = KeepImage(directory_.string(), saved);
  ASSERT_TRUE(kept) << Describe(kept.error());
  EXPECT_EQ(*kept, "image/structure-00000001");
  const std::string file = Text(*kept + "/store.db");
  ASSERT_GT(file.size(), 4 * kPageBytes);
  EXPECT_EQ(file.substr(3 * kPageBytes, kPageBytes), std::string(kPageBytes, '\0'));
  EXPECT_NE(file.substr(2 * kPageBytes, kPageBytes), std::string(kPageBytes, '\0'));
}

TEST_F(KeptImageTest, WithoutAFaultTheFileIsWhatWasWritten) {
  const Case saved = CaseWith("");
  EXPECT_THAT(TamperedPages(saved).value(), IsEmpty());
  const Expected<std::string> kept = KeepImage(directory_.string(), saved);
  ASSERT_TRUE(kept) << Describe(kept.error());
  const Case damaged = CaseWith("zeroed-page(file=store.db,page=3)");
  const std::string before = Text(*kept + "/store.db");
  std::ofstream(directory_ / *kept / "left-over") << "of an earlier run";
  ASSERT_TRUE(KeepImage(directory_.string(), damaged));
  EXPECT_NE(Text(*kept + "/store.db"), before);
  EXPECT_FALSE(std::filesystem::exists(directory_ / *kept / "left-over"));
}

TEST_F(KeptImageTest, WritesThatTheCrashLostAreNamedByTheirPages) {
  Case saved = CaseWith("");
  for (uint32_t i = static_cast<uint32_t>(saved.trace.ops.size()); i-- > 0;) {
    const Op& op = saved.trace.ops[i];
    if (op.kind != OpKind::kWrite || op.offset_bytes < 2 * kPageBytes) continue;
    saved.lost = {{.op = i, .kind = AtomKind::kData}};
    EXPECT_THAT(
        TamperedPages(saved).value(),
        testing::Contains(fmt::format("page {} of store.db", op.offset_bytes / kPageBytes)));
    return;
  }
  FAIL() << "there is no write of a page";
}

TEST_F(KeptImageTest, SaysWhereItCannotWrite) {
  std::ofstream(directory_ / "file") << "no directory";
  const Expected<std::string> kept = KeepImage((directory_ / "file").string(), CaseWith(""));
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace plugpull
