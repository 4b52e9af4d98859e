// Goal: a driver is found where it should be, and a missing one is told what to do about it.
#include "engine/drivers/program_type.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/drivers/driver_testing.h"
#include "engine/target.h"

namespace plugpull {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// An environment variable for the time of a test.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const std::string& value) : name_(name) {
    if (const char* before = ::getenv(name)) before_ = before;
    ::setenv(name, value.c_str(), 1);
  }
  ScopedVariable(const ScopedVariable&) = delete;
  ~ScopedVariable() {
    if (before_) {
      ::setenv(name_, before_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

TEST(FindDriver, TheVariableNamesTheFolder) {
  const ScratchDirectory directory;
  const std::string path = directory.WriteScript("plugpull-bbolt", "#!/bin/sh\n");
  const ScopedVariable drivers("PLUGPULL_DRIVERS", directory.path());
  const Expected<DriverProgram> program = ParseTarget("bbolt:nosync=1")->Program();
  ASSERT_TRUE(program);
  EXPECT_THAT(program->arguments, ElementsAre(path));
  EXPECT_THAT(program->open_words, ElementsAre("freelist=array", "nofreelistsync=0", "nogrowsync=0",
                                               "nosync=1", "page_size=4096"));
}

TEST(FindDriver, AMissingOneSaysWhatToInstall) {
  const ScratchDirectory directory;
  const ScopedVariable drivers("PLUGPULL_DRIVERS", directory.path());
  for (const auto& [target, package] :
       {std::pair("bbolt", "golang-github-coreos-bbolt-dev"), std::pair("lmdb", "liblmdb-dev"),
        std::pair("mavibot", "libmavibot-java")}) {
    const Expected<DriverProgram> program = ParseTarget(target)->Program();
    ASSERT_FALSE(program) << target;
    EXPECT_EQ(program.error().code, ErrorCode::kUnsupported);
    EXPECT_THAT(program.error().context,
                AllOf(HasSubstr(package), HasSubstr(directory.path()), HasSubstr("build")));
  }
}

TEST(FindDriver, APythonDriverNeedsPython) {
  const ScratchDirectory directory;
  const ScopedVariable path("PATH", directory.path());
  const Expected<DriverProgram> program = ParseTarget("python")->Program();
  ASSERT_FALSE(program);
  EXPECT_THAT(program.error().context, HasSubstr("no python3 in PATH"));
}

TEST(FindExecutable, LooksAsAShellDoes) {
  const ScratchDirectory directory;
  const std::string path = directory.WriteScript("my-driver", "#!/bin/sh\n");
  const ScopedVariable search("PATH", "/no/such/folder:" + directory.path());
  EXPECT_EQ(*FindExecutable("my-driver"), path);
  EXPECT_EQ(*FindExecutable(path), path);
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(directory.path());
  const Expected<DriverProgram> program = ParseTarget("driver:./my-driver,a=b")->Program();
  ASSERT_TRUE(program);
  EXPECT_TRUE(std::filesystem::path(program->arguments[0]).is_absolute());
  EXPECT_TRUE(std::filesystem::equivalent(program->arguments[0], path));
  EXPECT_THAT(program->open_words, ElementsAre("a=b"));
  directory.WriteScript("hidden", "");
  ::setenv("PATH", "/no/such/folder", 1);
  EXPECT_EQ(FindExecutable("hidden").error().context,
            "'hidden' is not in PATH; write ./hidden for the one here");
  std::filesystem::current_path(before);
  EXPECT_EQ(FindExecutable("hidden").error().context, "there is no executable 'hidden'");
  EXPECT_EQ(FindExecutable(directory.path()).error().code, ErrorCode::kUnsupported) << "a folder";
  EXPECT_FALSE(FindExecutable(""));
  ::chmod(path.c_str(), 0644);
  if (::geteuid() != 0 || ::access(path.c_str(), X_OK) != 0) {
    EXPECT_FALSE(FindExecutable(path)) << "not executable";
  }
}

TEST(RoleOf, NamesWhatStaysTheSame) {
  EXPECT_EQ(BboltType().RoleOf("/images/1/store.db"), "store");
  EXPECT_EQ(LmdbType().RoleOf("data.mdb"), "store");
  EXPECT_EQ(LmdbType().RoleOf("/images/1/lock.mdb"), "lock");
  EXPECT_EQ(LmdbType().RoleOf("data.mdb-lock"), "lock");
  EXPECT_EQ(PythonType().RoleOf("store.db-journal"), "journal");
  EXPECT_EQ(PythonType().RoleOf("store.dat"), "store");
  EXPECT_EQ(PythonType().RoleOf("store.dir"), "index");
  EXPECT_EQ(MavibotType().RoleOf("/images/1/mavibot.db"), "store");
  EXPECT_EQ(DriverType().RoleOf("db7/000123.log"), "N.log");
  EXPECT_EQ(DriverType().RoleOf("MANIFEST-000004"), "MANIFEST-N");
  EXPECT_EQ(DriverType().RoleOf("a1b22"), "aNbN");
}

TEST(ProgramTypes, AreProgramsAndTheOthersAreNot) {
  for (const char* text : {"bbolt", "lmdb", "python", "mavibot", "driver:x"}) {
    EXPECT_TRUE(ParseTarget(text)->is_program()) << text;
  }
  EXPECT_FALSE(ParseTarget("sqlite")->is_program());
}

}  // namespace
}  // namespace plugpull
