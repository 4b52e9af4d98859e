// An engine that trusts the disk to write a sector as a whole, as many do, is right as long as the
// disk does; where sectors are cut, it is not, and that is said to be beyond the contract.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <span>
#include <sstream>

#include "harness/crash_points.h"
#include "harness/fault_search.h"
#include "harness/findings.h"
#include "harness/testing.h"

namespace plugpull {
namespace {

// Contents are written anew behind all others and synced; then one sector, rewritten in place, says
// where they are, in its first bytes and once more in its last.
class SectorStore final : public Engine {
 public:
  explicit SectorStore(Vfs& vfs) : vfs_(vfs) {}

  Expected<void> Open() override {
    auto file = vfs_.Open("store", {.create = true});
    if (!file) return std::unexpected(file.error());
    file_ = std::move(*file);
    root_ = {.begin = kPageBytes, .size = 0};
    const auto size = file_->Size();
    if (!size) return std::unexpected(size.error());
    if (*size < kSectorBytes) {
      if (const auto written = WriteRoot(); !written) return written;
      return vfs_.SyncDirectory("");
    }
    Sector sector{};
    if (const auto read = file_->Read(0, sector); !read) return std::unexpected(read.error());
    std::memcpy(&root_, sector.data(), sizeof(Root));
    Root copy;
    std::memcpy(&copy, &sector[kSectorBytes - sizeof(Root)], sizeof(Root));
    if (root_ != copy) return Fail(ErrorCode::kCorrupt, "the sector is not of one piece");
    if (root_.begin == 0) root_.begin = kPageBytes;
    return Load();
  }

  Expected<void> Apply(const Transaction& transaction) override {
    for (const Change& change : transaction.changes) {
      if (change.value) {
        pairs_[change.key] = *change.value;
      } else {
        pairs_.erase(change.key);
      }
    }
    std::string text;
    for (const auto& [key, value] : pairs_) {
      text += fmt::format("{} {} {}{}", key.size(), value.size(), key, value);
    }
    const uint64_t begin = root_.begin + root_.size;
    if (const auto written = file_->Write(begin, std::as_bytes(std::span(text))); !written) {
      return written;
    }
    if (const auto synced = file_->Sync(SyncKind::kFull); !synced) return synced;
    root_ = {.begin = begin, .size = text.size()};
    return WriteRoot();
  }

  Expected<void> Scan(PairVisitor& visitor) override {
    for (const auto& [key, value] : pairs_) {
      visitor.OnPair(std::as_bytes(std::span(key)), std::as_bytes(std::span(value)));
    }
    return {};
  }

  Expected<CheckReport> Check() override { return CheckReport(); }
  Expected<void> Close() override { return {}; }

 private:
  struct Root {
    uint64_t begin = 0;
    uint64_t size = 0;
    bool operator==(const Root&) const = default;
  };
  using Sector = std::array<std::byte, kSectorBytes>;

  Expected<void> WriteRoot() {
    Sector sector{};
    std::memcpy(sector.data(), &root_, sizeof(Root));
    std::memcpy(&sector[kSectorBytes - sizeof(Root)], &root_, sizeof(Root));
    if (const auto written = file_->Write(0, sector); !written) return written;
    return file_->Sync(SyncKind::kFull);
  }

  Expected<void> Load() {
    std::string text(root_.size, '\0');
    const auto read = file_->Read(root_.begin, std::as_writable_bytes(std::span(text)));
    if (!read) return std::unexpected(read.error());
    std::istringstream from(text);
    size_t key_size = 0;
    size_t value_size = 0;
    while (from >> key_size >> value_size) {
      from.get();
      std::string both(key_size + value_size, '\0');
      from.read(both.data(), static_cast<std::streamsize>(both.size()));
      pairs_[both.substr(0, key_size)] = both.substr(key_size);
    }
    return {};
  }

  Vfs& vfs_;
  std::unique_ptr<VfsFile> file_;
  std::map<std::string, std::string> pairs_;
  Root root_;
};

class SubSector : public testing::Test {
 protected:
  SubSector() {
    MemoryVfs memory;
    RecordingVfs recorder(memory);
    recorder.trace().transactions = {Put("k", "a"), Put("k", "b"), Put("k", "c")};
    SectorStore store(recorder);
    EXPECT_TRUE(store.Open().has_value());
    for (uint32_t number = 1; number <= 3; ++number) {
      recorder.Begin(number);
      EXPECT_TRUE(store.Apply(recorder.trace().transactions[number - 1]).has_value());
      recorder.Acknowledge(number);
    }
    trace_ = recorder.trace();
  }

  std::vector<Finding> Search(const std::vector<PointTask>& tasks) const {
    const ReferenceModel model(trace_.transactions);
    FindingCollector collector(trace_, type_);
    LocalSearch search;
    PointExplorer explorer(trace_, target_, model, tasks.front().settings, search.state());
    DamageReader reader(trace_);
    for (const PointTask& task : tasks) {
      PointResult result =
          task.fault.empty()
              ? explorer.Explore(task.position, {})
              : explorer.ExploreDamaged(task.position, *reader.Read(task.fault, task.position), {});
      EXPECT_TRUE(result.unknown.empty());
      EXPECT_TRUE(!result.fired || result.exhausted || !result.violations.empty());
      result.fault = task.fault;
      collector.Add(result, task.settings);
    }
    return collector.Findings();
  }

  Trace trace_;
  const FunctionEngineType type_{[](Vfs& vfs) { return std::make_unique<SectorStore>(vfs); }};
  const Target target_{.type = &type_, .options = {}, .text = ""};
};

TEST_F(SubSector, AWholeSectorIsEnoughForACorrectDisk) {
  const ExploreSettings settings;
  const auto first_begin = std::ranges::find(trace_.ops, OpKind::kBegin, &Op::kind);
  const auto begin = static_cast<size_t>(first_begin - trace_.ops.begin());
  std::vector<PointTask> tasks;
  for (const size_t position : CrashPoints(trace_, *settings.model, settings.promise)) {
    // Before the first transaction the store is being made, and its new block may show anything.
    if (position > begin) tasks.push_back({position, settings});
  }
  for (const Finding& finding : Search(tasks)) {
    ADD_FAILURE() << finding.signature << ": " << finding.message << " at " << finding.crash_point;
  }
}

TEST_F(SubSector, ACutSectorIsFoundAndBeyondTheContract) {
  for (const char* fault : {"sub-sector-tear", "sub-sector-tear(unit=8)"}) {
    const Expected<FaultPlan> plan = PlanFault(trace_, {}, fault);
    ASSERT_TRUE(plan.has_value());
    const std::vector<Finding> findings = Search(plan->tasks);
    ASSERT_EQ(findings.size(), 1U) << fault;
    EXPECT_EQ(findings[0].violation, ViolationClass::kRefusesToOpen);
    EXPECT_EQ(findings[0].fault_level, FaultLevel::kSubSectorTear);
    EXPECT_EQ(findings[0].fault, fault);
    EXPECT_EQ(findings[0].signature, "refuses-to-open: sub-sector-tear(store)");
    // Where writes are never in place, or journalled, no sector is cut.
    const auto bites = [&](const char* model) {
      return std::ranges::find(findings[0].models, model) != findings[0].models.end();
    };
    EXPECT_TRUE(bites("posix-minimal") && bites("ext4-ordered") && bites("xfs"));
    EXPECT_FALSE(bites("btrfs") || bites("ext4-journal"));
  }
}

}  // namespace
}  // namespace plugpull
