#include "harness/judged_images.h"

namespace plugpull {

Expected<const ImageOutcome*> JudgedImages::Find(const ImageKey& key, const Judge& judge) {
  std::unique_lock lock(mutex_);
  while (true) {
    const auto [known, is_new] = entries_.try_emplace(key);
    if (is_new) break;
    if (known->second.outcome != nullptr) return known->second.outcome.get();
    done_.wait(lock);  // the entry is gone when its judge has failed
  }
  lock.unlock();
  Expected<ImageOutcome> outcome = judge();
  lock.lock();
  done_.notify_all();
  if (!outcome) {
    entries_.erase(key);
    return std::unexpected(outcome.error());
  }
  Entry& entry = entries_.at(key);
  entry.outcome = std::make_unique<ImageOutcome>(std::move(*outcome));
  return entry.outcome.get();
}

bool JudgedImages::Attribute(const ImageKey& key) {
  const std::scoped_lock lock(mutex_);
  return !std::exchange(entries_.at(key).is_attributed, true);
}

}  // namespace plugpull
