#include "engine/revision_tree/tree_snapshot.h"

#include "engine/revision_tree/tree_reader.h"

namespace plugpull::revision_tree {
namespace {

class TreeSnapshot final : public Snapshot {
 public:
  TreeSnapshot(VfsFile& file, const Header& header, int64_t root, ReaderSet& readers)
      : file_(file),
        header_(header),
        root_(root),
        readers_(readers),
        place_(readers.emplace(header.current, root)) {}

  ~TreeSnapshot() override { readers_.erase(place_); }

  Expected<void> Scan(PairVisitor& visitor) override {
    const Expected<uint64_t> size = file_.Size();
    if (!size) return std::unexpected(size.error());
    PooledPageCache pages;
    pages->Attach(
        file_, header_,
        std::min(static_cast<uint64_t>(header_.page_count), *size / header_.page_size_bytes));
    return ScanTree(*pages, root_, visitor);
  }

 private:
  VfsFile& file_;
  Header header_;
  int64_t root_;
  ReaderSet& readers_;
  ReaderSet::iterator place_;
};

}  // namespace

std::unique_ptr<Snapshot> MakeTreeSnapshot(VfsFile& file, const Header& header, int64_t root,
                                           ReaderSet& readers) {
  return std::make_unique<TreeSnapshot>(file, header, root, readers);
}

}  // namespace plugpull::revision_tree
