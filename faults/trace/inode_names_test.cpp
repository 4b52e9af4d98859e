// Goal: a file is called what it was called last. Method: names come and go one operation at a
// time.
#include "faults/trace/inode_names.h"

#include <gtest/gtest.h>

namespace plugpull {
namespace {

constexpr InodeId kFile = 2;
constexpr InodeId kFolder = 3;

Op Linked(OpKind kind, const std::string& name) {
  return {.kind = kind, .inode = kFile, .other_directory = kRootInode, .other_name = name};
}

Op Named(OpKind kind, InodeId inode, const std::string& name, InodeId directory = kRootInode) {
  return {.kind = kind, .inode = inode, .directory = directory, .name = name};
}

TEST(InodeNames, ASecondNameThatGoesLeavesTheFirst) {
  InodeNames names;
  names.Apply(Named(OpKind::kCreate, kFile, "first"));
  names.Apply(Linked(OpKind::kLink, "second"));
  EXPECT_EQ(names.PathOf(kFile), "second");
  names.Apply(Named(OpKind::kUnlink, kFile, "second"));
  EXPECT_EQ(names.PathOf(kFile), "first");
  names.Apply(Named(OpKind::kUnlink, kFile, "first"));
  EXPECT_EQ(names.PathOf(kFile), "first") << "what people know it by";
}

TEST(InodeNames, WhatFailedChangesNothingAndFoldersAreInPaths) {
  InodeNames names;
  names.Apply(Named(OpKind::kMakeDirectory, kFolder, "folder"));
  names.Apply(Named(OpKind::kCreate, kFile, "file", kFolder));
  Op failed = Linked(OpKind::kLink, "elsewhere");
  failed.result_errno = 28;
  names.Apply(failed);
  EXPECT_EQ(names.PathOf(kFile), "folder/file");
  EXPECT_EQ(names.Paths().size(), 3u);
}

}  // namespace
}  // namespace plugpull
