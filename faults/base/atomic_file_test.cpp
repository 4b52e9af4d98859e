// Goal: after a failed write the old file is whole and the directory holds nothing else.
// Method: real failures, made by limits and special files in a scratch directory.
#include "faults/base/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "faults/base/bytes.h"

namespace plugpull {
namespace {

constexpr uid_t kNobody = 65534;
constexpr int kSkipped = 77;

class AtomicFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "plugpull-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string PathOf(const std::string& name) const { return directory_ + "/" + name; }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

  std::string directory_;
};

std::string TextOf(const std::string& path) {
  auto bytes = ReadWholeFile(path);
  return bytes ? std::string(AsText(*bytes)) : "error: " + Describe(bytes.error());
}

// Runs `body` in a child of its own, whose limits and user may be changed at will.
// Returns: what `body` returned.
template <typename Body>
int InChild(Body body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(AtomicFileTest, CreatesAndReplaces) {
  ASSERT_TRUE(WriteFileAtomically(PathOf("case"), AsBytes("old contents")));
  EXPECT_EQ(TextOf(PathOf("case")), "old contents");
  ASSERT_TRUE(WriteFileAtomically(PathOf("case"), AsBytes("new")));
  EXPECT_EQ(TextOf(PathOf("case")), "new");
  ASSERT_TRUE(WriteFileAtomically(PathOf("case"), {}));
  EXPECT_EQ(TextOf(PathOf("case")), "");
  EXPECT_EQ(Names(), std::vector<std::string>{"case"});
}

TEST_F(AtomicFileTest, RoundTripsMoreThanOneChunk) {
  std::string large(3'000'001, 'x');
  large[2'999'999] = '\0';
  ASSERT_TRUE(WriteFileAtomically(PathOf("large"), AsBytes(large)));
  EXPECT_EQ(TextOf(PathOf("large")), large);
}

TEST_F(AtomicFileTest, WritesBesideTheWorkingDirectory) {
  EXPECT_EQ(InChild([&] {
              if (chdir(directory_.c_str()) != 0) return 1;
              return WriteFileAtomically("plain", AsBytes("text")) ? 0 : 2;
            }),
            0);
  EXPECT_EQ(TextOf(PathOf("plain")), "text");
}

TEST_F(AtomicFileTest, FollowsALink) {
  ASSERT_TRUE(WriteFileAtomically(PathOf("real"), AsBytes("old")));
  ASSERT_EQ(symlink("real", PathOf("link").c_str()), 0);
  ASSERT_TRUE(WriteFileAtomically(PathOf("link"), AsBytes("new")));
  EXPECT_TRUE(std::filesystem::is_symlink(PathOf("link")));
  EXPECT_EQ(TextOf(PathOf("real")), "new");
}

TEST_F(AtomicFileTest, AFullFileSystemLeavesTheOldFileAlone) {
  ASSERT_TRUE(WriteFileAtomically(PathOf("case"), AsBytes("old")));
  const std::string large(100'000, 'x');
  const int outcome = InChild([&] {
    // The write stops in the middle, as it does on a full disk.
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{.rlim_cur = 5'000, .rlim_max = 5'000};
    setrlimit(RLIMIT_FSIZE, &limit);
    auto written = WriteFileAtomically(PathOf("case"), AsBytes(large));
    if (written) return 1;
    return written.error().context.contains(PathOf("case")) ? 0 : 2;
  });
  EXPECT_EQ(outcome, 0);
  EXPECT_EQ(TextOf(PathOf("case")), "old");
  EXPECT_EQ(Names(), std::vector<std::string>{"case"});
}

TEST_F(AtomicFileTest, NoSpaceHasACodeOfItsOwn) {
  auto written = WriteFileAtomically("/dev/full", AsBytes("anything"));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kNoSpace);
  EXPECT_EQ(Describe(written.error()),
            "cannot write '/dev/full' (free some space or choose another place): "
            "No space left on device");
  EXPECT_FALSE(std::filesystem::is_regular_file("/dev/full"));
}

TEST_F(AtomicFileTest, ADirectoryThatMayNotBeWrittenLeavesTheOldFileAlone) {
  ASSERT_TRUE(WriteFileAtomically(PathOf("case"), AsBytes("old")));
  ASSERT_EQ(chmod(directory_.c_str(), 0555), 0);
  const int outcome = InChild([&] {
    // Permissions do not bind the superuser; become nobody when the tests run as root.
    if (geteuid() == 0 && setuid(kNobody) != 0) return kSkipped;
    auto written = WriteFileAtomically(PathOf("case"), AsBytes("new"));
    if (written) return 2;
    return written.error().os_errno == EACCES ? 0 : 3;
  });
  ASSERT_EQ(chmod(directory_.c_str(), 0755), 0);
  if (outcome == kSkipped) GTEST_SKIP() << "this superuser may not become anybody else";
  EXPECT_EQ(outcome, 0);
  EXPECT_EQ(TextOf(PathOf("case")), "old");
  EXPECT_EQ(Names(), std::vector<std::string>{"case"});
}

TEST_F(AtomicFileTest, SaysWhatIsWrongWithAPath) {
  auto missing = ReadWholeFile(PathOf("missing"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(missing.error().context, "cannot read '" + PathOf("missing") + "' (check the path)");

  for (const auto& error :
       {ReadWholeFile(directory_).error(), WriteFileAtomically(directory_, AsBytes("x")).error()}) {
    EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(error.context, "'" + directory_ + "' is a directory; name a file in it instead");
  }

  auto nowhere = WriteFileAtomically(PathOf("no/such/case"), AsBytes("x"));
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(nowhere.error().context,
            "cannot write '" + PathOf("no/such/case") + "' (create its directory first)");
}

TEST_F(AtomicFileTest, ReadsAPipe) {
  ASSERT_EQ(mkfifo(PathOf("pipe").c_str(), 0600), 0);
  const pid_t writer = fork();
  if (writer == 0) _exit(WriteFileAtomically(PathOf("pipe"), AsBytes("streamed")) ? 0 : 1);
  EXPECT_EQ(TextOf(PathOf("pipe")), "streamed");
  int status = 0;
  ASSERT_EQ(waitpid(writer, &status, 0), writer);
  EXPECT_EQ(status, 0);
}

TEST_F(AtomicFileTest, RefusesAFileThatCannotBeOurs) {
  std::ofstream(PathOf("sparse")).close();
  std::filesystem::resize_file(PathOf("sparse"), kMaxReadFileBytes + 1);
  auto bytes = ReadWholeFile(PathOf("sparse"));
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace plugpull
