// Goal: surgery mends copies that real bbolt opens, leaves the damaged file as it is, and tells in
// one line what it cannot do, with nothing left behind. Method: stores of our own engine, damaged
// in known pages; the real program; real bbolt where this machine has it.
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>

#include "harness/cli/bbolt_files_testing.h"

namespace plugpull::e2e {
namespace {

constexpr int kKeys = 300;

class Surgery : public ::testing::Test {
 protected:
  Surgery() : original_(MakeStoreFile(kKeys)), file_(original_) { Save(); }

  void Save() { WriteText(sandbox_.path("damaged.db"), file_.bytes()); }

  Outcome Run(Words words) {
    Words all = {"surgery"};
    all.insert(all.end(), words.begin(), words.end());
    all.insert(all.end(), {"damaged.db", "--output", "mended.db"});
    return sandbox_.Run(all);
  }

  // Expects success and an untouched source. Returns: the mended file.
  std::string Mend(const Words& words, int exit_code = 0) {
    std::filesystem::remove(sandbox_.path("mended.db"));
    const auto time_before = std::filesystem::last_write_time(sandbox_.path("damaged.db"));
    const Outcome outcome = Run(words);
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.out << outcome.err;
    EXPECT_EQ(outcome.err, "");
    EXPECT_NE(outcome.out.find("mended.db: written; damaged.db is as it was"), std::string::npos);
    EXPECT_EQ(sandbox_.Text("damaged.db"), file_.bytes());
    EXPECT_EQ(std::filesystem::last_write_time(sandbox_.path("damaged.db")), time_before);
    EXPECT_EQ(sandbox_.Names(), (Words{"damaged.db", "mended.db"}));
    said_ = outcome.out;
    return sandbox_.Text("mended.db");
  }

  // Expects that real bbolt finds the file sound. Returns: its contents.
  static Contents SoundContents(const std::string& bytes) {
    const std::optional<BboltOpinion> opinion = AskBbolt(bytes);
    if (!opinion) return {};
    EXPECT_EQ(opinion->complaint, "");
    return opinion->contents;
  }

  static bool HasBbolt() { return ParseTarget("bbolt")->Program().has_value(); }

  Sandbox sandbox_;
  std::string original_;
  FileBytes file_;
  std::string said_;
};

class SurgeryInterop : public Surgery {
 protected:
  void SetUp() override {
    if (!HasBbolt()) GTEST_SKIP() << "this machine has no bbolt to ask";
    all_ = SoundContents(original_);
    ASSERT_EQ(all_.size(), kKeys + 1U);
  }

  Contents all_;
};

TEST_F(SurgeryInterop, RevertMetaUndoesTheNewestTransaction) {
  file_.Zero(file_.LeafOf("newest"));
  Save();
  EXPECT_NE(AskBbolt(file_.bytes())->complaint, "");
  const Contents mended = SoundContents(Mend({"revert-meta"}));
  EXPECT_EQ(mended.size(), all_.size() - 1);
  EXPECT_FALSE(mended.contains("newest"));
}

TEST_F(SurgeryInterop, FreelistIsAbandonedAndRebuilt) {
  file_.Zero(file_.Active().freelist);
  Save();
  EXPECT_NE(AskBbolt(file_.bytes())->complaint, "");
  const std::string abandoned = Mend({"freelist-abandon"});
  EXPECT_EQ(SoundContents(abandoned), all_);
  file_ = FileBytes(abandoned);
  Save();
  const std::string rebuilt = Mend({"freelist-rebuild"});
  EXPECT_EQ(SoundContents(rebuilt), all_);
  EXPECT_NE(FileBytes(rebuilt).Active().freelist, cow_tree::kNoFreelist);
  std::filesystem::remove(sandbox_.path("mended.db"));
  file_ = FileBytes(rebuilt);
  Save();
  ExpectComplaint(Run({"freelist-rebuild"}), 2, "damaged.db: a freelist is stored already");
}

TEST_F(SurgeryInterop, ClearPageDropsWhatAPageHolds) {
  const uint64_t leaf = file_.LeafOf("key100");
  const uint32_t count = file_.Tree(leaf).count();
  const Contents mended = SoundContents(Mend({"clear-page", "--page", std::to_string(leaf)}));
  EXPECT_NE(said_.find("warning: the stored freelist"), std::string::npos);
  EXPECT_EQ(mended.size(), all_.size() - count);
  EXPECT_FALSE(mended.contains("key100"));
}

TEST_F(SurgeryInterop, ClearPageElementsDropsSome) {
  const std::string leaf = std::to_string(file_.LeafOf("key100"));
  Contents mended = SoundContents(
      Mend({"clear-page-elements", "--page", leaf, "--from-index", "1", "--to-index", "3"}));
  EXPECT_EQ(mended.size(), all_.size() - 2);
  const uint32_t count = file_.Tree(file_.LeafOf("key100")).count();
  for (const Words& end : {Words{}, Words{"--to-index", "-1"}}) {
    Words words = {"clear-page-elements", "--page", leaf, "--from-index", "2"};
    words.insert(words.end(), end.begin(), end.end());
    mended = SoundContents(Mend(words));
    EXPECT_EQ(mended.size(), all_.size() - count + 2);
  }
}

TEST_F(SurgeryInterop, CopyPagePutsAPageBack) {
  const uint64_t leaf = file_.LeafOf("key100");
  const uint64_t spare = original_.size() / kStorePageBytes;
  std::string bytes = original_ + original_.substr(leaf * kStorePageBytes, kStorePageBytes);
  std::memcpy(bytes.data() + spare * kStorePageBytes, &spare, sizeof spare);
  file_ = FileBytes(bytes);
  file_.Zero(leaf);
  Save();
  const std::string mended =
      Mend({"copy-page", "--from-page", std::to_string(spare), "--to-page", std::to_string(leaf)});
  EXPECT_EQ(SoundContents(mended), all_);
}

TEST_F(SurgeryInterop, SalvageKeepsWhatCanBeProved) {
  EXPECT_EQ(SoundContents(Mend({"salvage"})), all_);
  EXPECT_NE(said_.find("no key is known to be lost"), std::string::npos);
  const uint64_t leaf = file_.LeafOf("key100");
  const uint32_t count = file_.Tree(leaf).count();
  file_.Zero(leaf);
  Save();
  const Contents mended = SoundContents(Mend({"salvage"}, 1));
  EXPECT_EQ(mended.size(), all_.size() - count);
  EXPECT_TRUE(mended.contains("newest"));
  EXPECT_NE(said_.find(fmt::format("brought over {} keys in 1 bucket", mended.size())),
            std::string::npos)
      << said_;
  EXPECT_NE(said_.find("lost: bucket kv, from key (hex)6b6579"), std::string::npos) << said_;
  EXPECT_NE(said_.find(fmt::format("Page expected to be: {}", leaf)), std::string::npos) << said_;
}

TEST_F(SurgeryInterop, SalvageMendsFilesOfRealBboltsOwn) {
  const Expected<DriverProgram> program = ParseTarget("bbolt:page_size=1024")->Program();
  const ScratchDirectory directory;
  const auto process = *DriverProcess::Start(*program);
  process->SetDeadline(std::chrono::steady_clock::now() + std::chrono::seconds(60));
  const auto engine = MakeDriverEngine(*process, directory.path(), *program);
  ASSERT_TRUE(engine->Open());
  Contents expected;
  for (int key = 0; key < 200; ++key) {
    expected[fmt::format("key{}", key)] = std::string(10 * key, 'v');
    ASSERT_TRUE(engine->Apply(
        Transaction{{{fmt::format("key{}", key), expected[fmt::format("key{}", key)]}}}));
  }
  ASSERT_TRUE(engine->Close());
  file_ = FileBytes(ReadText(directory.path() + "/store.db"));
  Save();
  EXPECT_EQ(SoundContents(Mend({"salvage"})), expected);
}

TEST_F(Surgery, NeverWritesOverTheDamagedFile) {
  std::filesystem::create_hard_link(sandbox_.path("damaged.db"), sandbox_.path("hard"));
  std::filesystem::create_symlink("damaged.db", sandbox_.path("soft"));
  const Words before = sandbox_.Names();
  for (const std::string output : {"damaged.db", "./damaged.db", "hard", "soft"}) {
    for (const Words& force : {Words{}, Words{"--force"}}) {
      Words words = {"surgery", "salvage", "damaged.db", "--output", output};
      words.insert(words.end(), force.begin(), force.end());
      ExpectComplaint(sandbox_.Run(words), 2, "is the damaged file itself");
    }
  }
  EXPECT_EQ(sandbox_.Names(), before);
  EXPECT_EQ(sandbox_.Text("damaged.db"), original_);
}

TEST_F(Surgery, ReplacesAnotherFileOnlyWhenForced) {
  WriteText(sandbox_.path("mended.db"), "mine");
  ExpectComplaint(Run({"revert-meta"}), 2, "exists already; --force replaces it");
  EXPECT_EQ(sandbox_.Text("mended.db"), "mine");
  EXPECT_EQ(Run({"--force", "revert-meta"}).exit_code, 0);
  EXPECT_EQ(sandbox_.Text("mended.db").size(), original_.size());
}

TEST_F(Surgery, OutputsThatCannotBeAreRefused) {
  std::filesystem::create_directory(sandbox_.path("directory"));
  const Words before = sandbox_.Names();
  const auto run = [&](const std::string& output) {
    return sandbox_.Run({"surgery", "salvage", "damaged.db", "--output", output});
  };
  ExpectComplaint(run("directory"), 2, "is a directory");
  ExpectComplaint(run("nowhere/"), 2, "is no name of a file");
  ExpectComplaint(run(""), 2, "--output");
  ExpectComplaint(run("nowhere/f"), 2, "create its directory first");
  ExpectComplaint(run("damaged.db/f"), 3, "create its directory first");
  ExpectComplaint(run("/dev/null"), 2, "is not a regular file");
  EXPECT_EQ(sandbox_.Names(), before);
}

TEST_F(Surgery, FilesThatAreNoneAreRefused) {
  std::filesystem::create_directory(sandbox_.path("directory"));
  WriteText(sandbox_.path("empty"), "");
  WriteText(sandbox_.path("text"), std::string(20'000, 'x'));
  WriteText(sandbox_.path("short"), original_.substr(0, 70));
  const Words before = sandbox_.Names();
  for (const std::string verb :
       {"revert-meta", "freelist-abandon", "freelist-rebuild", "salvage"}) {
    const auto run = [&](const std::string& file) {
      return sandbox_.Run({"surgery", verb, file, "--output", "mended.db"});
    };
    ExpectComplaint(run("nowhere"), 2, "cannot open 'nowhere'");
    ExpectComplaint(run("directory"), 2, "is a directory");
    ExpectComplaint(run("/dev/null"), 2, "is not a regular file");
    ExpectComplaint(run("empty"), 2, "empty: no bbolt file: it is empty");
    ExpectComplaint(run("text"), 2, "text: no bbolt file");
    ExpectComplaint(run("short"), 2, "short: no bbolt file");
  }
  EXPECT_EQ(sandbox_.Names(), before);
}

TEST_F(Surgery, AFileThatMayNotBeReadIsTold) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  std::filesystem::permissions(sandbox_.path("damaged.db"), std::filesystem::perms::none);
  ExpectComplaint(Run({"salvage"}), 3, "check its permissions");
}

TEST_F(Surgery, AFileThatIsInUseIsNotCopied) {
  const int descriptor = ::open(sandbox_.path("damaged.db").c_str(), O_RDWR);
  ASSERT_EQ(::flock(descriptor, LOCK_EX), 0);
  ExpectComplaint(Run({"revert-meta"}), 3, "is in use");
  ::close(descriptor);
  EXPECT_EQ(Run({"revert-meta"}).exit_code, 0);
}

TEST_F(Surgery, OptionsThatDoNotFitTheVerbAreRefused) {
  ExpectComplaint(Run({"slavage"}), 2, "there is no verb 'slavage', did you mean 'salvage'");
  ExpectComplaint(Run({"clear-page"}), 2, "surgery clear-page needs --page");
  ExpectComplaint(Run({"salvage", "--page", "3"}), 2, "surgery salvage takes no --page");
  ExpectComplaint(Run({"copy-page", "--from-page", "3"}), 2, "copy-page needs --to-page");
  ExpectComplaint(Run({"clear-page-elements", "--page", "3"}), 2, "needs --from-index");
  ExpectComplaint(Run({"clear-page", "--page", "-3"}), 2, "--page");
  ExpectComplaint(Run({"clear-page", "--page", "3x"}), 2, "--page");
  ExpectComplaint(Run({"clear-page", "--page", "99999"}), 2, "there is no page 99999");
  ExpectComplaint(sandbox_.Run({"surgery", "salvage", "damaged.db"}), 2, "--output");
  EXPECT_EQ(sandbox_.Names(), Words{"damaged.db"});
}

TEST_F(Surgery, NothingIsLeftBehindByAnError) {
  file_.Zero(0);
  file_.Zero(1);
  Save();
  ExpectComplaint(Run({"salvage"}), 2, "no bbolt file");
  file_ = FileBytes(original_);
  for (uint64_t page = 2; page < original_.size() / kStorePageBytes; ++page) file_.Zero(page);
  Save();
  ExpectComplaint(Run({"salvage"}), 2, "nothing can be read");
  EXPECT_EQ(sandbox_.Names(), Words{"damaged.db"});
}

TEST_F(Surgery, AFileSizeLimitIsAnErrorAndNotASignal) {
  const auto limit = [] {
    const rlimit small{.rlim_cur = 8192, .rlim_max = 8192};
    return ::setrlimit(RLIMIT_FSIZE, &small) == 0;
  };
  for (const std::string verb : {"revert-meta", "salvage"}) {
    const Outcome outcome =
        sandbox_.Run({"surgery", verb, "damaged.db", "--output", "mended.db"}, {.prepare = limit});
    ExpectComplaint(outcome, 3, "File too large");
  }
  EXPECT_EQ(sandbox_.Names(), Words{"damaged.db"});
}

// Runs in the process that becomes plugpull: a file system of its own, too small for a copy.
bool EnterSmallDisk() {
  const bool alone = ::unshare(CLONE_NEWNS) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
  if (!alone || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  if (::mount("plugpull", "disk", "tmpfs", 0, "size=16k") != 0) return false;
  const pid_t pid = ::fork();
  if (pid == 0) return true;
  int status = 0;
  ::waitpid(pid, &status, 0);
  const bool is_empty = std::filesystem::is_empty("disk");
  WriteText("look", is_empty ? "nothing is left" : "something is left");
  ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 98);
}

TEST_F(Surgery, AFullDiskIsToldAndNothingIsLeftOnIt) {
  std::filesystem::create_directory(sandbox_.path("disk"));
  for (const std::string verb : {"freelist-abandon", "salvage"}) {
    const Outcome outcome = sandbox_.Run({"surgery", verb, "damaged.db", "--output", "disk/f"},
                                         {.prepare = EnterSmallDisk});
    if (outcome.exit_code == 99) GTEST_SKIP() << "no file system may be mounted here";
    ExpectComplaint(outcome, 3, "free some space");
    EXPECT_EQ(sandbox_.Text("look"), "nothing is left");
  }
}

TEST_F(Surgery, HelpListsTheVerbs) {
  const Outcome outcome = sandbox_.Run({"surgery", "--help"});
  EXPECT_EQ(outcome.exit_code, 0);
  for (const char* verb : {"revert-meta", "freelist-abandon", "freelist-rebuild", "clear-page",
                           "clear-page-elements", "copy-page", "salvage"}) {
    EXPECT_NE(outcome.out.find(std::string("  ") + verb + " "), std::string::npos) << verb;
  }
}

}  // namespace
}  // namespace plugpull::e2e
