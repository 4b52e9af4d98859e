#include "faults/base/nearest.h"

#include <fmt/format.h>

#include <algorithm>

namespace plugpull {
namespace {

// A word of this many letters is no typing mistake, and comparing it would take forever.
constexpr size_t kLongestWord = 256;

// Levenshtein distance: how many single-letter edits lie between two words.
size_t EditDistance(std::string_view left, std::string_view right) {
  std::vector<size_t> row(right.size() + 1);
  for (size_t j = 0; j <= right.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= left.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= right.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1,
                         diagonal + (left[i - 1] == right[j - 1] ? size_t{0} : size_t{1})});
      diagonal = above;
    }
  }
  return row[right.size()];
}

}  // namespace

std::string NearestHint(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.size() > kLongestWord) return "";
  const std::string* best = nullptr;
  size_t best_distance = std::max<size_t>(2, word.size() / 2) + 1;
  for (const std::string& candidate : candidates) {
    const size_t distance = EditDistance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = &candidate;
    }
  }
  return best == nullptr ? "" : fmt::format(", did you mean '{}'?", *best);
}

}  // namespace plugpull
