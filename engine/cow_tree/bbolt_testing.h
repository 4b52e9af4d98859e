// For tests that put files of this engine before the real bbolt, and the reverse: both as engines,
// a file that travels between them, and transactions for both.
#pragma once

#include <fstream>

#include "engine/cow_tree/test_support.h"
#include "engine/drivers/driver_testing.h"
#include "engine/target.h"
#include "faults/base/random.h"

namespace plugpull::cow_tree {

// The driver of the real bbolt, in a process, and the directory that it works in.
class RealBbolt {
 public:
  // Errors: kUnsupported: this machine has no driver for bbolt.
  static Expected<std::unique_ptr<RealBbolt>> Start() {
    const Expected<DriverProgram> program = ParseTarget("bbolt")->Program();
    if (!program) return std::unexpected(program.error());
    Expected<std::unique_ptr<DriverProcess>> process = DriverProcess::Start(*program);
    if (!process) return std::unexpected(process.error());
    (*process)->SetDeadline(std::chrono::steady_clock::now() + std::chrono::seconds(100));
    return std::make_unique<RealBbolt>(*std::move(process));
  }

  explicit RealBbolt(std::unique_ptr<DriverProcess> process) : process_(std::move(process)) {}

  // Returns: an open store, as the options of the target "bbolt" say. `bucket`: names with '/'
  // between them. The test fails when it does not open. It goes before this object.
  std::unique_ptr<Engine> Open(const std::string& options = "", const std::string& bucket = "kv") {
    const std::string target = options.empty() ? "bbolt" : "bbolt:" + options;
    program_ = *ParseTarget(target)->Program();
    program_.open_words.push_back("bucket=" + bucket);
    auto engine = MakeDriverEngine(*process_, directory_.path(), program_);
    const Expected<void> opened = engine->Open();
    EXPECT_TRUE(opened.has_value()) << Describe(opened.error());
    return engine;
  }

  std::string Bytes() const { return TextOfFile(path_); }

  // Takes the store file of `vfs` over, or gives it ours.
  void CopyFrom(Vfs& vfs) {
    const StoreImage image(vfs);
    std::ofstream(path_, std::ios::binary | std::ios::trunc)
        .write(reinterpret_cast<const char*>(image.bytes.data()),
               static_cast<std::streamsize>(image.bytes.size()));
  }
  void CopyTo(Vfs& vfs) const {
    const std::string bytes = Bytes();
    const auto file = vfs.Open("store.db", OpenOptions{.create = true, .truncate = true});
    ASSERT_TRUE((*file)->Write(0, AsBytes(bytes)).has_value());
  }

 private:
  ScratchDirectory directory_;
  const std::string path_ = directory_.path() + "/store.db";
  DriverProgram program_;
  std::unique_ptr<DriverProcess> process_;
};

class BboltTest : public testing::Test {
 protected:
  void SetUp() override {
    Expected<std::unique_ptr<RealBbolt>> started = RealBbolt::Start();
    if (!started) GTEST_SKIP() << Describe(started.error());
    bbolt_ = *std::move(started);
  }

  std::unique_ptr<RealBbolt> bbolt_;
};

// Transactions that insert, replace and delete, with short and long values.
class RandomTransactions {
 public:
  struct Shape {
    uint64_t keys = 300;
    uint64_t changes_max = 20;
    uint64_t value_bytes_max = 200;
    uint64_t long_value_bytes_max = 0;  // one value in ten is up to as long
    uint64_t deletes_percent = 30;
  };

  RandomTransactions(uint64_t seed, Shape shape)
      : random_(seed, "transactions for two engines"), shape_(shape) {}

  Transaction Next() {
    Transaction transaction;
    const uint64_t changes = 1 + random_.Below(shape_.changes_max);
    for (uint64_t i = 0; i < changes; ++i) {
      const std::string key = fmt::format("key{:05}", random_.Below(shape_.keys));
      if (random_.Below(100) < shape_.deletes_percent) {
        transaction.changes.push_back({key, std::nullopt});
        continue;
      }
      const bool is_long = shape_.long_value_bytes_max > 0 && random_.Below(10) == 0;
      const uint64_t bytes =
          random_.Below((is_long ? shape_.long_value_bytes_max : shape_.value_bytes_max) + 1);
      transaction.changes.push_back(
          {key, std::string(bytes, static_cast<char>('a' + random_.Below(26)))});
    }
    return transaction;
  }

 private:
  Random random_;
  Shape shape_;
};

inline void Note(const Transaction& transaction, Contents& contents) {
  for (const Change& change : transaction.changes) {
    if (change.value) {
      contents[change.key] = *change.value;
    } else {
      contents.erase(change.key);
    }
  }
}

}  // namespace plugpull::cow_tree
