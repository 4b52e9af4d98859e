// What the tests of this engine share: stores with options, and a look at their headers. What is
// the same for every engine comes from cow_tree's tests.
#pragma once

#include <utility>

#include "engine/cow_tree/test_support.h"
#include "engine/revision_tree/header_slots.h"
#include "engine/revision_tree/revision_tree.h"

namespace plugpull::revision_tree {

using cow_tree::ApplyOk;
using cow_tree::Contents;
using cow_tree::ContentsOf;
using cow_tree::ExpectClean;
using cow_tree::LoggingVfs;
using cow_tree::OptionList;
using cow_tree::ReportOf;
using cow_tree::RollbackOk;

inline std::unique_ptr<Engine> MakeTree(Vfs& vfs, const OptionList& changed = {}) {
  EngineOptions options;
  for (const OptionSpec& spec : RevisionTreeType().options()) {
    options[spec.name] = spec.default_value;
  }
  for (const auto& [name, value] : changed) options[name] = value;
  return RevisionTreeType().Create(vfs, options);
}

// Returns: an open store. The test fails when it does not open.
inline std::unique_ptr<Engine> OpenTree(Vfs& vfs, const OptionList& changed = {}) {
  std::unique_ptr<Engine> engine = MakeTree(vfs, changed);
  const Expected<void> opened = engine->Open();
  EXPECT_TRUE(opened.has_value()) << Describe(opened.error());
  return engine;
}

inline void CloseOk(std::unique_ptr<Engine>& engine) {
  const Expected<void> closed = engine->Close();
  ASSERT_TRUE(closed.has_value()) << Describe(closed.error());
  engine.reset();
}

// Returns: the newest header of the store in `vfs`.
inline Header HeaderOf(Vfs& vfs) {
  const auto file = vfs.Open(kStorePath, {});
  EXPECT_TRUE(file.has_value());
  const Expected<HeadersRead> read = ReadHeaders(**file, 512);
  EXPECT_TRUE(read.has_value());
  return read ? read->newest : Header{};
}

}  // namespace plugpull::revision_tree
