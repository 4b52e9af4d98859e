// What the tests of this engine share: stores with options, their contents, and random work.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/serial_log/serial_log.h"
#include "engine/serial_log/store.h"
#include "engine/target.h"
#include "faults/base/bytes.h"
#include "faults/base/random.h"
#include "faults/vfs/memory_vfs.h"

namespace plugpull::serial_log {

using Contents = std::map<std::string, std::string>;

// Returns: the options of a target, as in "fix=2a,page_size=512".
inline Options OptionsOf(const std::string& text) {
  const Expected<Target> target = ParseTarget(text.empty() ? "serial_log" : "serial_log:" + text);
  EXPECT_TRUE(target.has_value()) << text;
  const Expected<Options> options = ParseOptions(target->options);
  EXPECT_TRUE(options.has_value()) << text;
  return *options;
}

inline std::unique_ptr<RecordStore> OpenStore(Vfs& vfs, const Options& options) {
  auto store = std::make_unique<RecordStore>(vfs, options);
  const Expected<void> opened = store->Open();
  EXPECT_TRUE(opened.has_value()) << (opened ? "" : Describe(opened.error()));
  return store;
}

inline std::unique_ptr<Engine> OpenEngine(Vfs& vfs, const std::string& text) {
  const Expected<Target> target = ParseTarget(text.empty() ? "serial_log" : "serial_log:" + text);
  EXPECT_TRUE(target.has_value()) << text;
  std::unique_ptr<Engine> engine = target->Create(vfs);
  const Expected<void> opened = engine->Open();
  EXPECT_TRUE(opened.has_value()) << (opened ? "" : Describe(opened.error()));
  return engine;
}

class ContentsOfVisitor final : public PairVisitor {
 public:
  void OnPair(std::span<const std::byte> key, std::span<const std::byte> value) override {
    EXPECT_TRUE(contents.emplace(AsText(key), AsText(value)).second) << AsText(key);
  }
  Contents contents;
};

// Returns: what a store shows; the error under the key "error" where it cannot.
template <typename Shown>
Contents ContentsOf(Shown& store) {
  ContentsOfVisitor visitor;
  const Expected<void> scanned = store.Scan(visitor);
  return scanned ? visitor.contents : Contents{{"error", scanned.error().context}};
}

template <typename Checked>
void ExpectSound(Checked& store) {
  const Expected<CheckReport> report = store.Check();
  ASSERT_TRUE(report.has_value()) << Describe(report.error());
  EXPECT_THAT(report->structure, testing::IsEmpty());
  EXPECT_THAT(report->leaks, testing::IsEmpty());
}

inline void ExpectOk(const Expected<void>& done) {
  EXPECT_TRUE(done.has_value()) << (done ? "" : Describe(done.error()));
}

// Commits one change of its own; no value: deletes.
inline void CommitOne(RecordStore& store, const std::string& key,
                      const std::optional<std::string>& value) {
  const TransactionId id = store.Begin();
  ExpectOk(value ? store.Put(id, key, *value) : store.Delete(id, key));
  ExpectOk(store.Commit(id));
}

}  // namespace plugpull::serial_log
