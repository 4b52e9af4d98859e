// Goal: real programs, unmodified, are recorded without a gap: replayed, the trace makes exactly
// the directory that the program has left.
// Method: programs of many kinds: databases, servers that fork, runtimes that make calls of their
// own, threads, shells. What is not installed is skipped by name. Sources that have to be compiled
// and scripts are in testdata.
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "faults/doors/directory_image.h"
#include "faults/doors/testing.h"
#include "faults/doors/traced_program.h"
#include "faults/persistence/materialise.h"
#include "faults/trace/validate.h"

namespace plugpull {
namespace {

namespace fs = std::filesystem;

constexpr auto kLimit = std::chrono::seconds(120);
constexpr const char* kPostgres = "/usr/lib/postgresql/15/bin";

std::string Data(const std::string& name) {
  return std::string(PLUGPULL_SOURCE_DIR) + "/faults/doors/testdata/" + name;
}

bool IsInstalled(const std::string& program) {
  std::string_view rest = getenv("PATH") == nullptr ? "/usr/bin:/bin" : getenv("PATH");
  while (!rest.empty()) {
    const std::string directory(rest.substr(0, rest.find(':')));
    rest.remove_prefix(std::min(directory.size() + 1, rest.size()));
    if (access((directory + "/" + program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

// Returns: whether a command ended well. What it says is not shown.
bool RunsWell(std::vector<std::string> arguments) {
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (const int number : {0, 1, 2}) {
    posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0);
  }
  pid_t child = 0;
  int status = -1;
  const int trouble =
      posix_spawnp(&child, pointers[0], &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return trouble == 0 && waitpid(child, &status, 0) == child && status == 0;
}

class ProgramsTest : public testing::TestWithParam<Backend> {
 protected:
  ProgramsTest() {
    // Servers change to a user of theirs, who has to get there.
    for (const TestDirectory* place : {&recorded_, &scratch_}) chmod(place->path().c_str(), 0777);
    settings_.backend = GetParam();
    settings_.directory = recorded_.path();
    settings_.environment = {{"PLUGPULL_SCRATCH", scratch_.path()}};
  }

  // Records a program to its end, and expects its replay to be what it left.
  void Record(const std::vector<std::string>& arguments) {
    settings_.arguments = arguments;
    auto program = TracedProgram::Start(settings_);
    ASSERT_TRUE(program) << Describe(program.error());
    const auto deadline = TracedProgram::Clock::now() + kLimit;
    while (true) {
      const auto event = (*program)->Serve(deadline);
      ASSERT_TRUE(event) << Describe(event.error());
      ASSERT_NE(*event, TracedProgram::Event::kDeadline);
      if (*event == TracedProgram::Event::kEnded) break;
      if (*event == TracedProgram::Event::kLine) lines_.push_back((*program)->TakeLine());
    }
    const ProgramExit exit = (*program)->Exit();
    ASSERT_TRUE(!exit.signaled && exit.code == 0) << exit.Describe();
    Expected<Recording> recording = (*program)->Finish();
    ASSERT_TRUE(recording) << Describe(recording.error());
    recording_ = std::move(*recording);
    EXPECT_EQ(recording_.difference, "");
    EXPECT_GT(recording_.calls_performed, 0u);
    const Expected<void> valid = ValidateTrace(recording_.trace);
    EXPECT_TRUE(valid) << Describe(valid.error());
    // Again, but not by the recorder itself.
    const Trace& trace = recording_.trace;
    const Image replayed = Materialise(trace, trace.ops.size(), {}, Tear::kNone);
    const Expected<LoadedDirectory> found = LoadDirectory(recorded_.path());
    ASSERT_TRUE(found) << Describe(found.error());
    EXPECT_EQ(FirstDifference(replayed, found->image), "");
  }

  void RecordScript(const std::string& name, const std::string& argument = {}) {
    Record({"sh", Data(name), argument});
  }

  size_t Count(OpKind kind) const {
    return static_cast<size_t>(std::ranges::count(recording_.trace.ops, kind, &Op::kind));
  }

  size_t CountMapped() const {
    return static_cast<size_t>(std::ranges::count_if(
        recording_.trace.ops, [](const Op& op) { return (op.flags & kMapped) != 0; }));
  }

  // Returns: the path of a program compiled from testdata, "" where that cannot be.
  std::string Compile(const std::string& source, std::vector<std::string> more) {
    const std::string program = scratch_.At("program");
    std::vector<std::string> arguments = {"cc", "-O1", "-o", program, Data(source)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunsWell(arguments) ? program : "";
  }

  TestDirectory recorded_;
  TestDirectory scratch_;
  TracedSettings settings_;
  Recording recording_;
  std::vector<std::string> lines_;
};

TEST_P(ProgramsTest, SqliteWithARollbackJournal) {
  if (!IsInstalled("sqlite3")) GTEST_SKIP() << "sqlite3 is not installed";
  ASSERT_NO_FATAL_FAILURE(RecordScript("sqlite.sh", "delete"));
  EXPECT_THAT(lines_, testing::Contains("ok"));
  EXPECT_GE(Count(OpKind::kUnlink), 100u);  // a journal for each commit
  EXPECT_GE(Count(OpKind::kSync) + Count(OpKind::kDataSync), 200u);
}

TEST_P(ProgramsTest, SqliteWithAWriteAheadLog) {
  if (!IsInstalled("sqlite3")) GTEST_SKIP() << "sqlite3 is not installed";
  ASSERT_NO_FATAL_FAILURE(RecordScript("sqlite.sh", "wal"));
  EXPECT_THAT(lines_, testing::Contains("ok"));
  EXPECT_GT(CountMapped(), 50u);  // the index of the log
}

TEST_P(ProgramsTest, Lmdb) {
  const std::string program = Compile("lmdb_writer.c", {"-llmdb"});
  if (program.empty()) GTEST_SKIP() << "no C compiler, or liblmdb is not installed";
  ASSERT_NO_FATAL_FAILURE(Record({program}));
  EXPECT_GE(Count(OpKind::kDataSync) + Count(OpKind::kSync), 200u);
}

TEST_P(ProgramsTest, LmdbThatWritesThroughItsMapping) {
  const std::string program = Compile("lmdb_writer.c", {"-llmdb"});
  if (program.empty()) GTEST_SKIP() << "no C compiler, or liblmdb is not installed";
  ASSERT_NO_FATAL_FAILURE(Record({program, "writemap"}));
  EXPECT_GT(CountMapped(), 500u);
  EXPECT_GE(Count(OpKind::kSyncMapped), 200u);
}

TEST_P(ProgramsTest, BboltInGo) {
  if (!IsInstalled("go")) GTEST_SKIP() << "go is not installed";
  const std::string program = scratch_.At("program");
  if (!RunsWell({"env", "GO111MODULE=off", "GOPATH=/usr/share/gocode",
                 "GOCACHE=" + scratch_.At("cache"), "go", "build", "-o", program,
                 Data("bolt_writer.go")})) {
    GTEST_SKIP() << "golang-github-coreos-bbolt-dev is not installed";
  }
  ASSERT_NO_FATAL_FAILURE(Record({program}));
  EXPECT_GE(Count(OpKind::kDataSync) + Count(OpKind::kSync), 100u);
}

TEST_P(ProgramsTest, RocksDbThroughItsTool) {
  if (!IsInstalled("ldb")) GTEST_SKIP() << "ldb (rocksdb-tools) is not installed";
  ASSERT_NO_FATAL_FAILURE(RecordScript("rocksdb.sh"));
  EXPECT_GE(Count(OpKind::kRename), 1u);  // of CURRENT
}

TEST_P(ProgramsTest, RedisWithAnAppendOnlyFile) {
  if (!IsInstalled("redis-server") || !IsInstalled("redis-cli")) {
    GTEST_SKIP() << "redis-server is not installed";
  }
  ASSERT_NO_FATAL_FAILURE(RecordScript("redis.sh"));
  EXPECT_GE(Count(OpKind::kDataSync) + Count(OpKind::kSync), 10u);
  EXPECT_GE(Count(OpKind::kRename), 2u);  // of the rewritten file and its manifest
}

TEST_P(ProgramsTest, PostgresAsAUserOfItsOwn) {
  if (!fs::exists(fmt::format("{}/initdb", kPostgres))) {
    GTEST_SKIP() << "PostgreSQL 15 is not installed in " << kPostgres;
  }
  if (geteuid() == 0) {
    if (getpwnam("postgres") == nullptr) GTEST_SKIP() << "there is no user postgres";
    settings_.user = "postgres";
  }
  settings_.environment["PLUGPULL_POSTGRES"] = kPostgres;
  ASSERT_NO_FATAL_FAILURE(RecordScript("postgres.sh"));
  EXPECT_GT(Count(OpKind::kWrite), 2000u);
}

TEST_P(ProgramsTest, GitWithItsManyProcesses) {
  if (!IsInstalled("git")) GTEST_SKIP() << "git is not installed";
  ASSERT_NO_FATAL_FAILURE(RecordScript("git.sh"));
  EXPECT_GT(Count(OpKind::kLink) + Count(OpKind::kRename), 20u);
}

TEST_P(ProgramsTest, Java) {
  if (!IsInstalled("java") || !RunsWell({"javac", "--version"})) {
    GTEST_SKIP() << "java with its compiler is not installed";
  }
  ASSERT_NO_FATAL_FAILURE(Record({"java", Data("Writer.java")}));
  EXPECT_EQ(Count(OpKind::kRename), 20u);
  EXPECT_GT(CountMapped(), 0u);
}

TEST_P(ProgramsTest, Python) {
  if (!IsInstalled("python3") || !RunsWell({"python3", "-c", "import sqlite3, dbm.dumb, mmap"})) {
    GTEST_SKIP() << "python3 with sqlite3 is not installed";
  }
  ASSERT_NO_FATAL_FAILURE(Record({"python3", Data("writer.py")}));
  EXPECT_GE(Count(OpKind::kRename), 10u);  // and those of dbm
  EXPECT_GT(CountMapped(), 0u);
}

TEST_P(ProgramsTest, ThreadsThatAppend) {
  const std::string program = Compile("appender.c", {"-pthread"});
  if (program.empty()) GTEST_SKIP() << "there is no C compiler";
  ASSERT_NO_FATAL_FAILURE(Record({program}));
  EXPECT_EQ(Count(OpKind::kWrite), 8000u);
}

INSTANTIATE_TEST_SUITE_P(Backends, ProgramsTest,
                         testing::Values(Backend::kNotification, Backend::kPtrace),
                         [](const auto& backend) {
                           return backend.param == Backend::kPtrace ? "Ptrace" : "Notification";
                         });

}  // namespace
}  // namespace plugpull
