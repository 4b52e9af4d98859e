// Goal: the engine that misbehaves on purpose is a good engine otherwise, or no test with it proves
// anything.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>
#include <xxhash.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "engine/repair.h"
#include "engine/target.h"
#include "faults/base/bytes.h"
#include "harness/content.h"
#include "harness/testing.h"

namespace plugpull {
namespace {

constexpr const char* kLog = "log";
constexpr const char* kMark = "torn";  // left by a recovery that met a torn record
constexpr size_t kHeaderBytes = 12;    // u32 length, u64 checksum

std::vector<std::byte> Encoded(const Transaction& transaction) {
  ByteWriter payload;
  for (const Change& change : transaction.changes) {
    payload.PutString(change.key);
    payload.PutU8(change.value ? 1 : 0);
    payload.PutString(change.value.value_or(""));
  }
  payload.PutU8(0xee);  // no record is empty
  ByteWriter record;
  record.PutU32(static_cast<uint32_t>(payload.bytes().size()));
  record.PutU64(XXH3_64bits(payload.bytes().data(), payload.bytes().size()));
  record.PutBytes(payload.bytes());
  return record.Take();
}

void ApplyEncoded(Content& content, std::span<const std::byte> payload) {
  ByteReader reader(payload.first(payload.size() - 1));
  while (reader.remaining() > 0) {
    const std::string key = reader.TakeString().value_or("");
    const bool is_put = reader.TakeU8().value_or(0) == 1;
    const std::string value = reader.TakeString().value_or("");
    ApplyTo(content, is_put ? Put(key, value) : Delete(key));
  }
}

class FragileLog final : public Engine {
 public:
  FragileLog(Vfs& vfs, const EngineOptions& options)
      : vfs_(vfs),
        how_(options.at("how")),
        when_(options.at("when")),
        sync_(options.at("sync")),
        readers_(options.at("readers")),
        rollback_(options.at("rollback")) {}

  Expected<void> Open() override {
    static int opens = 0;
    const Expected<bool> marked = vfs_.Exists(kMark);
    marked_ = marked.value_or(false);
    if (marked_ && when_ == "reopen") Misbehave();
    auto file = vfs_.Open(kLog, {.create = true});
    if (!file) return std::unexpected(file.error());
    file_ = std::move(*file);
    if (auto synced = vfs_.SyncDirectory(""); !synced) return synced;
    std::byte last{};
    const bool backwards = how_ == "flaky" && ++opens % 2 == 0;
    if (backwards) (void)file_->Read(600, std::span(&last, 1));
    return ReadLog();
  }

  Expected<void> Apply(const Transaction& transaction) override {
    if (marked_ && when_ == "use") Misbehave();
    const std::vector<std::byte> record = Encoded(transaction);
    if (auto written = file_->Write(end_, record); !written) return written;
    if (sync_ == "1") {
      if (auto synced = file_->Sync(SyncKind::kFull); !synced) return synced;
    }
    end_ += record.size();
    before_last_ = content_;
    ApplyTo(content_, transaction);
    return {};
  }

  Expected<std::unique_ptr<Snapshot>> OpenSnapshot() override {
    if (readers_ == "none") return nullptr;
    return std::make_unique<LogSnapshot>(*this, readers_ == "stale" ? before_last_ : content_);
  }

  Expected<bool> Rollback(const Transaction& transaction) override {
    if (rollback_ == "none") return false;
    rolled_back_ = transaction;
    return true;
  }

  Expected<void> Scan(PairVisitor& visitor) override {
    if (torn_ && when_ == "scan") Misbehave();
    for (const auto& [key, value] : content_) visitor.OnPair(AsBytes(key), AsBytes(value));
    return {};
  }

  Expected<CheckReport> Check() override {
    if (torn_ && when_ == "check") Misbehave();
    return CheckReport();
  }

  Expected<void> Close() override {
    file_.reset();
    return {};
  }

 private:
  class LogSnapshot final : public Snapshot {
   public:
    LogSnapshot(const FragileLog& log, Content content) : log_(log), content_(std::move(content)) {}

    Expected<void> Scan(PairVisitor& visitor) override {
      Content shown = log_.readers_ == "live" ? log_.content_ : content_;
      if (log_.rollback_ == "leaks") ApplyTo(shown, log_.rolled_back_);
      for (const auto& [key, value] : shown) visitor.OnPair(AsBytes(key), AsBytes(value));
      return {};
    }

   private:
    const FragileLog& log_;
    Content content_;
  };

  Expected<void> ReadLog() {
    while (true) {
      std::vector<std::byte> header(kHeaderBytes);
      const size_t got = file_->Read(end_, header).value_or(0);
      if (got == 0) return {};
      ByteReader reader(header);
      const uint32_t length = reader.TakeU32().value_or(0);
      const uint64_t checksum = reader.TakeU64().value_or(0);
      if (got < kHeaderBytes || length == 0 || length > 1'000'000) return MeetTornRecord();
      std::vector<std::byte> payload(length);
      const size_t payload_bytes = file_->Read(end_ + kHeaderBytes, payload).value_or(0);
      const bool whole = payload_bytes == length && XXH3_64bits(payload.data(), length) == checksum;
      if (!whole) return MeetTornRecord();
      ApplyEncoded(content_, payload);
      end_ += kHeaderBytes + length;
    }
  }

  Expected<void> MeetTornRecord() {
    torn_ = true;
    if (when_ == "open") Misbehave();
    if (when_ == "reopen" || when_ == "use") {
      if (auto mark = vfs_.Open(kMark, {.create = true}); !mark) {
        return std::unexpected(mark.error());
      }
    }
    if (auto cut = file_->Truncate(end_); !cut) return cut;
    return file_->Sync(SyncKind::kFull);
  }

  void Misbehave() {
    if (how_ == "segv") {
      ::signal(SIGSEGV, SIG_DFL);
      ::raise(SIGSEGV);
    }
    if (how_ == "abort") {
      fmt::print(stderr, "first words\nfragile_log: a torn record\n");
      std::abort();
    }
    if (how_ == "exit") ::_exit(7);
    while (how_ == "hang") std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  Vfs& vfs_;
  std::string how_;
  std::string when_;
  std::string sync_;
  std::string readers_;
  std::string rollback_;
  std::unique_ptr<VfsFile> file_;
  uint64_t end_ = 0;
  Content content_;
  Content before_last_;
  Transaction rolled_back_;
  bool torn_ = false;
  bool marked_ = false;
};

// What the engine does about a torn record when it does what it should.
Expected<void> CutTornRecord(Vfs& vfs) { return ParseTarget("fragile_log")->Create(vfs)->Open(); }

constexpr std::array<Repair, 1> kRepairs = {
    {{"cut-tail", "cured by cutting the tail", CutTornRecord}}};

class FragileLogEngineType final : public EngineType {
 public:
  std::string_view name() const override { return "fragile_log"; }
  std::string_view description() const override { return "misbehaves on torn records"; }
  const std::vector<OptionSpec>& options() const override { return options_; }
  std::unique_ptr<Engine> Create(Vfs& vfs, const EngineOptions& options) const override {
    return std::make_unique<FragileLog>(vfs, options);
  }
  std::span<const Repair> repairs() const override { return kRepairs; }
  std::string RoleOf(std::string_view path) const override { return path == kLog ? "log" : "mark"; }

 private:
  static OptionSpec Choice(std::string name, std::vector<std::string> values) {
    OptionSpec spec;
    spec.name = std::move(name);
    spec.default_value = values.front();
    spec.values = std::move(values);
    return spec;
  }

  const std::vector<OptionSpec> options_ = {
      Choice("how", {"none", "segv", "abort", "exit", "hang", "flaky"}),
      Choice("when", {"open", "check", "scan", "reopen", "use"}), Choice("sync", {"1", "0"}),
      Choice("readers", {"right", "none", "live", "stale"}),
      Choice("rollback", {"right", "none", "leaks"})};
};

Content ContentOf(Vfs& vfs) {
  const auto engine = ParseTarget("fragile_log")->Create(vfs);
  EXPECT_TRUE(engine->Open().has_value());
  ContentVisitor visitor;
  EXPECT_TRUE(engine->Scan(visitor).has_value());
  return visitor.content();
}

TEST(FragileLog, KeepsWhatWasWrittenAndDropsATornRecord) {
  MemoryVfs vfs;
  const auto engine = ParseTarget("fragile_log")->Create(vfs);
  ASSERT_TRUE(engine->Open().has_value());
  ASSERT_TRUE(engine->Apply(Put("a", "1")).has_value());
  ASSERT_TRUE(engine->Apply(Put("b", "")).has_value());
  ASSERT_TRUE(engine->Apply(Delete("a")).has_value());
  EXPECT_EQ(ContentOf(vfs), (Content{{"b", ""}}));
  auto log = *vfs.Open(kLog, {});
  ASSERT_TRUE(log->Truncate(*log->Size() - 1).has_value());
  EXPECT_EQ(ContentOf(vfs), (Content{{"a", "1"}, {"b", ""}}));
}

}  // namespace

const EngineType& FragileLogType() {
  static const FragileLogEngineType type;
  return type;
}

}  // namespace plugpull
