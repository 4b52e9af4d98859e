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
  // Beyond a disk's contract, which is to write a sector as a whole: in each page a prefix or a
  // suffix of the pieces that a write touches.
  kBytes64,  // "64"
  kBytes8,   // "8"
};

// The sectors and pages of a file that a tear may separate.
inline constexpr uint64_t kSectorBytes = 512;
inline constexpr uint64_t kTearPageBytes = 4096;

// Returns: the size of the pieces that survive or not on their own.
constexpr uint64_t UnitBytes(Tear tear) {
  switch (tear) {
    case Tear::kNone:
    case Tear::kPages:
      return kTearPageBytes;
    case Tear::kSectorsContiguous:
    case Tear::kSectorsAny:
      return kSectorBytes;
    case Tear::kBytes64:
      return 64;
    case Tear::kBytes8:
      return 8;
  }
  return kTearPageBytes;
}

// Returns: true when `tear` cuts into larger pieces than `other`, or into fewer shapes of them.
constexpr bool IsCoarser(Tear tear, Tear other) { return tear < other; }

// Returns: true when `tear` cuts inside sectors, which no correct disk does.
constexpr bool IsSubSector(Tear tear) { return UnitBytes(tear) < kSectorBytes; }

// Returns: true when what survives of a page is a prefix or a suffix of what was written to it.
constexpr bool IsContiguous(Tear tear) {
  return tear == Tear::kSectorsContiguous || IsSubSector(tear);
}

// Returns: the tear that `--tear` calls `word`, or nothing.
std::optional<Tear> ParseTear(std::string_view word);

// Returns: the word that ParseTear reads back.
std::string_view Name(Tear tear);

}  // namespace plugpull
