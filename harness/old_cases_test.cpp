#include "harness/old_cases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

namespace plugpull {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class OldCases : public testing::Test {
 protected:
  OldCases() { fs::create_directories(directory_ + "/findings"); }
  ~OldCases() override { fs::remove_all(directory_); }

  void Add(const std::string& name) { std::ofstream(directory_ + "/" + name) << "a case"; }

  std::set<std::string> Left() const {
    std::set<std::string> left;
    for (const auto& entry : fs::directory_iterator(directory_ + "/findings")) {
      left.insert(entry.path().filename().string());
    }
    return left;
  }

  const std::string directory_ =
      testing::TempDir() + "plugpull-old-cases-" + std::to_string(::getpid());
};

TEST_F(OldCases, GoAndNothingElseDoes) {
  for (const char* name :
       {"lost-commit-0123abcd.case", "structure-00000000.case", "lost-commit-0123abcd.case.txt",
        "lost-commit-0123abc.case", "lost-commit-0123ABCD.case", "my-own-0123abcd.case", "notes.md",
        "0123abcd.case"}) {
    Add(std::string("findings/") + name);
  }
  Add("lost-commit-0123abcd.case");
  fs::create_directory(directory_ + "/findings/hole-0123abcd.case");
  fs::create_symlink(directory_ + "/result.json", directory_ + "/findings/leak-0123abcd.case");
  EXPECT_TRUE(RemoveOldCases(directory_).has_value());
  EXPECT_THAT(Left(),
              ElementsAre("0123abcd.case", "hole-0123abcd.case", "leak-0123abcd.case",
                          "lost-commit-0123ABCD.case", "lost-commit-0123abc.case",
                          "lost-commit-0123abcd.case.txt", "my-own-0123abcd.case", "notes.md"));
  EXPECT_TRUE(fs::exists(directory_ + "/lost-commit-0123abcd.case")) << "not below findings/";
}

TEST_F(OldCases, NeedNoDirectory) { EXPECT_TRUE(RemoveOldCases(directory_ + "/none").has_value()); }

TEST_F(OldCases, ThatCannotBeRemovedAreAnError) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may remove everything";
  Add("findings/hole-0123abcd.case");
  fs::permissions(directory_ + "/findings", fs::perms::owner_read | fs::perms::owner_exec);
  const Expected<void> removed = RemoveOldCases(directory_);
  fs::permissions(directory_ + "/findings", fs::perms::owner_all);
  ASSERT_FALSE(removed.has_value());
  EXPECT_THAT(removed.error().context, HasSubstr("--out"));
}

}  // namespace
}  // namespace plugpull
