// Files that cannot be read and places that cannot be written: one line, and nothing half-done.
#include <sched.h>
#include <sys/mount.h>
#include <xxhash.h>

#include <cstring>

#include "harness/cli/e2e_testing.h"

namespace plugpull::e2e {
namespace {

// A command that reads a file of plugpull's, with a good file to spoil.
struct Reader {
  const char* command;
  const char* what;
};

void PrintTo(const Reader& reader, std::ostream* out) { *out << reader.command; }

class UnreadableFile : public ::testing::TestWithParam<Reader> {
 protected:
  void SetUp() override {
    ASSERT_EQ(sandbox_
                  .Run({"record", "-o", "explore.good", "--transactions", "10", "--target",
                        "cow_tree:dirsync=0"})
                  .exit_code,
              0);
    const json result = sandbox_.Result({"explore", "explore.good"}, 1);
    std::filesystem::rename(
        sandbox_.path("out/" + result["findings"][0]["case"].get<std::string>()),
        sandbox_.path("replay.good"));
    std::filesystem::remove_all(sandbox_.path("out"));
    good_ = sandbox_.Text(std::string(GetParam().command) + ".good");
    ASSERT_GT(good_.size(), 200U);
  }

  // Expects that the command refuses a file with these bytes, without a trace of having tried.
  void ExpectRefused(const std::string& bytes, const std::string& complaint) {
    WriteText(sandbox_.path("bad"), bytes);
    const Words before = sandbox_.Names();
    ExpectComplaint(sandbox_.Run({GetParam().command, "bad"}), 2, complaint);
    EXPECT_EQ(sandbox_.Names(), before);
  }

  Sandbox sandbox_;
  std::string good_;
};

TEST_P(UnreadableFile, ThatIsNotThereOrADirectoryIsRefused) {
  ExpectComplaint(sandbox_.Run({GetParam().command, "nowhere"}), 2, "cannot read 'nowhere'");
  ExpectComplaint(sandbox_.Run({GetParam().command, "replay.good/x"}), 3, "replay.good/x");
  ExpectComplaint(sandbox_.Run({GetParam().command, "."}), 2, "is a directory");
}

TEST_P(UnreadableFile, ThatIsEmptyOrCutAnywhereIsRefused) {
  ExpectRefused("", "it is empty");
  // The last byte of a case ends its last line.
  for (const size_t length : {1UL, 7UL, 8UL, 12UL, 19UL, 20UL, 21UL, 60UL, good_.size() / 2,
                              good_.size() - 9, good_.size() - 2}) {
    ExpectRefused(good_.substr(0, length),
                  std::string("this ") + GetParam().what + " is cut short");
  }
}

TEST_P(UnreadableFile, ThatIsGarbledAnywhereIsRefused) {
  ExpectRefused(std::string(5000, 'x'), std::string("not a plugpull ") + GetParam().what);
  ExpectRefused(good_ + "x", GetParam().what);
  for (size_t i = 0; i < good_.size(); i += 1 + good_.size() / 40) {
    std::string garbled = good_;
    garbled[i] = static_cast<char>(garbled[i] ^ 0x10);
    ExpectRefused(garbled, GetParam().what);
  }
}

TEST_P(UnreadableFile, OfTheOtherKindIsRefused) {
  const std::string other = GetParam().command == std::string("replay") ? "explore" : "replay";
  ExpectRefused(sandbox_.Text(other + ".good"), std::string("not a plugpull ") + GetParam().what);
}

TEST_P(UnreadableFile, OfALaterVersionIsRefusedAsTooNew) {
  std::string later = good_;
  const uint32_t version = 77;
  if (const size_t schema = later.find("plugpull.case/1"); schema != std::string::npos) {
    later.replace(schema, 15, "plugpull.case/77");
  } else {
    std::memcpy(later.data() + 8, &version, sizeof version);
    const uint64_t checksum = XXH3_64bits(later.data(), 12);
    std::memcpy(later.data() + 12, &checksum, sizeof checksum);
  }
  ExpectRefused(later, "77");
  EXPECT_NE(sandbox_.Run({GetParam().command, "bad"}).err.find("upgrade plugpull"),
            std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Readers, UnreadableFile,
                         ::testing::Values(Reader{"explore", "trace"}, Reader{"replay", "case"}),
                         [](const auto& test) { return std::string(test.param.what); });

TEST(OutputDirectory, ThatCannotBeMadeIsRefusedBeforeAnyWork) {
  Sandbox sandbox;
  WriteText(sandbox.path("file"), "mine");
  for (const std::string out : {"file", "file/below", "/proc/plugpull-out", "/dev/null/x", ""}) {
    const Outcome outcome = sandbox.Run({"run", "--out", out, "--transactions", "1000000"});
    ExpectComplaint(outcome, 3, "--out");
  }
  EXPECT_EQ(sandbox.Names(), Words{"file"});
  EXPECT_EQ(sandbox.Text("file"), "mine");
}

TEST(ReportFile, ThatCannotBeWrittenIsRefusedBeforeAnyWork) {
  Sandbox sandbox;
  std::filesystem::create_directory(sandbox.path("directory"));
  for (const std::string option : {"--json", "--junit"}) {
    for (const std::string path : {"nowhere/r", "directory"}) {
      ExpectComplaint(sandbox.Run({"run", option, path, "--transactions", "1000000"}), 3, path);
    }
  }
}

TEST(FullDisk, OfAReportIsToldAndTheResultIsThere) {
  Sandbox sandbox;
  for (const std::string option : {"--json", "--junit"}) {
    const Outcome outcome =
        sandbox.Run({"run", "--quiet", "--transactions", "5", option, "/dev/full"});
    ExpectComplaint(outcome, 3, "cannot write '/dev/full'");
    EXPECT_EQ(sandbox.Json("plugpull-out/result.json")["verdict"], "held");
  }
}

TEST(FullDisk, OfATraceIsTold) {
  Sandbox sandbox;
  ExpectComplaint(sandbox.Run({"record", "-o", "/dev/full"}), 3, "cannot write '/dev/full'");
}

// Runs in the process that becomes plugpull: a file system of its own, with no byte free.
bool EnterFullDisk() {
  const bool alone = ::unshare(CLONE_NEWNS) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
  if (!alone || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  if (::mount("plugpull", "disk", "tmpfs", 0, "size=32k") != 0) return false;
  const int copy = ::open("disk/result.json", O_WRONLY | O_CREAT, 0666);
  if (copy < 0 || ::write(copy, "old", 3) != 3 || ::close(copy) != 0) return false;
  const int filler = ::open("disk/filler", O_WRONLY | O_CREAT, 0666);
  const std::string page(4096, 'x');
  while (::write(filler, page.data(), page.size()) > 0) {
  }
  return errno == ENOSPC && ::close(filler) == 0;
}

// Lets a shell look at the full disk once plugpull is done with it, as nobody else can see it.
bool LookAfterwards() {
  if (!EnterFullDisk()) return false;
  const pid_t pid = ::fork();
  if (pid == 0) return true;
  int status = 0;
  ::waitpid(pid, &status, 0);
  const std::string found = ReadText("disk/result.json") == "old" ? "old file intact" : "lost";
  WriteText("look", found);
  for (const auto& entry : std::filesystem::recursive_directory_iterator("disk")) {
    if (entry.path().extension() == ".tmp") WriteText("look", "a temporary is left");
  }
  ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 98);
}

class FullFileSystem : public ::testing::TestWithParam<Words> {};

TEST_P(FullFileSystem, IsToldAndLeavesWhatWasThere) {
  Sandbox sandbox;
  std::filesystem::create_directory(sandbox.path("disk"));
  const Outcome outcome = sandbox.Run(GetParam(), {.prepare = LookAfterwards});
  if (outcome.exit_code == 99) GTEST_SKIP() << "no file system may be mounted here";
  ExpectComplaint(outcome, 3, "free some space");
  EXPECT_EQ(sandbox.Text("look"), "old file intact");
}

INSTANTIATE_TEST_SUITE_P(
    Writers, FullFileSystem,
    ::testing::Values(Words{"run", "--out", "disk", "--quiet", "--transactions", "5"},
                      Words{"run", "cow_tree:dirsync=0", "--out", "disk", "--quiet"},
                      Words{"run", "--json", "disk/result.json", "--quiet", "--transactions", "5"},
                      Words{"record", "-o", "disk/result.json"}));

TEST(FileSizeLimit, IsAnErrorAndNotASignal) {
  Sandbox sandbox;
  const auto limit = [] {
    const rlimit small{.rlim_cur = 4096, .rlim_max = 4096};
    return ::setrlimit(RLIMIT_FSIZE, &small) == 0;
  };
  const Outcome outcome = sandbox.Run({"record", "-o", "trace"}, {.prepare = limit});
  ExpectComplaint(outcome, 3, "File too large");
  EXPECT_EQ(sandbox.Names(), Words{});
}

TEST(StandardOutput, ThatIsFullOrClosedOrUnreadIsAnError) {
  Sandbox sandbox;
  const auto close_output = [] { return ::close(1) == 0; };
  const auto nobody_reads = [] {
    std::array<int, 2> ends{};
    return ::pipe(ends.data()) == 0 && ::dup2(ends[1], 1) == 1 && ::close(ends[0]) == 0 &&
           ::close(ends[1]) == 0;
  };
  const std::vector<Words> commands = {{"run", "--transactions", "5", "--quiet"},
                                       {"run", "--transactions", "5", "--quiet", "--json", "-"},
                                       {"record", "-o", "t", "--transactions", "5"},
                                       {"list", "targets"},
                                       {"run", "--help"},
                                       {"--version"}};
  for (const Words& command : commands) {
    const std::string complaint = "cannot write to standard output";
    ExpectComplaint(sandbox.Run(command, {.standard_output = "/dev/full"}), 3, complaint);
    ExpectComplaint(sandbox.Run(command, {.prepare = close_output}), 3, complaint);
    ExpectComplaint(sandbox.Run(command, {.prepare = nobody_reads}), 3, complaint);
  }
  EXPECT_EQ(sandbox.Json("plugpull-out/result.json")["verdict"], "held");
}

TEST(StandardStreams, ThatAreAllClosedDisturbNothing) {
  Sandbox sandbox;
  const auto close_all = [] {
    ::close(0);
    ::close(1);
    ::close(2);
    return true;
  };
  const Outcome outcome =
      sandbox.Run({"run", "cow_tree:dirsync=0", "--transactions", "5"}, {.prepare = close_all});
  EXPECT_EQ(outcome.exit_code, 3);
  const json result = sandbox.Json("plugpull-out/result.json");
  EXPECT_EQ(result["verdict"], "violated");
  const auto close_input = [] { return ::close(0) == 0; };
  EXPECT_EQ(sandbox.Run({"run", "--transactions", "5"}, {.prepare = close_input}).exit_code, 0);
}

}  // namespace
}  // namespace plugpull::e2e
