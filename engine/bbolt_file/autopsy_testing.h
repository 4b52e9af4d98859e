// What the tests of autopsies share: the history of a store as a file after each transaction, and
// a file on disk that holds what a test wants to have examined.
#pragma once

#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "engine/bbolt_file/autopsy.h"
#include "engine/cow_tree/test_support.h"
#include "faults/base/assert.h"
#include "faults/base/random.h"

namespace plugpull::bbolt_file {

using cow_tree::OptionList;
using FileBytes = std::vector<std::byte>;

// A file of its own, gone with this object.
class ScratchFile {
 public:
  ScratchFile() {
    directory_ = std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : "/tmp";
    directory_ += "/plugpull-autopsy-XXXXXX";
    Assert(::mkdtemp(directory_.data()) != nullptr, "a temporary directory can be made");
  }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  ~ScratchFile() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  const std::string& directory() const { return directory_; }
  std::string path() const { return directory_ + "/store.db"; }

  void Write(const FileBytes& bytes) const {
    std::ofstream(path(), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<long>(bytes.size()));
  }

  // Returns: the autopsy of a file with these bytes.
  Autopsy Examine(const FileBytes& bytes) const {
    Write(bytes);
    Expected<Autopsy> autopsy = bbolt_file::Examine(path());
    EXPECT_TRUE(autopsy.has_value()) << Describe(autopsy.error());
    return autopsy ? *std::move(autopsy) : Autopsy{};
  }

 private:
  std::string directory_;
};

inline FileBytes BytesOf(Vfs& vfs) { return cow_tree::StoreImage(vfs).bytes; }

// Draws a transaction: now small, now large, so that pages change their place in the tree.
inline Transaction DrawTransaction(Random& random, uint64_t key_count, size_t value_bytes_max) {
  constexpr uint64_t kSizes[] = {1, 3, 12, 60};
  Transaction transaction;
  const uint64_t size = kSizes[random.Below(std::size(kSizes))];
  const uint64_t start = random.Below(key_count);
  const bool is_range = random.OneIn(1, 3);
  const bool deletes = random.OneIn(1, 3);
  std::set<uint64_t> used;
  for (uint64_t index = 0; index < size; ++index) {
    const uint64_t key = is_range ? (start + index) % key_count : random.Below(key_count);
    if (!used.insert(key).second) continue;
    Change change{fmt::format("key{:06}", key), std::nullopt};
    if (!deletes) change.value = std::string(1 + random.Below(value_bytes_max), 'v');
    transaction.changes.push_back(std::move(change));
  }
  return transaction;
}

// A store as the file was after each transaction.
struct History {
  std::vector<FileBytes> files;
  uint32_t page_size = 0;

  const FileBytes& last() const { return files.back(); }
};

struct HistoryPlan {
  uint64_t seed = 1;
  int transactions = 40;
  uint64_t key_count = 600;
  uint64_t first_keys = 300;  // put by the first transaction
  size_t value_bytes_max = 60;
  OptionList options = {{"page_size", "1024"}, {"freelist", "none"}};
};

inline History WriteHistory(const HistoryPlan& plan) {
  MemoryVfs vfs;
  Random random(plan.seed, "history");
  History history;
  const std::unique_ptr<Engine> engine = cow_tree::OpenStore(vfs, plan.options);
  Transaction first;
  for (uint64_t index = 0; index < plan.first_keys; ++index) {
    first.changes.push_back({fmt::format("key{:06}", index * plan.key_count / plan.first_keys),
                             std::string(1 + random.Below(plan.value_bytes_max), 'f')});
  }
  EXPECT_TRUE(engine->Apply(first).has_value());
  for (int index = 0; index < plan.transactions; ++index) {
    const Transaction transaction = DrawTransaction(random, plan.key_count, plan.value_bytes_max);
    EXPECT_TRUE(engine->Apply(transaction).has_value());
    history.files.push_back(BytesOf(vfs));
  }
  history.page_size = cow_tree::StoreImage(vfs).page_size;
  return history;
}

// Pages of a file in memory.
class FilePages {
 public:
  FilePages(FileBytes& bytes, uint32_t page_size) : bytes_(bytes), page_size_(page_size) {}

  uint64_t count() const { return bytes_.size() / page_size_; }
  std::span<std::byte> operator[](PageId id) const {
    return std::span(bytes_).subspan(id * page_size_, page_size_);
  }
  cow_tree::PageHeader Header(PageId id) const {
    return cow_tree::LoadPageHeader((*this)[id].data());
  }
  cow_tree::TreePage Tree(PageId id) const {
    return cow_tree::TreePage(
        std::span(bytes_).subspan(id * page_size_, (Header(id).overflow + 1ULL) * page_size_));
  }
  PageId ActiveSlot() const {
    const auto first = cow_tree::LoadMeta((*this)[0]);
    const auto second = cow_tree::LoadMeta((*this)[1]);
    return first && (!second || first->transaction_id > second->transaction_id) ? 0 : 1;
  }
  Meta MetaAt(PageId slot) const { return *cow_tree::LoadMeta((*this)[slot]); }
  Meta Active() const { return MetaAt(ActiveSlot()); }
  void SetMeta(PageId slot, const Meta& meta) const {
    cow_tree::StoreMeta((*this)[slot], slot, meta);
  }

  // Returns: the root of the one bucket of cow_tree's stores. Requires: it is not inline.
  PageId BucketRoot(const Meta& meta) const {
    return cow_tree::LoadBucketHeader(Tree(meta.root.root).LeafElement(0).value.data()).root;
  }

  // Returns: every page of the tree of `meta`, of a sound file, root first, without overflow.
  std::vector<PageId> Reached(const Meta& meta) const {
    std::vector<PageId> pages{meta.root.root, BucketRoot(meta)};
    for (size_t index = 1; index < pages.size(); ++index) {
      const cow_tree::TreePage page = Tree(pages[index]);
      if (!page.IsBranch()) continue;
      for (uint32_t child = 0; child < page.count(); ++child) {
        pages.push_back(page.BranchElement(child).child);
      }
    }
    return pages;
  }

 private:
  FileBytes& bytes_;
  uint32_t page_size_;
};

inline std::string TextOf(const Autopsy& autopsy) {
  std::string text = fmt::format("{}\n", Describe(autopsy.recoverability));
  for (const Violation& violation : autopsy.file_violations) {
    text += fmt::format("file {} {}\n", violation.rule, violation.text);
  }
  for (const TreeFinding& tree : autopsy.trees) {
    for (const Violation& violation : tree.violations) {
      text += fmt::format("tree {} {} {}\n", tree.slot, violation.rule, violation.text);
    }
  }
  for (const Suspect& suspect : autopsy.suspects) {
    text += fmt::format("suspect {} {}: {}\n", suspect.page, suspect.kind, suspect.evidence);
  }
  for (const Diagnosis& diagnosis : autopsy.diagnoses) {
    text += fmt::format("{} at {}: {}\n", diagnosis.fault, diagnosis.page, diagnosis.sentence);
  }
  return text;
}

// Returns: the rules that are broken, in the file and in the tree `position`, each once.
inline std::set<std::string> BrokenRules(const Autopsy& autopsy, size_t position = 0) {
  std::set<std::string> rules;
  for (const Violation& violation : autopsy.file_violations) rules.insert(violation.rule);
  if (position < autopsy.trees.size()) {
    for (const Violation& violation : autopsy.trees[position].violations) {
      rules.insert(violation.rule);
    }
  }
  return rules;
}

}  // namespace plugpull::bbolt_file
