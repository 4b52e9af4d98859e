// Goal: each predicate is true of exactly the disks that it describes, here plain images.
#include "faults/litmus/question.h"

#include <gtest/gtest.h>

#include "faults/base/bytes.h"

namespace plugpull {
namespace {

// foo: 512 'A', 512 'B', 512 zeros, 512 of another byte. empty: nothing. l: a link. d: a directory.
Image Sample() {
  Image image;
  InodeId inode = kRootInode;
  const auto add = [&](const char* name) {
    image.names.Set(kRootInode, name, ++inode);
    return inode;
  };
  const InodeId foo = add("foo");
  const std::string content = std::string(512, 'A') + std::string(512, 'B') +
                              std::string(512, '\0') + std::string(512, '\xa7');
  image.files[foo].Store(0, AsBytes(content));
  image.files[foo].RaiseSize(content.size());
  image.attributes[foo] = {{"mode", "0600"}, {"xattr:user.k", "v"}};
  image.files[add("empty")];
  image.links[add("l")] = "to/there";
  image.names.AddDirectory(add("d"));
  return image;
}

Expected<bool> Asked(const std::string& text) {
  const Expected<Words> words = SplitWords(text);
  EXPECT_TRUE(words.has_value());
  const Expected<Question> question =
      ParseQuestion(*words, {"foo", "empty", "l", "d", "gone", "d/gone"});
  if (!question) return std::unexpected(question.error());
  ImageDisk disk(Sample());
  return Holds(*question, disk, "AB");
}

bool IsTrue(const std::string& text) {
  const Expected<bool> answer = Asked(text);
  if (!answer) ADD_FAILURE() << text << ": " << answer.error().context;
  return answer.value_or(false);
}

TEST(Question, PredicatesOfNamesAndSizes) {
  for (const char* text :
       {"foo exists", "d exists", "l exists", "gone missing", "foo size = 2K", "foo size != 1K",
        "foo size < 3K", "foo size > 1K", "foo size <= 2K", "foo size >= 2K", "empty is empty"}) {
    EXPECT_TRUE(IsTrue(text)) << text;
  }
  for (const char* text :
       {"gone exists", "d/gone exists", "foo missing", "foo size = 1K", "foo size != 2K",
        "foo size < 2K", "foo size > 2K", "foo size <= 1K", "foo size >= 3K", "foo is empty"}) {
    EXPECT_FALSE(IsTrue(text)) << text;
  }
}

TEST(Question, PredicatesOfBytes) {
  for (const char* text :
       {"foo is 'A'*512 'B'*512 zero*512 stale*512", "foo bytes 0 512 all 'A'",
        "foo bytes 100 10 all 'A'", "foo bytes 1000 600 any zero", "foo bytes 0 2K any stale",
        "foo bytes 500 100 mixed 'A' 'B'", "foo bytes 500 100 mixed 'B' 'A'",
        "foo bytes 1K 1K mixed zero stale", "foo bytes 1536 9K any stale"}) {
    EXPECT_TRUE(IsTrue(text)) << text;
  }
  for (const char* text :
       {"foo is 'A'*512 'B'*512 zero*512", "foo is 'A'*2K", "foo bytes 0 513 all 'A'",
        "foo bytes 1536 1K all stale", "foo bytes 0 1K any zero", "foo bytes 0 1536 any stale",
        "foo bytes 0 512 mixed 'A' 'B'", "foo bytes 4K 1K any zero", "foo bytes 4K 1K all zero"}) {
    EXPECT_FALSE(IsTrue(text)) << text;
  }
}

TEST(Question, PredicatesOfAttributesAndLinks) {
  for (const char* text : {"foo mode = 0600", "foo xattr user.k = v", "foo xattr user.j missing",
                           "empty mode missing", "l link = \"to/there\""}) {
    EXPECT_TRUE(IsTrue(text)) << text;
  }
  for (const char* text : {"foo mode = 0644", "foo xattr user.k missing", "foo owner = 0",
                           "l link = \"\"", "gone link = \"\""}) {
    EXPECT_FALSE(IsTrue(text)) << text;
  }
}

TEST(Question, OnAMissingFileAllButMissingIsFalse) {
  for (const char* text : {"gone size = 0", "gone is empty", "gone bytes 0 1 any zero",
                           "gone mode missing", "gone link = x", "d/gone size >= 0"}) {
    EXPECT_FALSE(IsTrue(text)) << text;
  }
}

TEST(Question, AndBindsCloserThanOrAndNotClosest) {
  EXPECT_TRUE(IsTrue("foo exists or gone exists and gone exists"));
  EXPECT_FALSE(IsTrue("(foo exists or gone exists) and gone exists"));
  EXPECT_TRUE(IsTrue("not gone exists and foo exists"));
  EXPECT_FALSE(IsTrue("not (gone exists or foo exists)"));
  EXPECT_TRUE(IsTrue("not not foo exists"));
}

TEST(Question, WhatTheDiskCannotAnswerIsAnError) {
  EXPECT_FALSE(Asked("d size = 0").has_value());
  EXPECT_FALSE(Asked("foo link = x").has_value());
}

}  // namespace
}  // namespace plugpull
