// What the tests of this folder share: targets that need no registry, and a store's contents.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "engine/registry.h"
#include "engine/target.h"
#include "faults/base/bytes.h"
#include "workloads/strategies/files_engine.h"

namespace plugpull::strategies {

// Returns: the `files` target with these options, as on a command line.
inline Expected<Target> FilesTarget(std::string_view options) {
  static const bool added = [] {
    if (FindEngineType("files") == nullptr) AddEngineType(FilesType());
    return true;
  }();
  EXPECT_TRUE(added);
  const std::string text = options.empty() ? "files" : "files:" + std::string(options);
  return ParseTarget(text);
}

// Returns: a store, not yet open.
inline std::unique_ptr<Engine> MakeStore(Vfs& vfs, std::string_view options) {
  const Expected<Target> target = FilesTarget(options);
  EXPECT_TRUE(target.has_value()) << options;
  return target->Create(vfs);
}

class Collect final : public PairVisitor {
 public:
  void OnPair(std::span<const std::byte> key, std::span<const std::byte> value) override {
    pairs.emplace(AsText(key), AsText(value));
  }
  std::map<std::string, std::string> pairs;
};

inline std::map<std::string, std::string> ContentsOf(Engine& engine) {
  Collect collect;
  EXPECT_TRUE(engine.Scan(collect).has_value());
  return collect.pairs;
}

}  // namespace plugpull::strategies
