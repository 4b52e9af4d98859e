// Deterministic randomness: one 64-bit campaign seed, and named streams derived from it by hashing.
// The same seed and name give the same draws on every machine; there is no global generator.
#pragma once

#include <cstdint>
#include <string_view>

namespace plugpull {

// Returns: a well-mixed function of its argument (the finaliser of SplitMix64, Steele et al. 2014).
constexpr uint64_t Mix64(uint64_t value) {
  value += 0x9e3779b97f4a7c15ULL;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

class Random {
 public:
  explicit constexpr Random(uint64_t seed) : state_(seed) {}

  // A stream of its own for `name`, so that a new consumer never shifts the draws of an old one.
  constexpr Random(uint64_t seed, std::string_view name) : state_(Mix64(seed)) {
    for (char c : name) state_ = Mix64(state_ ^ static_cast<unsigned char>(c));
  }

  constexpr uint64_t Next() { return Mix64(state_ += 0x9e3779b97f4a7c15ULL); }

  // Returns: a draw in [0, limit). Requires: limit > 0.
  constexpr uint64_t Below(uint64_t limit) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(Next()) * limit) >> 64);
  }

  // Returns: true in `numerator` of `denominator` draws on average.
  constexpr bool OneIn(uint64_t numerator, uint64_t denominator) {
    return Below(denominator) < numerator;
  }

 private:
  uint64_t state_;
};

}  // namespace plugpull
