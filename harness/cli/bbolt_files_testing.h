// For end-to-end tests of autopsy and surgery: bbolt files in a sandbox, and real bbolt's opinion
// of them where this machine has it.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "engine/cow_tree/tree_page.h"
#include "engine/cow_tree/tree_reader.h"
#include "engine/drivers/driver_testing.h"
#include "engine/target.h"
#include "faults/base/bytes.h"
#include "faults/vfs/memory_vfs.h"
#include "harness/cli/e2e_testing.h"

namespace plugpull::e2e {

inline constexpr size_t kStorePageBytes = 4096;

// Returns: the file of a store with keys key000.. in transactions of ten, then "newest" in one of
// its own.
inline std::string MakeStoreFile(int keys, const char* target = "cow_tree") {
  MemoryVfs vfs;
  const std::unique_ptr<Engine> engine = ParseTarget(target)->Create(vfs);
  EXPECT_TRUE(engine->Open());
  std::vector<Change> changes;
  for (int key = 0; key < keys; ++key) {
    changes.push_back({fmt::format("key{:03}", key), fmt::format("{:0100}", key)});
    if (changes.size() < 10 && key + 1 < keys) continue;
    EXPECT_TRUE(engine->Apply(Transaction{std::exchange(changes, {})}));
  }
  EXPECT_TRUE(engine->Apply(Transaction{{{"newest", "value"}}}));
  EXPECT_TRUE(engine->Close());
  const auto file = *vfs.Open("store.db", {});
  std::string bytes(*file->Size(), '\0');
  EXPECT_TRUE(file->Read(0, std::as_writable_bytes(std::span(bytes))));
  return bytes;
}

// Looks into a file, to know what to damage.
class FileBytes {
 public:
  explicit FileBytes(std::string bytes) : bytes_(std::move(bytes)) {}

  const std::string& bytes() const { return bytes_; }
  char* Page(uint64_t id) { return bytes_.data() + id * kStorePageBytes; }
  void Zero(uint64_t id) { std::fill_n(Page(id), kStorePageBytes, '\0'); }

  cow_tree::Meta Active() {
    const auto first = cow_tree::LoadMeta(Span(0));
    const auto second = cow_tree::LoadMeta(Span(1));
    return first && (!second || first->transaction_id > second->transaction_id) ? *first : *second;
  }
  cow_tree::TreePage Tree(uint64_t id) { return cow_tree::TreePage(Span(id)); }

  // Returns: the leaf of a key in the bucket "kv", which has a root page of its own.
  uint64_t LeafOf(const std::string& key) {
    const cow_tree::TreePage top = Tree(Active().root.root);
    uint64_t id = cow_tree::LoadBucketHeader(top.LeafElement(0).value.data()).root;
    while (Tree(id).IsBranch()) {
      id = Tree(id).BranchElement(Tree(id).ChildIndexFor(AsBytes(key))).child;
    }
    return id;
  }

 private:
  cow_tree::Bytes Span(uint64_t id) {
    return AsBytes(bytes_).subspan(id * kStorePageBytes, kStorePageBytes);
  }

  std::string bytes_;
};

// What real bbolt says of a file.
struct BboltOpinion {
  std::string complaint;  // of open, check or dump; empty: none
  Contents contents;
};

// Returns: nothing where the machine has no bbolt.
inline std::optional<BboltOpinion> AskBbolt(const std::string& bytes) {
  const Expected<DriverProgram> program = ParseTarget("bbolt")->Program();
  if (!program) return std::nullopt;
  const ScratchDirectory directory;
  WriteText(directory.path() + "/store.db", bytes);
  const auto process = DriverProcess::Start(*program);
  EXPECT_TRUE(process) << Describe(process.error());
  (*process)->SetDeadline(std::chrono::steady_clock::now() + std::chrono::seconds(60));
  const auto engine = MakeDriverEngine(**process, directory.path(), *program);
  BboltOpinion opinion;
  if (const auto opened = engine->Open(); !opened)
    return BboltOpinion{Describe(opened.error()), {}};
  const Expected<CheckReport> report = engine->Check();
  if (!report) return BboltOpinion{Describe(report.error()), {}};
  if (!report->leaks.empty()) opinion.complaint = report->leaks.front();
  if (!report->structure.empty()) opinion.complaint = report->structure.front();
  CollectPairs pairs;
  if (const auto scanned = engine->Scan(pairs); !scanned) {
    opinion.complaint = Describe(scanned.error());
  }
  opinion.contents = std::move(pairs.contents);
  return opinion;
}

}  // namespace plugpull::e2e
