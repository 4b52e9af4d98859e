// Programs of the user's from end to end: scripts, servers and drivers are recorded, explored and
// judged as somebody would who has only the binary.
#include <sys/stat.h>

#include "harness/cli/e2e_testing.h"

namespace plugpull::e2e {
namespace {

bool Has(const char* program) {
  return std::filesystem::exists(std::string("/usr/bin/") + program);
}

void WriteScript(const Sandbox& sandbox, const std::string& name, const std::string& text) {
  WriteText(sandbox.path(name), text);
  ASSERT_EQ(::chmod(sandbox.path(name).c_str(), 0755), 0);
}

// Replaces a file three times. `sync`: of the new file; `sync_directory`: after its rename.
std::string Replacing(bool sync, bool sync_directory) {
  return std::string("#!/bin/sh\nfor i in 1 2 3; do\n  echo \"value $i\" > config.new\n") +
         (sync ? "  sync config.new\n" : "") + "  mv config.new config\n" +
         (sync_directory ? "  sync .\n" : "") + "  echo $i\ndone\n";
}

// The last acknowledged value, or the one after it, must be there in full.
constexpr const char* kCheck =
    "#!/bin/sh\n"
    "acknowledged=$(tail -n 1)\n"
    "[ -n \"$acknowledged\" ] || exit 0\n"
    "read -r word number < config || { echo 'config is gone or empty'; exit 1; }\n"
    "[ \"$word\" = value ] && [ \"$number\" -ge \"$acknowledged\" ] && exit 0\n"
    "echo \"config says '$word $number'\"\n"
    "exit 1\n";

class Scripts : public ::testing::Test {
 protected:
  void SetUp() override { WriteScript(sandbox_, "check.sh", kCheck); }

  Sandbox sandbox_;
};

TEST_F(Scripts, WithoutSyncAreFound) {
  WriteScript(sandbox_, "load.sh", Replacing(false, false));
  const json result =
      sandbox_.Result({"run", "--workload", "./load.sh", "--check", "./check.sh"}, 1);
  EXPECT_EQ(result["door"], "traced");
  EXPECT_TRUE(result["target"].get<std::string>().ends_with("/load.sh")) << result["target"];
  EXPECT_EQ(result["trace"]["transactions"], 3);
  EXPECT_EQ(result["verdict"], "violated");
  EXPECT_EQ(Classes(result), std::set<std::string>{"check-failed"});
  for (const json& finding : result["findings"]) {
    const std::string file = "out/" + finding["case"].get<std::string>();
    const Outcome replayed = sandbox_.Run({"replay", file});
    EXPECT_EQ(replayed.exit_code, 0) << replayed.out << replayed.err;
  }
}

TEST_F(Scripts, WithoutTheDirectorysSyncAreFoundWhereNamesMayBeLost) {
  WriteScript(sandbox_, "load.sh", Replacing(true, false));
  const json result =
      sandbox_.Result({"run", "--workload", "./load.sh", "--check", "./check.sh"}, 1);
  EXPECT_FALSE(result["findings"].empty());
}

TEST_F(Scripts, WithBothSyncsHold) {
  WriteScript(sandbox_, "load.sh", Replacing(true, true));
  const Outcome outcome =
      sandbox_.Run({"run", "--workload", "./load.sh", "--check", "./check.sh", "--quiet"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  EXPECT_EQ(sandbox_.Json("plugpull-out/result.json")["coverage"]["mode"], "exhaustive");
}

TEST_F(Scripts, AreRecordedInOneCommandAndExploredInAnother) {
  WriteScript(sandbox_, "load.sh", Replacing(true, true));
  WriteScript(sandbox_, "bad.sh", Replacing(false, false));
  EXPECT_EQ(sandbox_.Run({"record", "-o", "good", "--dir", "d", "--", "./load.sh"}).exit_code, 0);
  EXPECT_EQ(sandbox_.Text("d/config"), "value 3\n");
  EXPECT_EQ(sandbox_.Run({"explore", "good", "--check", "./check.sh"}).exit_code, 0);
  EXPECT_EQ(
      sandbox_.Run({"record", "-o", "bad", "--workload", "./bad.sh", "--init", "true"}).exit_code,
      0);
  EXPECT_EQ(sandbox_.Run({"explore", "bad", "--check", "./check.sh"}).exit_code, 1);
}

TEST_F(Scripts, AreSetByAConfigurationFile) {
  WriteScript(sandbox_, "load.sh", Replacing(true, true));
  WriteText(sandbox_.path("c.toml"),
            "workload = \"./load.sh\"\ncheck = \"./check.sh\"\ndir = \"d\"\npin = true\n");
  const Outcome outcome = sandbox_.Run({"run", "--config", "c.toml"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
}

TEST_F(Scripts, FindTheirDirectories) {
  WriteScript(sandbox_, "load.sh",
              "#!/bin/sh\n[ \"$PWD\" = \"$PLUGPULL_DIR\" ] && [ -f prepared ] &&\n"
              "  [ -f \"$OLDPWD/load.sh\" ] && echo x > written && sync written && echo done\n");
  const Outcome outcome =
      sandbox_.Run({"record", "-o", "t", "--init", "touch prepared", "--", "./load.sh"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  EXPECT_EQ(outcome.err, "");
}

TEST_F(Scripts, GetTheFailureThatWasAskedFor) {
  WriteScript(sandbox_, "load.sh",
              "#!/bin/sh\necho x > a\nsync a || { echo 'sync failed' >&2; exit 5; }\n");
  const Outcome outcome =
      sandbox_.Run({"record", "-o", "t", "--fail", "fsync(a)=EIO", "--", "./load.sh"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  EXPECT_NE(outcome.err.find("Input/output error"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("exited with status 5"), std::string::npos) << outcome.err;
}

// What is wrong with a program or with how it is to be recorded.
struct BadProgram {
  const char* name;
  Words arguments;
  int exit_code = 0;
  std::string hint;
};

void PrintTo(const BadProgram& program, std::ostream* out) { *out << program.name; }

class BadPrograms : public ::testing::TestWithParam<BadProgram> {};

TEST_P(BadPrograms, AreExplainedInOneLine) {
  Sandbox sandbox;
  std::filesystem::create_directory(sandbox.path("full"));
  WriteText(sandbox.path("full/file"), "x");
  const e2e::Setup setup{.environment = {"HOME=" + sandbox.path("home").string()}};
  ExpectComplaint(sandbox.Run(GetParam().arguments, setup), GetParam().exit_code, GetParam().hint);
  EXPECT_FALSE(std::filesystem::exists(sandbox.path("t")));
}

const auto kNameOf = [](const auto& test) { return std::string(test.param.name); };

INSTANTIATE_TEST_SUITE_P(
    Recorded, BadPrograms,
    ::testing::Values(
        BadProgram{"ChangesNothing", {"record", "-o", "t", "--", "true"}, 3, "changed nothing in"},
        BadProgram{"Fails",
                   {"record", "-o", "t", "--", "sh", "-c", "echo > a; exit 4"},
                   3,
                   "exited with status 4 though no call was made to fail"},
        BadProgram{"Dies",
                   {"record", "-o", "t", "--", "sh", "-c", "echo > a; kill -9 $$"},
                   3,
                   "died of signal 9"},
        BadProgram{
            "NotThere", {"record", "-o", "t", "--", "no-such-program"}, 2, "no-such-program"},
        BadProgram{"TakesTooLong",
                   {"record", "-o", "t", "--timeout", "300ms", "--", "sleep", "60"},
                   3,
                   "--timeout gives it longer"},
        BadProgram{"NotPrepared",
                   {"record", "-o", "t", "--init", "exit 3", "--", "touch", "a"},
                   3,
                   "--init 'exit 3' exited with status 3"},
        BadProgram{"FailureNeverFires",
                   {"record", "-o", "t", "--fail", "fsync:2=EIO", "--", "sh", "-c", "echo > a"},
                   2,
                   "never fired: fail(point=call/fsync,call=2"},
        BadProgram{"DirectoryNotEmpty",
                   {"record", "-o", "t", "--dir", "full", "--", "touch", "a"},
                   2,
                   "is not empty; empty it, or keep"},
        BadProgram{"DirectoryIsAFile",
                   {"record", "-o", "t", "--dir", "full/file", "--", "touch", "a"},
                   2,
                   "is not a directory"},
        BadProgram{"DirectoryIsRoot",
                   {"record", "-o", "t", "--dir", "/", "--", "touch", "a"},
                   2,
                   "lies in the recorded directory /"},
        BadProgram{"DirectoryIsHome",
                   {"record", "-o", "/nowhere/t", "--dir", "home", "--", "touch", "a"},
                   2,
                   "no directory to record in"},
        BadProgram{"OutputInDirectory",
                   {"record", "-o", "d/t", "--dir", "d", "--", "touch", "a"},
                   2,
                   "lies in the recorded directory"},
        BadProgram{"UnknownUser",
                   {"record", "-o", "t", "--user", "nobody-here", "--", "touch", "a"},
                   2,
                   "there is no user 'nobody-here'"}),
    kNameOf);

INSTANTIATE_TEST_SUITE_P(
    Options, BadPrograms,
    ::testing::Values(
        BadProgram{"CheckAlone", {"run", "--check", "true"}, 2, "add --workload CMD"},
        BadProgram{"NoCheck", {"run", "--", "true"}, 2, "add --check CMD"},
        BadProgram{"DirAlone", {"record", "-o", "t", "--dir", "d"}, 2, "add --workload CMD"},
        BadProgram{"TwoWorkloads",
                   {"run", "--check", "true", "--workload", "true", "--", "true"},
                   2,
                   "are the same thing"},
        BadProgram{"TargetAndCommand",
                   {"run", "cow_tree", "--check", "true", "--workload", "true"},
                   2,
                   "run one of them"},
        BadProgram{"ReadyAlone",
                   {"run", "--check", "true", "--ready", "true", "--", "true"},
                   2,
                   "add --client CMD"},
        BadProgram{"KeepAlone", {"record", "-o", "t", "--keep", "--", "true"}, 2, "with --dir"},
        BadProgram{"Promise",
                   {"run", "--check", "true", "--promise", "opens", "--", "true"},
                   2,
                   "for the check to say"},
        BadProgram{
            "Errors", {"run", "--check", "true", "--errors", "each", "--", "true"}, 2, "--fail"},
        BadProgram{"Depth",
                   {"run", "--check", "true", "--depth", "2", "--", "true"},
                   2,
                   "an engine that is linked"},
        BadProgram{"Cycles",
                   {"run", "--check", "true", "--cycles", "2", "--", "true"},
                   2,
                   "an engine that is linked"},
        BadProgram{"Transactions",
                   {"run", "--check", "true", "--transactions", "2", "--", "true"},
                   2,
                   "about the workloads of plugpull"},
        BadProgram{"FailOfALinkedEngine", {"run", "--fail", "fsync=EIO"}, 2, "see --errors"},
        BadProgram{"FailOfNoCall",
                   {"record", "-o", "t", "--fail", "fsink=EIO", "--", "true"},
                   2,
                   "did you mean 'call/fsync'?"},
        BadProgram{"FailWithoutError",
                   {"record", "-o", "t", "--fail", "fsync", "--", "true"},
                   2,
                   "write it as in fdatasync:3=EIO"},
        BadProgram{"CommandForAnother", {"list", "--", "true"}, 2, "takes no command"},
        BadProgram{"NothingAfterDashes", {"record", "-o", "t", "--"}, 2, "no command after --"},
        BadProgram{"WorkloadOfNobody",
                   {"run", "--workload", "./load.sh"},
                   2,
                   "a command of yours needs --check or --dir"}),
    kNameOf);

TEST(Warnings, SayWhatARecordingIsNotGoodFor) {
  Sandbox sandbox;
  const Outcome silent = sandbox.Run({"record", "-o", "t", "--", "touch", "a"});
  EXPECT_EQ(silent.exit_code, 0) << silent.err;
  EXPECT_NE(silent.err.find("warning: the program printed no line"), std::string::npos)
      << silent.err;
  const std::string elsewhere = sandbox.path("elsewhere").string();
  const Outcome outside =
      sandbox.Run({"record", "-o", "t", "--", "sh", "-c", "echo > a; echo b; echo > " + elsewhere});
  EXPECT_EQ(outside.exit_code, 0) << outside.err;
  EXPECT_NE(outside.err.find("wrote outside the recorded directory, where no crash is looked at: " +
                             elsewhere),
            std::string::npos)
      << outside.err;
  const Outcome buffered =
      sandbox.Run({"record", "-o", "t", "--", "sh", "-c", "echo > a; echo > b; echo 1; echo 2"});
  EXPECT_EQ(buffered.exit_code, 0) << buffered.err;
  EXPECT_NE(buffered.err.find("is the output buffered?"), std::string::npos) << buffered.err;
}

TEST(Warnings, DoubtACheckThatNeverFails) {
  Sandbox sandbox;
  const Outcome outcome = sandbox.Run(
      {"run", "--check", "true", "--quiet", "--", "sh", "-c", "echo data > a; sync a; echo 1"});
  EXPECT_NE(outcome.err.find("plugpull: warning: "), std::string::npos) << outcome.err;
}

TEST(Commands, ThatFailOnWhatTheProgramLeftAreNoChecks) {
  Sandbox sandbox;
  const Outcome outcome =
      sandbox.Run({"run", "--check", "false", "--quiet", "--", "sh", "-c", "echo x > a; echo 1"});
  EXPECT_EQ(outcome.exit_code, 3) << outcome.out << outcome.err;
}

TEST(Commands, RecordedNeedACheckAndNoTarget) {
  Sandbox sandbox;
  ASSERT_EQ(sandbox.Run({"record", "-o", "t", "--", "sh", "-c", "echo x > a; echo 1"}).exit_code,
            0);
  ExpectComplaint(sandbox.Run({"explore", "t"}), 2, "add --check CMD");
  ExpectComplaint(sandbox.Run({"explore", "t", "--check", "true", "--target", "cow_tree"}), 2,
                  "give one of them");
}

// A server that appends what it is told to a log. `sync`: before it says so.
std::string Server(bool sync) {
  return std::string(
             "import os, socket\n"
             "listener = socket.socket(socket.AF_UNIX)\n"
             "listener.bind(os.environ['OLDPWD'] + '/socket')\n"
             "listener.listen()\n"
             "while True:\n"
             "    connection, _ = listener.accept()\n"
             "    line = connection.makefile().readline()\n"
             "    if line:\n"
             "        with open('log', 'a') as log:\n"
             "            log.write(line)\n"
             "            log.flush()\n") +
         (sync ? "            os.fsync(log.fileno())\n"
                 "        directory = os.open('.', os.O_RDONLY)\n"
                 "        os.fsync(directory)\n"
                 "        os.close(directory)\n"
               : "") +
         "        connection.sendall(b'ok')\n";
}

constexpr const char* kClient =
    "import os, socket\n"
    "for i in range(4):\n"
    "    connection = socket.socket(socket.AF_UNIX)\n"
    "    connection.connect(os.environ['OLDPWD'] + '/socket')\n"
    "    connection.sendall(b'entry %d\\n' % i)\n"
    "    assert connection.recv(2) == b'ok'\n"
    "    print('entry %d' % i, flush=True)\n";

constexpr const char* kLogCheck =
    "import os, sys\n"
    "log = open('log', errors='replace').read().splitlines() if os.path.exists('log') else []\n"
    "lost = [line.strip() for line in sys.stdin if line.strip() not in log]\n"
    "if lost:\n"
    "    print('lost', lost[0])\n"
    "    sys.exit(1)\n";

TEST(Servers, AreDrivenByAClientAndEnded) {
  if (!Has("python3")) GTEST_SKIP() << "this machine has no /usr/bin/python3";
  for (const bool sync : {true, false}) {
    Sandbox sandbox;
    WriteText(sandbox.path("server.py"), Server(sync));
    WriteText(sandbox.path("client.py"), kClient);
    WriteText(sandbox.path("check.py"), kLogCheck);
    const Outcome outcome =
        sandbox.Run({"run", "--workload", "python3 $OLDPWD/server.py", "--ready",
                     "test -S $OLDPWD/socket", "--client", "python3 $OLDPWD/client.py", "--check",
                     "python3 $OLDPWD/check.py", "--quiet"});
    EXPECT_EQ(outcome.exit_code, sync ? 0 : 1) << outcome.out << outcome.err;
    const json result = sandbox.Json("plugpull-out/result.json");
    EXPECT_EQ(result["trace"]["transactions"], 4);
    EXPECT_EQ(outcome.err.find("was killed"), std::string::npos) << outcome.err;
  }
}

TEST(Servers, WhoseClientFailsAreErrors) {
  Sandbox sandbox;
  const Outcome outcome = sandbox.Run(
      {"record", "-o", "t", "--client", "exit 3", "--", "sh", "-c", "echo x > a; exec sleep 60"});
  ExpectComplaint(outcome, 3, "the client 'exit 3' exited with status 3");
}

TEST(Servers, ThatEndTooEarlyAreErrors) {
  Sandbox sandbox;
  const Outcome outcome = sandbox.Run({"record", "-o", "t", "--ready", "false", "--client", "true",
                                       "--", "sh", "-c", "echo x > a; exit 7"});
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_NE(outcome.err.find("exited with status 7"), std::string::npos) << outcome.err;
}

class Drivers : public ::testing::TestWithParam<const char*> {};

TEST_P(Drivers, AreTargetsLikeAnyOther) {
  Sandbox sandbox;
  const std::string target = GetParam();
  const std::string name = target.substr(0, target.find(':'));
  const std::filesystem::path driver =
      std::filesystem::path(PLUGPULL_BINARY).parent_path() / "drivers" / ("plugpull-" + name);
  if (!std::filesystem::exists(driver)) GTEST_SKIP() << "the driver of " << name << " is not built";
  const Outcome outcome = sandbox.Run({"run", target, "--transactions", "10", "--quiet"});
  ASSERT_TRUE(outcome.exit_code == 0 || outcome.exit_code == 1) << outcome.out << outcome.err;
  const json result = sandbox.Json("plugpull-out/result.json");
  EXPECT_EQ(result["door"], "traced");
  EXPECT_EQ(result["target"], target);
  EXPECT_EQ(result["trace"]["transactions"], 10);
  EXPECT_EQ(result["trace"]["acks"], 10);
  EXPECT_TRUE(result["coverage"]["unknown"].empty()) << result["coverage"]["unknown"];
}

INSTANTIATE_TEST_SUITE_P(All, Drivers,
                         ::testing::Values("bbolt", "lmdb", "lmdb:writemap=1", "python"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::ranges::replace_if(
                               name, [](char c) { return std::isalnum(c) == 0; }, '_');
                           return name;
                         });

TEST(Bbolt, RecordedIsExploredByTheStoreOfItsFormat) {
  Sandbox sandbox;
  const Outcome recorded =
      sandbox.Run({"record", "-o", "t", "--target", "bbolt", "--transactions", "10"});
  if (recorded.err.find("not built") != std::string::npos) GTEST_SKIP() << recorded.err;
  ASSERT_EQ(recorded.exit_code, 0) << recorded.err;
  const json result = sandbox.Result({"explore", "t", "--target", "cow_tree"}, 1);
  // Its new file is written in place (etcd #16596), and its directory is never synced.
  EXPECT_TRUE(Classes(result).contains("refuses-to-open"));
  EXPECT_TRUE(Classes(result).contains("lost-commit"));
}

}  // namespace
}  // namespace plugpull::e2e
