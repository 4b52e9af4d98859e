#include "faults/persistence/tear.h"

#include <array>

namespace plugpull {
namespace {

constexpr std::array<std::string_view, 6> kWords = {"none", "4096", "512", "512,any", "64", "8"};

}  // namespace

std::optional<Tear> ParseTear(std::string_view word) {
  for (size_t i = 0; i < kWords.size(); ++i) {
    if (kWords[i] == word) return static_cast<Tear>(i);
  }
  return std::nullopt;
}

std::string_view Name(Tear tear) { return kWords[static_cast<size_t>(tear)]; }

}  // namespace plugpull
