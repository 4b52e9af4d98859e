// How a write that was not yet synced may be cut by a crash.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace plugpull {

enum class Tear : uint8_t {
  kNone,               // "none": a write survives whole or not at all
  kPages,              // "4096": any subset of the pages that it touches
  kSectorsContiguous,  // "512": in each page a prefix or a suffix of the sectors that it touches
  kSectorsAny,         // "512,any": any subset of its sectors
};

// The sectors and pages of a file that a tear may separate.
inline constexpr uint64_t kSectorBytes = 512;
inline constexpr uint64_t kTearPageBytes = 4096;

// Returns: the size of the pieces that survive or not on their own.
constexpr uint64_t UnitBytes(Tear tear) {
  return tear == Tear::kNone || tear == Tear::kPages ? kTearPageBytes : kSectorBytes;
}

// Returns: true when `tear` cuts into larger pieces than `other`, or into fewer shapes of them.
constexpr bool IsCoarser(Tear tear, Tear other) { return tear < other; }

// Returns: the tear that `--tear` calls `word`, or nothing.
std::optional<Tear> ParseTear(std::string_view word);

// Returns: the word that ParseTear reads back.
std::string_view Name(Tear tear);

}  // namespace plugpull
