// Goal: the directory shows exactly the image, whatever was shown before and whatever was done to
// it since; and nothing of that is left in the next image.
// Method: the directory is loaded again and compared with the image, both ways: for images of
// random traces, with random vandals in between, and for each known way to hide a change.
#include "faults/doors/image_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>

#include "faults/base/bytes.h"
#include "faults/base/descriptor.h"
#include "faults/base/random.h"
#include "faults/doors/directory_image.h"
#include "faults/doors/testing.h"
#include "faults/persistence/materialise.h"
#include "faults/trace/random_trace.h"

namespace plugpull {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

void AddFile(Image& image, InodeId inode, const std::string& name, std::string_view text) {
  image.names.Set(kRootInode, name, inode);
  image.files[inode].Truncate(0);
  image.files[inode].Store(0, AsBytes(text));
  image.files[inode].RaiseSize(text.size());
}

Image TwoFiles() {
  Image image;
  AddFile(image, 2, "a", std::string(10000, 'a'));
  AddFile(image, 3, "b", "short");
  return image;
}

class ImageDirectoryTest : public testing::Test {
 protected:
  ImageDirectoryTest() : shown_(*ImageDirectory::Create()) { umask(022); }

  std::string At(const std::string& name) const { return shown_.path() + "/" + name; }

  // Shows an image, and expects the directory to be just that.
  void Show(const Image& image) {
    const Expected<void> done = shown_.Show(image);
    ASSERT_TRUE(done) << Describe(done.error());
    const Expected<LoadedDirectory> loaded = LoadDirectory(shown_.path());
    ASSERT_TRUE(loaded) << Describe(loaded.error());
    ASSERT_EQ(FirstDifference(image, loaded->image), "");
    ASSERT_EQ(FirstDifference(loaded->image, image), "");
  }

  ino_t InodeOf(const std::string& name) const {
    struct stat status = {};
    return lstat(At(name).c_str(), &status) == 0 ? status.st_ino : 0;
  }

  ImageDirectory shown_;
};

TEST_F(ImageDirectoryTest, ShowsOneImageAfterAnother) {
  Show(TwoFiles());
  Image image = TwoFiles();
  image.files[2].Store(5000, AsBytes("changed"));
  const ino_t before = InodeOf("a");
  Show(image);
  EXPECT_EQ(InodeOf("a"), before);
  image.files[2].Truncate(3);
  Show(image);
  image.files[2].RaiseSize(9000);
  Show(image);
  image.names.Set(kRootInode, "d", 4);
  image.names.AddDirectory(4);
  image.names.Set(4, "hard", 3);
  image.names.Set(4, "link", 5);
  image.links[5] = "../a";
  Show(image);
  image.names.Set(kRootInode, "b", kNoInode);  // the name by which it was known
  image.names.Set(4, "harder", 3);
  Show(image);
  image.links[5] = "elsewhere";
  image.names.Set(4, "link", 6);
  image.links[6] = "other";
  Show(image);
  Show(Image{});
  Show(TwoFiles());
}

TEST_F(ImageDirectoryTest, RenamesMoveNoBytes) {
  Image image = TwoFiles();
  Show(image);
  const ino_t before = InodeOf("a");
  image.names.Set(kRootInode, "a", kNoInode);
  image.names.Set(kRootInode, "b", 2);
  Show(image);
  EXPECT_EQ(InodeOf("b"), before);
}

TEST_F(ImageDirectoryTest, BytesBeyondTheEndAreNotShown) {
  Image image;
  AddFile(image, 2, "a", "0123456789");
  image.files[2].Store(3 * kPageBytes, AsBytes("hidden"));
  Show(image);
  image.files[2].RaiseSize(4 * kPageBytes);  // the same pages, but now they are seen
  Show(image);
}

// The same directory for images of many traces, whose inodes have nothing to do with each other.
TEST_F(ImageDirectoryTest, ShowsImagesOfRandomTraces) {
  int shown = 0;
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    const Trace trace = RandomTrace(seed, 60);
    for (size_t position = 0; position <= trace.ops.size(); position += 3) {
      Image image = Materialise(trace, position, {}, Tear::kNone);
      image.attributes.clear();  // random bytes
      ASSERT_NO_FATAL_FAILURE(Show(image)) << "seed " << seed << " position " << position;
      ++shown;
    }
  }
  EXPECT_GT(shown, 500);
}

// One change by somebody who looked at the image. Returns: false where it was not possible.
bool Vandalise(const std::string& root, Random& random) {
  if (!fs::exists(root)) return false;  // taken away as a whole
  std::vector<std::string> paths;
  for (const auto& entry : fs::recursive_directory_iterator(root)) paths.push_back(entry.path());
  const std::string some = paths.empty() ? root : paths[random.Below(paths.size())];
  const std::string free = some + fmt::format("-{}", random.Below(1000));
  std::error_code trouble;
  switch (random.Below(11)) {
    case 0:
      fs::remove_all(some == root ? root + "/x" : some, trouble);
      break;
    case 1:
      fs::rename(some, free, trouble);
      break;
    case 2: {
      const Descriptor file(open(some.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
      return pwrite(file.number(), "vandal", 6, static_cast<off_t>(random.Below(9000))) == 6;
    }
    case 3:
      return truncate(some.c_str(), static_cast<off_t>(random.Below(20000))) == 0;
    case 4:
      if (some != root) fs::remove_all(some, trouble);
      fs::create_directories(some + "/deep/deeper", trouble);
      PutFile(some + "/deep/file", "x");
      break;
    case 5:
      return chmod(some.c_str(), static_cast<mode_t>(random.Below(01000))) == 0;
    case 6:
      fs::create_symlink("..", free, trouble);
      break;
    case 7:
      fs::create_hard_link(some, free, trouble);
      break;
    case 8: {
      if (paths.empty()) return false;
      const std::string other = paths[random.Below(paths.size())];
      return renameat2(AT_FDCWD, some.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) == 0;
    }
    case 9:
      return setxattr(some.c_str(), "user.vandal", "x", 1, 0) == 0;
    default: {
      const Descriptor file(open(some.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
      struct stat status = {};
      if (fstat(file.number(), &status) != 0 || status.st_size == 0) return false;
      const auto size = static_cast<size_t>(status.st_size);
      void* bytes = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.number(), 0);
      if (bytes == MAP_FAILED) return false;
      static_cast<char*>(bytes)[random.Below(size)] ^= 1;
      munmap(bytes, size);
      break;
    }
  }
  return !trouble;
}

TEST_F(ImageDirectoryTest, NothingOfAVandalIsLeft) {
  int done = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Random random(seed, "vandal");
    const Trace trace = RandomTrace(seed, 60);
    for (size_t position = 0; position <= trace.ops.size(); position += 1 + random.Below(8)) {
      Image image = Materialise(trace, position, {}, Tear::kNone);
      image.attributes.clear();
      ASSERT_NO_FATAL_FAILURE(Show(image)) << "seed " << seed << " position " << position;
      for (uint64_t count = random.Below(4); count > 0; --count) {
        done += Vandalise(shown_.path(), random) ? 1 : 0;
      }
    }
  }
  EXPECT_GT(done, 300);
}

// What LMDB does with MDB_WRITEMAP: no call, and no time moves where files live in memory.
TEST_F(ImageDirectoryTest, StoresThroughMappingsDoNotLeak) {
  Image image;
  AddFile(image, 2, "map", std::string(1 << 20, 'm'));
  AddFile(image, 3, "sparse", "s");
  image.files[3].RaiseSize(uint64_t{1} << 30);
  for (const char* name : {"map", "sparse"}) {
    for (const size_t offset : {size_t{5000}, (size_t{1} << 20) - 1}) {
      Show(image);
      const Descriptor file(open(At(name).c_str(), O_RDWR | O_CLOEXEC));
      void* bytes = mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, file.number(), 0);
      ASSERT_NE(bytes, MAP_FAILED);
      static_cast<char*>(bytes)[offset] = 'X';
      munmap(bytes, 1 << 20);
      Show(image);
    }
  }
}

TEST_F(ImageDirectoryTest, TimesThatWerePutBackHideNothing) {
  Show(TwoFiles());
  struct stat status = {};
  ASSERT_EQ(stat(At("a").c_str(), &status), 0);
  usleep(20'000);  // longer than the clock of files may stand still
  std::string text = FileText(At("a"));
  text[77] = 'X';
  PutFile(At("a"), text);
  const timespec times[2] = {status.st_atim, status.st_mtim};
  ASSERT_EQ(utimensat(AT_FDCWD, At("a").c_str(), times, 0), 0);
  Show(TwoFiles());
}

TEST_F(ImageDirectoryTest, ReadersChangeNothing) {
  Show(TwoFiles());
  const ino_t before = InodeOf("a");
  EXPECT_EQ(FileText(At("b")), "short");
  Show(TwoFiles());
  EXPECT_EQ(InodeOf("a"), before);
}

TEST_F(ImageDirectoryTest, AttributesAreThoseOfTheImage) {
  Image image = TwoFiles();
  image.attributes[2]["mode"] = "0400";
  image.attributes[kRootInode]["mode"] = "0700";
  if (geteuid() == 0) image.attributes[kRootInode]["owner"] = "1000:1001";
  Show(image);
  struct stat status = {};
  ASSERT_EQ(stat(At("a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0400u);
  if (geteuid() == 0) {
    EXPECT_EQ(status.st_uid, 1000u);
    EXPECT_EQ(status.st_gid, 1001u);
  }
  ASSERT_EQ(chmod(At("b").c_str(), 0), 0);
  Show(TwoFiles());
  ASSERT_EQ(stat(At("b").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0644u);
  EXPECT_EQ(status.st_uid, geteuid());

  if (setxattr(At("a").c_str(), "user.k", "v", 1, 0) != 0) GTEST_SKIP() << "no user attributes";
  Show(TwoFiles());
  image.attributes[2]["xattr:user.k"] = "w";
  Show(image);
  image.attributes[2].erase("xattr:user.k");
  Show(image);
}

TEST_F(ImageDirectoryTest, SurvivesHostileLeftovers) {
  Show(TwoFiles());
  for (int i = 0; i < 5000; ++i) {
    close(open(At(fmt::format("many-{}", i)).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0));
  }
  ASSERT_EQ(mkfifo(At("pipe").c_str(), 0), 0);
  Descriptor deep(open(shown_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; i < 3000; ++i) {  // far longer than a path can be
    ASSERT_EQ(mkdirat(deep.number(), "deeper-and-deeper", 0700), 0);
    deep = Descriptor(openat(deep.number(), "deeper-and-deeper", O_RDONLY | O_CLOEXEC));
    close(openat(deep.number(), "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  }
  deep.Close();
  ASSERT_EQ(chmod(shown_.path().c_str(), 0), 0);
  Show(TwoFiles());

  fs::rename(shown_.path(), shown_.path() + "-moved");
  Show(TwoFiles());
  fs::remove_all(shown_.path());
  Show(TwoFiles());
  fs::remove_all(shown_.path());
  PutFile(shown_.path(), "a file where the directory was");
  Show(TwoFiles());
}

TEST_F(ImageDirectoryTest, WorksWithoutRoot) {
  if (geteuid() != 0) GTEST_SKIP() << "the other tests are without root already";
  ASSERT_EQ(seteuid(65534), 0);
  {
    ImageDirectory directory = *ImageDirectory::Create();
    std::swap(shown_, directory);
    Image image = TwoFiles();
    image.names.Set(kRootInode, "d", 4);
    image.names.AddDirectory(4);
    image.names.Set(4, "f", 5);
    image.files[5].RaiseSize(100);
    image.attributes[5]["mode"] = "0444";
    image.attributes[4]["mode"] = "0500";
    Show(image);
    image.files[5].Store(9, AsBytes("x"));
    image.names.Set(4, "g", 3);
    Show(image);
    fs::create_directory(At("closed"));
    PutFile(At("closed/x"), "x");
    for (const char* name : {"closed", "d", "a", "."}) EXPECT_EQ(chmod(At(name).c_str(), 0), 0);
    const Expected<void> done = shown_.Show(TwoFiles());
    EXPECT_TRUE(done) << Describe(done.error());
    Show(TwoFiles());
    const std::string path = shown_.path();
    std::swap(shown_, directory);
    directory = *ImageDirectory::Create();
    EXPECT_FALSE(fs::exists(path));
  }
  ASSERT_EQ(seteuid(0), 0);
}

TEST_F(ImageDirectoryTest, ADirectoryInsideItselfIsLeftOut) {
  Image image;
  image.names.Set(kRootInode, "a", 2);
  image.names.AddDirectory(2);
  image.names.Set(2, "b", 3);
  image.names.AddDirectory(3);
  image.names.Set(3, "a", 2);
  ASSERT_TRUE(shown_.Show(image));
  EXPECT_TRUE(fs::is_directory(At("a/b")));
  EXPECT_FALSE(fs::exists(At("a/b/a")));
  // Twice is not inside itself.
  image.names.Set(3, "a", kNoInode);
  image.names.Set(kRootInode, "again", 3);
  ASSERT_TRUE(shown_.Show(image));
  EXPECT_TRUE(fs::is_directory(At("again")));
  EXPECT_TRUE(fs::is_directory(At("a/b")));
}

TEST_F(ImageDirectoryTest, AFullDiskIsSaidAndForgiven) {
  const TestDirectory small;
  const std::string mounted = small.path();
  if (mount("none", mounted.c_str(), "tmpfs", 0, "size=1m") != 0) {
    GTEST_SKIP() << "cannot mount a small file system";
  }
  {
    ImageDirectory directory = *ImageDirectory::Create(mounted);
    Image image = TwoFiles();
    AddFile(image, 9, "large", std::string(2 << 20, 'x'));
    const Expected<void> done = directory.Show(image);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::kNoSpace);
    EXPECT_THAT(Describe(done.error()), HasSubstr("make room there"));
    EXPECT_TRUE(directory.Show(TwoFiles()));
    EXPECT_EQ(FileText(directory.path() + "/b"), "short");
  }
  EXPECT_EQ(umount(mounted.c_str()), 0);
}

TEST(ImageDirectoryCreateTest, APlaceThatIsNotThereIsAnError) {
  const auto directory = ImageDirectory::Create("/nowhere/at/all");
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(directory.error().context, HasSubstr("/nowhere/at/all"));
}

}  // namespace
}  // namespace plugpull
