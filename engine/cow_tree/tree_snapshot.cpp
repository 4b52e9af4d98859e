#include "engine/cow_tree/tree_snapshot.h"

#include <algorithm>

#include "engine/cow_tree/tree_reader.h"

namespace plugpull::cow_tree {
namespace {

class TreeSnapshot final : public Snapshot {
 public:
  TreeSnapshot(VfsFile& file, const Meta& meta, Bytes name, ReaderSet& readers)
      : file_(file),
        meta_(meta),
        name_(name),
        readers_(readers),
        place_(readers.insert(meta.transaction_id)) {}

  ~TreeSnapshot() override { readers_.erase(place_); }

  Expected<void> Scan(PairVisitor& visitor) override {
    const Expected<uint64_t> size = file_.Size();
    if (!size) return std::unexpected(size.error());
    PooledPageCache pages;
    pages->Attach(file_, meta_.page_size_bytes,
                  std::min(meta_.high_water_mark, *size / meta_.page_size_bytes));
    const Expected<std::optional<BucketLocation>> bucket = FindBucket(*pages, meta_, name_);
    if (!bucket) return std::unexpected(bucket.error());
    return *bucket ? ScanBucket(*pages, **bucket, visitor) : Expected<void>();
  }

 private:
  VfsFile& file_;
  Meta meta_;
  Bytes name_;
  ReaderSet& readers_;
  ReaderSet::iterator place_;
};

}  // namespace

std::unique_ptr<Snapshot> MakeTreeSnapshot(VfsFile& file, const Meta& meta, Bytes name,
                                           ReaderSet& readers) {
  return std::make_unique<TreeSnapshot>(file, meta, name, readers);
}

}  // namespace plugpull::cow_tree
