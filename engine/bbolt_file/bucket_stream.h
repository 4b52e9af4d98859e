// What a bucket provably holds, in the order of its keys, and the gaps where nothing can be said.
#pragma once

#include "engine/bbolt_file/trusted_pages.h"

namespace plugpull::bbolt_file {

struct StreamItem {
  enum class Kind : uint8_t { kPair, kBucket, kGap, kEnd };

  Kind kind = Kind::kEnd;
  Bytes key{};
  Bytes value{};  // of a bucket: its header, and its page when that is inline

  // Of a gap.
  KeyRange keys{};
  PageId page = 0;
  std::string reason{};
};

class BucketStream {
 public:
  // Shows what lies in `keys`. Both `trusted` and the bytes of `keys` must outlive the stream.
  BucketStream(TrustedPages& trusted, const cow_tree::BucketLocation& bucket, KeyRange keys)
      : trusted_(&trusted), bucket_(bucket), keys_(keys) {}

  // Returns: the next item, whose bytes are valid as long as the pages are; kEnd for good after the
  // last.
  StreamItem Next();

 private:
  struct Frame {
    TreePage page;
    PagePlace place;
    uint32_t next_index = 0;
  };

  // Goes into a page. Returns: the gap that it leaves when it cannot be believed.
  std::optional<StreamItem> Enter(PageId id, const PagePlace& place);
  std::optional<StreamItem> EnterRoot();
  void StartLeaf(const TreePage& leaf);
  StreamItem Gap(const KeyRange& keys, PageId page, std::string reason) const;
  bool IsAtEnd(Bytes key) const;

  TrustedPages* trusted_;
  cow_tree::BucketLocation bucket_;
  KeyRange keys_;
  bool is_started_ = false;
  std::vector<Frame> path_;
  TreePage leaf_;
  uint32_t leaf_index_ = 0;
  uint32_t leaf_count_ = 0;
};

}  // namespace plugpull::bbolt_file
