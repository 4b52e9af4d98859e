#include "harness/minimise_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace plugpull {

bool TestLimit::Spend() {
  if (goes_on_ != nullptr && !goes_on_()) {
    bound_ = "stopped";
    return false;
  }
  if (left_ == 0) {
    bound_ = fmt::format("{} tests", most_);
    return false;
  }
  --left_;
  return true;
}

Expected<ReducedList> ReduceList(size_t count, TestLimit& limit, const ListTest& does_it) {
  ReducedList list;
  list.kept.resize(count);
  std::iota(list.kept.begin(), list.kept.end(), size_t{0});
  size_t chunk = std::max<size_t>(1, count);
  while (!list.kept.empty()) {
    chunk = std::min(chunk, list.kept.size());
    bool has_changed = false;
    for (size_t begin = 0; begin < list.kept.size();) {
      const size_t end = std::min(list.kept.size(), begin + chunk);
      std::vector<size_t> fewer(list.kept.begin(),
                                list.kept.begin() + static_cast<ptrdiff_t>(begin));
      fewer.insert(fewer.end(), list.kept.begin() + static_cast<ptrdiff_t>(end), list.kept.end());
      if (!limit.Spend()) return list;
      const Expected<bool> done = does_it(fewer);
      if (!done) return std::unexpected(done.error());
      if (*done) {
        list.kept = std::move(fewer);
        has_changed = true;
      } else {
        begin = end;
      }
    }
    if (chunk == 1 && !has_changed) break;
    chunk = std::max<size_t>(1, chunk / 2);
  }
  list.is_minimal = true;
  return list;
}

}  // namespace plugpull
