// What is known about images: shared by all who search, so that images that look alike, after the
// same acknowledgements, are judged once, whoever comes upon them first.
//
// Thread-safety: all calls from any thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "faults/base/error.h"
#include "faults/persistence/state_tree.h"
#include "harness/recovery.h"

namespace plugpull {

struct ImageKey {
  TreeHash tree;
  uint64_t circumstances = 0;  // a hash of what else the outcome depends on

  bool operator==(const ImageKey&) const = default;
};

struct ImageOutcome {
  Judgement judgement;
  bool is_deterministic = true;  // false: a second judgement was another one
};

class JudgedImages {
 public:
  using Judge = std::function<Expected<ImageOutcome>()>;

  // Returns: the outcome that is known, else that of `judge`, which is called by the first to ask;
  // others wait for it. An error is not kept. Valid as long as this object.
  Expected<const ImageOutcome*> Find(const ImageKey& key, const Judge& judge);

  // Says that a result tells of this image. Returns: true the first time. Call in the order of the
  // results. Requires: Find returned its outcome.
  bool Attribute(const ImageKey& key);

 private:
  struct Entry {
    std::unique_ptr<ImageOutcome> outcome;  // null: under way
    bool is_attributed = false;
  };
  struct Hash {
    size_t operator()(const ImageKey& key) const { return key.tree.low ^ key.circumstances; }
  };

  std::mutex mutex_;
  std::condition_variable done_;
  std::unordered_map<ImageKey, Entry, Hash> entries_;
};

}  // namespace plugpull
