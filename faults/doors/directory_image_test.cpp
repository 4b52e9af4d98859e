// Goal: a directory becomes the image that it shows, and every difference between two is named.
// Method: small trees made by hand; each kind of difference on its own, from both sides.
#include "faults/doors/directory_image.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>

#include "faults/base/bytes.h"
#include "faults/base/descriptor.h"
#include "faults/doors/testing.h"
#include "faults/persistence/materialise.h"
#include "faults/persistence/snapshot.h"

namespace plugpull {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class DirectoryImageTest : public testing::Test {
 protected:
  DirectoryImageTest() { umask(022); }

  Image Load() const {
    Expected<LoadedDirectory> loaded = LoadDirectory(directory_.path());
    EXPECT_TRUE(loaded) << Describe(loaded.error());
    return loaded ? std::move(loaded->image) : Image{};
  }

  // What changes between two loads, as seen from both.
  std::string Difference(const Image& before) const {
    const Image after = Load();
    const bool alike = FirstDifference(after, before).empty();
    const std::string difference = FirstDifference(before, after);
    EXPECT_EQ(alike, difference.empty()) << difference;
    return difference;
  }

  TestDirectory directory_;
};

std::string Read(const Image& image, std::string_view path) {
  const FileContent& content = image.files.at(*image.names.Resolve(path));
  std::string text(content.size_bytes(), '?');
  content.Read(0, std::as_writable_bytes(std::span(text)));
  return text;
}

TEST_F(DirectoryImageTest, HoldsNamesBytesAndLinks) {
  fs::create_directories(directory_.At("a/b"));
  const std::string large(3 * 65536 + 17, 'x');
  PutFile(directory_.At("a/b/large"), large);
  PutFile(directory_.At("empty"), "");
  fs::create_hard_link(directory_.At("a/b/large"), directory_.At("same"));
  fs::create_symlink("a/b/gone", directory_.At("a/link"));

  const Expected<LoadedDirectory> loaded = LoadDirectory(directory_.path());
  ASSERT_TRUE(loaded) << Describe(loaded.error());
  const Image& image = loaded->image;
  EXPECT_EQ(image.names.Names(kRootInode), (std::vector<std::string>{"a", "empty", "same"}));
  EXPECT_EQ(Read(image, "a/b/large"), large);
  EXPECT_EQ(Read(image, "empty"), "");
  EXPECT_EQ(*image.names.Resolve("same"), *image.names.Resolve("a/b/large"));
  EXPECT_EQ(image.links.at(*image.names.Resolve("a/link")), "a/b/gone");
  ASSERT_EQ(image.attributes.size(), 1u);  // the test's directory is private
  EXPECT_EQ(image.attributes.at(kRootInode).at("mode"), "0700");

  struct stat status = {};
  ASSERT_EQ(stat(directory_.At("same").c_str(), &status), 0);
  EXPECT_EQ(loaded->inodes.at({status.st_dev, status.st_ino}), *image.names.Resolve("same"));
  ASSERT_EQ(stat(directory_.path().c_str(), &status), 0);
  EXPECT_EQ(loaded->inodes.at({status.st_dev, status.st_ino}), kRootInode);
  EXPECT_EQ(loaded->inodes.size(), 6u);
}

TEST_F(DirectoryImageTest, HolesCostNothing) {
  const Descriptor file(open(directory_.At("sparse").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  ASSERT_EQ(ftruncate(file.number(), off_t{1} << 40), 0);
  ASSERT_EQ(pwrite(file.number(), "x", 1, (off_t{1} << 39) + 5), 1);
  const Image image = Load();
  const FileContent& content = image.files.at(*image.names.Resolve("sparse"));
  EXPECT_EQ(content.size_bytes(), uint64_t{1} << 40);
  EXPECT_EQ(content.NextStoredPage(0), (uint64_t{1} << 39) / kPageBytes);
  EXPECT_EQ(content.NextStoredPage((uint64_t{1} << 39) / kPageBytes + 1), std::nullopt);
  EXPECT_EQ(AsText(content.StoredPage((uint64_t{1} << 39) / kPageBytes)).substr(5, 1), "x");
}

TEST_F(DirectoryImageTest, SocketsAndPipesAreLeftOut) {
  PutFile(directory_.At("file"), "x");
  const Image before = Load();
  ASSERT_EQ(mkfifo(directory_.At("pipe").c_str(), 0600), 0);
  const Descriptor socket_file(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
  directory_.At("socket").copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(
      bind(socket_file.number(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(Difference(before), "");
  EXPECT_EQ(LoadDirectory(directory_.path())->inodes.size(), 2u);
}

TEST_F(DirectoryImageTest, DifferencesAreNamed) {
  PutFile(directory_.At("f"), std::string(10000, 'x'));
  const Image before = Load();
  PutFile(directory_.At("f"), "");
  EXPECT_EQ(Difference(before), "f: 10000 bytes recorded, 0 found");
  PutFile(directory_.At("f"), std::string(9998, 'x') + "yx");
  EXPECT_EQ(Difference(before),
            "f: from byte 9998 on 78 78 recorded, 79 78 found; 1 page differs in all");
  PutFile(directory_.At("f"), std::string(10000, 'x'));
  EXPECT_EQ(Difference(before), "");
  PutFile(directory_.At("g"), "");
  EXPECT_EQ(Difference(before), "g: found, but not recorded");
  fs::remove(directory_.At("g"));
  fs::remove(directory_.At("f"));
  EXPECT_EQ(Difference(before), "f: recorded, but not found");
  fs::create_directory(directory_.At("f"));
  EXPECT_EQ(Difference(before), "f: a file recorded, a directory found");
  fs::remove(directory_.At("f"));
  fs::create_symlink("f", directory_.At("f"));
  EXPECT_EQ(Difference(before), "f: a file recorded, a symbolic link found");
  const Image with_link = Load();
  fs::remove(directory_.At("f"));
  fs::create_symlink("g", directory_.At("f"));
  EXPECT_EQ(Difference(with_link), "f: a link to 'f' recorded, to 'g' found");
}

TEST_F(DirectoryImageTest, HardLinksAreTold) {
  fs::create_directory(directory_.At("d"));
  PutFile(directory_.At("d/a"), "x");
  PutFile(directory_.At("d/b"), "x");
  const Image before = Load();
  fs::remove(directory_.At("d/b"));
  fs::create_hard_link(directory_.At("d/a"), directory_.At("d/b"));
  EXPECT_EQ(Difference(before), "d/b: found as one file with d/a, recorded as another");
  EXPECT_EQ(FirstDifference(Load(), before),
            "d/b: recorded as one file with d/a, found as another");
}

TEST_F(DirectoryImageTest, ModesAndExtendedAttributesCount) {
  PutFile(directory_.At("f"), "x");
  const Image silent = Load();
  ASSERT_EQ(chmod(directory_.At("f").c_str(), 0640), 0);
  const Image spoken = Load();
  EXPECT_EQ(spoken.attributes.at(*spoken.names.Resolve("f")).at("mode"), "0640");
  EXPECT_EQ(FirstDifference(silent, spoken), R"(f: mode "0640" found, but not recorded)");
  EXPECT_EQ(FirstDifference(spoken, silent), R"(f: mode "0640" recorded, "0644" found)");
  EXPECT_EQ(FirstDifference(spoken, spoken), "");

  if (setxattr(directory_.At("f").c_str(), "user.k", "v", 1, 0) != 0) {
    GTEST_SKIP() << "no extended attributes in the directory for temporary files";
  }
  const Image marked = Load();
  EXPECT_EQ(FirstDifference(spoken, marked), R"(f: xattr:user.k "v" found, but not recorded)");
  EXPECT_EQ(FirstDifference(marked, spoken), R"(f: xattr:user.k "v" recorded, nothing found)");
}

TEST_F(DirectoryImageTest, OwnersAreThoseOfTheRoot) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  PutFile(directory_.At("f"), "x");
  ASSERT_EQ(chown(directory_.path().c_str(), 1000, 1001), 0);
  const Image before = Load();
  EXPECT_EQ(before.attributes.at(kRootInode).at("owner"), "1000:1001");
  EXPECT_EQ(before.attributes.at(*before.names.Resolve("f")).at("owner"), "0:0");
  ASSERT_EQ(chown(directory_.At("f").c_str(), 1000, 1001), 0);
  const Image after = Load();
  EXPECT_FALSE(after.attributes.contains(*after.names.Resolve("f")));
  EXPECT_EQ(FirstDifference(before, after), R"(f: owner "0:0" recorded, "1000:1001" found)");
  EXPECT_EQ(FirstDifference(after, before), "");
}

// The way of every recording: what was there before is the beginning of the trace.
TEST_F(DirectoryImageTest, ASnapshotOfItReplays) {
  fs::create_directories(directory_.At("a/b"));
  PutFile(directory_.At("a/f"), std::string(5000, 'f'));
  fs::create_hard_link(directory_.At("a/f"), directory_.At("a/b/g"));
  fs::create_symlink("f", directory_.At("a/l"));
  ASSERT_EQ(chmod(directory_.At("a/b").c_str(), 0700), 0);
  const Image image = Load();
  Trace trace;
  AppendSnapshot(trace, image);
  const Image replayed = Materialise(trace, trace.ops.size(), {}, Tear::kNone);
  EXPECT_EQ(FirstDifference(replayed, image), "");
  EXPECT_TRUE(replayed.LooksLike(image));
}

TEST_F(DirectoryImageTest, WhatCannotBeReadIsAnError) {
  const auto loaded = LoadDirectory(directory_.At("gone"));
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(loaded.error().context, HasSubstr("gone"));
  PutFile(directory_.At("f"), "");
  EXPECT_FALSE(LoadDirectory(directory_.At("f")));
}

}  // namespace
}  // namespace plugpull
