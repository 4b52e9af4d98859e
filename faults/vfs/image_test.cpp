// Goal: two images look alike exactly when nobody who walks them from the root could tell them
// apart.
// Method: one small tree with everything in it, and one change at a time.
#include "faults/vfs/image.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "faults/base/bytes.h"

namespace plugpull {
namespace {

Image SomeImage(InodeId first) {
  Image image;
  image.names.Set(kRootInode, "d", first);
  image.names.AddDirectory(first);
  image.names.Set(first, "f", first + 1);
  image.files[first + 1].Store(0, AsBytes("abc"));
  image.files[first + 1].RaiseSize(3);
  image.names.Set(kRootInode, "l", first + 2);
  image.links[first + 2] = "d/f";
  image.attributes[first + 1]["mode"] = "0600";
  image.attributes[kRootInode]["xattr:user.k"] = "v";
  return image;
}

TEST(ImageTest, NumbersAndUnnamedFilesDoNotMatter) {
  Image other = SomeImage(7);
  other.files[40].RaiseSize(9);
  EXPECT_TRUE(SomeImage(2).LooksLike(other));
}

TEST(ImageTest, EveryDifferenceIsSeen) {
  const std::vector<std::function<void(Image&)>> changes = {
      [](Image& image) { image.files[3].Store(1, AsBytes("x")); },
      [](Image& image) { image.files[3].RaiseSize(4); },
      [](Image& image) { image.links[4] = "elsewhere"; },
      [](Image& image) { image.names.Set(kRootInode, "l", 3); },
      [](Image& image) { image.names.Set(2, "f", kNoInode); },
      [](Image& image) { image.names.Set(2, "g", 3); },
      [](Image& image) { image.names.Set(kRootInode, "l", 2); },
      [](Image& image) { image.attributes[3]["mode"] = "0644"; },
      [](Image& image) { image.attributes.erase(3); },
      [](Image& image) { image.attributes[kRootInode].erase("xattr:user.k"); },
      [](Image& image) { image.attributes[2]["mode"] = "0700"; },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    Image image = SomeImage(2);
    changes[i](image);
    EXPECT_FALSE(image.LooksLike(SomeImage(2))) << i;
    EXPECT_FALSE(SomeImage(2).LooksLike(image)) << i;
  }
}

}  // namespace
}  // namespace plugpull
