// The container that plugpull's own files share: named, compressed, checksummed sections. A trace
// and a case differ in their magic and in what their sections hold.
//
//   header    8 bytes magic, u32 version, u64 checksum of those twelve bytes
//   section   u8 length of the name, name, u32 flags, u64 uncompressed bytes, u64 compressed bytes,
//             u64 checksum of the compressed bytes, u64 checksum of this header; then the
//             compressed bytes (one zstd frame)
//   ...
//   closing   a section header without a name, flag 1; uncompressed bytes = number of sections,
//             checksum = that of every byte before it. Nothing follows.
//
// Integers are little-endian, checksums are XXH3-64. The header never changes between versions, so
// that every plugpull can tell a file that is too new from one that is damaged. A file cut at any
// byte, with any bit flipped or any section moved is noticed. The checksums protect against
// accidents only; what sections say is for their owner to validate.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "faults/base/error.h"

namespace plugpull {

// No file of ours holds more than this once it is unpacked, all sections together.
inline constexpr uint64_t kMaxContainerBytes = uint64_t{4} << 30;

// What makes one kind of file different from another.
struct ContainerFormat {
  std::string_view magic;  // eight characters
  uint32_t version;        // written into new files; the newest that can be read
  std::string_view what;   // for error texts: "trace"
  std::string_view cure;   // for error texts, what to do about a damaged file: "record it again"
};

struct Section {
  std::string name;  // 1 to 255 characters
  std::vector<std::byte> bytes;

  bool operator==(const Section&) const = default;
};

// A container as it was read.
struct Container {
  uint32_t version = 0;
  std::vector<Section> sections;  // in the order of the file

  // Returns: the bytes of a section. Errors: kNotFound.
  Expected<std::span<const std::byte>> Find(std::string_view name) const;
};

// Returns: the same bytes for the same sections, always.
// Requires: names are distinct; all sections together hold at most kMaxContainerBytes.
std::vector<std::byte> EncodeContainer(const ContainerFormat& format,
                                       std::span<const Section> sections);

// Reads a container from bytes that may say anything. Memory is taken only as real data arrives.
// Errors: kTooNew when a later plugpull wrote it, kCorrupt for everything else, also when it says
// that it holds more than `most_bytes` once it is unpacked. The text is a sentence about "this
// trace"; the caller puts the path in front.
Expected<Container> DecodeContainer(const ContainerFormat& format, std::span<const std::byte> bytes,
                                    uint64_t most_bytes = kMaxContainerBytes);

// Returns: the error for a `format.what` whose sections make no sense, in the same voice.
std::unexpected<Error> FailDamaged(const ContainerFormat& format, std::string_view reason);

}  // namespace plugpull
