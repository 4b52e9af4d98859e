#include "engine/revision_tree/revision_builder.h"

#include <optional>

#include "engine/revision_tree/tree_editor.h"
#include "engine/revision_tree/tree_reader.h"
#include "faults/base/bytes.h"

namespace plugpull::revision_tree {
namespace {

// No reader ever needs the trees about trees: it has the root of the user's.
constexpr Revision kNeverRead = -1;

Expected<void> EditTree(TreeEditor& tree, const Transaction& transaction) {
  for (const Change& change : transaction.changes) {
    Expected<void> done =
        change.value ? tree.Put(change.key, *change.value) : tree.Delete(change.key);
    if (!done) return done;
  }
  return {};
}

// One revision's worth of copied pages, as the tree of them says.
struct Copied {
  Revision revision = 0;
  std::vector<int64_t> offsets;
};

// Builds a revision of a store with copied pages.
class Bookkeeper {
 public:
  explicit Bookkeeper(WriteTransaction& write) : write_(write) {}

  Expected<void> Build(const Transaction& transaction, bool reclaims, const ReaderSet& readers) {
    const Expected<TreeDirectory> read = ReadDirectory(write_.pages(), write_.header().root);
    if (!read) return std::unexpected(read.error());
    old_ = *read;
    directory_.emplace(write_, write_.header().root);
    copied_.emplace(write_, old_.copied.root);
    if (reclaims) {
      if (Expected<void> reclaimed = Reclaim(readers); !reclaimed) return reclaimed;
    }
    if (Expected<void> edited = EditUserTree(transaction); !edited) return edited;
    if (Expected<void> ended = FinishCopied(); !ended) return ended;
    const Expected<int64_t> root = directory_->Finish();
    if (!root) return std::unexpected(root.error());
    write_.header().root = *root;
    return {};
  }

 private:
  Expected<void> EditUserTree(const Transaction& transaction) {
    std::vector<int64_t> replaced;
    TreeEditor user(write_, old_.user.root, &replaced);
    if (Expected<void> edited = EditTree(user, transaction); !edited) return edited;
    const Expected<int64_t> root = user.Finish();
    if (!root) return std::unexpected(root.error());
    const int64_t elements = old_.user.element_count + user.elements_added();
    write_.header().element_count = elements;
    Expected<void> listed =
        copied_->Put(MakeCopiedKey({kUserTreeName, write_.revision()}), MakeOffsets(replaced));
    if (!listed) return listed;
    return PutHeader(kUserTreeName, *root, elements, old_.user.info);
  }

  // The tree of copied pages lists its own pages nowhere: they are free once the header is durable.
  Expected<void> FinishCopied() {
    const Expected<int64_t> root = copied_->Finish();
    if (!root) return std::unexpected(root.error());
    Expected<void> freed = write_.FreeChain(old_.copied_at, 0, kNeverRead);
    if (!freed) return freed;
    freed = directory_->Delete(MakeTreeKey({kCopiedPagesName, old_.copied.revision}));
    if (!freed) return freed;
    return PutHeader(kCopiedPagesName, *root, old_.copied.element_count + copied_->elements_added(),
                     old_.copied.info);
  }

  Expected<void> PutHeader(std::string_view name, int64_t root, int64_t elements, int64_t info) {
    const Child header = write_.NewChain(MakeTreeHeader(
        {.revision = write_.revision(), .element_count = elements, .root = root, .info = info}));
    return directory_->Put(MakeTreeKey({name, write_.revision()}), MakeOffsets({&header.first, 1}));
  }

  Expected<void> Reclaim(const ReaderSet& readers) {
    Expected<std::vector<Copied>> found = FindReclaimable(readers);
    if (!found) return std::unexpected(found.error());
    for (const Copied& copied : *found) {
      for (const int64_t offset : copied.offsets) {
        Expected<void> freed = write_.FreeChain(offset, 0, kNeverRead);
        if (!freed) return freed;
      }
      Expected<void> done = copied_->Delete(MakeCopiedKey({kUserTreeName, copied.revision}));
      if (done) done = DropUserRevision(copied.revision - 1);
      if (!done) return done;
    }
    return {};
  }

  // Returns: the copied pages of revisions in ascending order, as far as no reader is older.
  Expected<std::vector<Copied>> FindReclaimable(const ReaderSet& readers) {
    const Options& options = write_.options();
    const bool heeds_readers = !readers.empty() && !options.protocol.ignores_readers;
    std::vector<Copied> found;
    const auto visit = [&](const LeafElement& element) -> Expected<void> {
      const Expected<TreeKey> key = ParseCopiedKey(element.key);
      if (!key) return std::unexpected(key.error());
      if (options.reclaim_step != 0 && found.size() >= options.reclaim_step) return {};
      if (heeds_readers && key->revision > readers.begin()->first) return {};
      Expected<std::vector<int64_t>> offsets = ParseOffsets(element.value);
      if (!offsets) return std::unexpected(offsets.error());
      found.push_back({.revision = key->revision, .offsets = *std::move(offsets)});
      return {};
    };
    Expected<void> visited = VisitTree(write_.pages(), old_.copied.root, visit);
    if (!visited) return std::unexpected(visited.error());
    return found;
  }

  // Deletes the entry of a replaced revision of the user's tree, and its tree header.
  Expected<void> DropUserRevision(Revision revision) {
    const std::string name = MakeTreeKey({kUserTreeName, revision});
    int64_t header = kNoOffset;
    const auto visit = [&](const LeafElement& element) -> Expected<void> {
      if (AsText(element.key) == name && element.value.size() == 8) {
        header = LoadInt64(element.value.data());
      }
      return {};
    };
    Expected<void> visited = VisitTree(write_.pages(), write_.header().root, visit);
    if (!visited) return visited;
    if (header == kNoOffset) return {};
    Expected<void> freed = write_.FreeChain(header, 0, kNeverRead);
    if (!freed) return freed;
    return directory_->Delete(name);
  }

  WriteTransaction& write_;
  TreeDirectory old_;
  std::optional<TreeEditor> directory_;
  std::optional<TreeEditor> copied_;
};

}  // namespace

Expected<void> BuildRevision(WriteTransaction& write, const Transaction& transaction, bool reclaims,
                             const ReaderSet& readers) {
  if (write.header().has(kCopiedPagesFlag)) {
    return Bookkeeper(write).Build(transaction, reclaims, readers);
  }
  TreeEditor tree(write, write.header().root);
  if (Expected<void> edited = EditTree(tree, transaction); !edited) return edited;
  const Expected<int64_t> root = tree.Finish();
  if (!root) return std::unexpected(root.error());
  write.header().root = *root;
  write.header().element_count += tree.elements_added();
  return {};
}

}  // namespace plugpull::revision_tree
