// Goal: the command tells sound from damaged by its exit code, says all that the library found in
// each format, and leaves the file alone. Method: stores of our own engine, damaged in known pages.
#include <sys/stat.h>

#include "harness/cli/bbolt_files_testing.h"

namespace plugpull::e2e {
namespace {

class AutopsyCommandLine : public ::testing::Test {
 protected:
  AutopsyCommandLine() : file_(MakeStoreFile(300)) { Save(); }

  void Save() { WriteText(sandbox_.path("store.db"), file_.bytes()); }

  // Runs the command and expects that the file is as before.
  Outcome Run(Words words) {
    words.insert(words.begin(), {"autopsy", "store.db"});
    const auto before = std::filesystem::last_write_time(sandbox_.path("store.db"));
    Outcome outcome = sandbox_.Run(words);
    EXPECT_EQ(std::filesystem::last_write_time(sandbox_.path("store.db")), before);
    EXPECT_EQ(sandbox_.Text("store.db"), file_.bytes());
    return outcome;
  }

  Sandbox sandbox_;
  FileBytes file_;
};

TEST_F(AutopsyCommandLine, ASoundFileIsSound) {
  const Outcome outcome = Run({"--json", "a.json", "--svg", "a.svg"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  EXPECT_TRUE(outcome.out.starts_with("store.db: sound, 301 keys in 1 bucket")) << outcome.out;
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(sandbox_.Json("a.json")["schema"], "plugpull.autopsy/1");
  EXPECT_EQ(sandbox_.Json("a.json")["verdict"], "sound");
  EXPECT_NE(sandbox_.Text("a.svg").find("no damage"), std::string::npos);
  EXPECT_EQ(sandbox_.Names(), (Words{"a.json", "a.svg", "store.db"}));
}

TEST_F(AutopsyCommandLine, ADamagedFileIsToldInEachFormat) {
  const uint64_t leaf = file_.LeafOf("key100");
  file_.Zero(leaf);
  Save();
  const Outcome outcome = Run({"--json", "a.json", "--svg", "a.svg"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.out << outcome.err;
  EXPECT_TRUE(outcome.out.starts_with("store.db: damaged: ")) << outcome.out;
  EXPECT_NE(outcome.out.find("plugpull surgery salvage store.db"), std::string::npos)
      << outcome.out;
  EXPECT_NE(outcome.out.find(fmt::format("Page expected to be: {}", leaf)), std::string::npos);
  const json result = sandbox_.Json("a.json");
  EXPECT_EQ(result["verdict"], "damaged");
  EXPECT_EQ(result["recoverability"], "page-surgery");
  EXPECT_EQ(result["diagnoses"][0]["page"], leaf);
  EXPECT_NE(sandbox_.Text("a.svg").find(fmt::format(">{} ", leaf)), std::string::npos);
}

// Does what the autopsy says is to be done next, word for word.
TEST_F(AutopsyCommandLine, ItsAdviceWorks) {
  file_.Zero(file_.Active().freelist);
  Save();
  const Outcome outcome = Run({});
  ASSERT_EQ(outcome.exit_code, 1) << outcome.out;
  const size_t begin = outcome.out.find("plugpull surgery ");
  ASSERT_NE(begin, std::string::npos) << outcome.out;
  std::istringstream line(outcome.out.substr(begin, outcome.out.find('\n', begin) - begin));
  Words words{std::istream_iterator<std::string>(line), {}};
  words.erase(words.begin());
  EXPECT_EQ(sandbox_.Run(words).exit_code, 0);
  EXPECT_EQ(sandbox_.Run({"autopsy", words.back(), "--quiet"}).exit_code, 0);
}

TEST_F(AutopsyCommandLine, QuietIsOneLine) { EXPECT_EQ(Lines(Run({"--quiet"}).out).size(), 1U); }

TEST_F(AutopsyCommandLine, StandardOutputTakesAReportAlone) {
  const Outcome outcome = Run({"--json", "-"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(json::parse(outcome.out, nullptr, false)["verdict"], "sound");
  EXPECT_TRUE(outcome.err.starts_with("store.db: sound")) << outcome.err;
}

TEST_F(AutopsyCommandLine, TheFileIsNoPlaceForAReport) {
  std::filesystem::create_symlink("store.db", sandbox_.path("link"));
  ExpectComplaint(Run({"--json", "store.db"}), 2, "--json: 'store.db' is the file itself");
  ExpectComplaint(Run({"--svg", "link"}), 2, "--svg: 'link' is the file itself");
  ExpectComplaint(Run({"--json", "a", "--svg", "a"}), 2, "both name 'a'");
}

TEST_F(AutopsyCommandLine, ReportsThatCannotBeWrittenAreTold) {
  ExpectComplaint(Run({"--json", "nowhere/a"}), 3, "create its directory first");
  ExpectComplaint(Run({"--svg", "/dev/full"}), 3, "cannot write '/dev/full'");
}

TEST_F(AutopsyCommandLine, WhatCannotBeReadIsTold) {
  std::filesystem::create_directory(sandbox_.path("directory"));
  WriteText(sandbox_.path("empty"), "");
  WriteText(sandbox_.path("text"), std::string(20'000, 'x'));
  const Words before = sandbox_.Names();
  for (const std::string file : {"nowhere", "directory", "empty", "text"}) {
    ExpectComplaint(sandbox_.Run({"autopsy", file, "--json", "a.json"}), 3, file);
  }
  EXPECT_EQ(sandbox_.Names(), before);
  EXPECT_EQ(sandbox_.Run({"autopsy"}).exit_code, 2);
}

// The drawing is read by a parser that knows all of XML.
TEST_F(AutopsyCommandLine, TheDrawingIsXml) {
  file_.Zero(file_.LeafOf("key100"));
  Save();
  ASSERT_EQ(Run({"--svg", "a.svg"}).exit_code, 1);
  const std::string command = fmt::format(
      "python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "
      "'{}' 2> /dev/null",
      sandbox_.path("a.svg").string());
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::execl("/bin/sh", "sh", "-c",
            ("command -v python3 > /dev/null || exit 77; " + command).c_str(), nullptr);
    ::_exit(77);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "this machine has no python3";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace plugpull::e2e
