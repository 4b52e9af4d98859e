// Bytes as text that every tool reads: RFC 4648, section 4, with padding and without line breaks.
// `base64 -d` is the way back.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace plugpull {

// Returns: four characters for each three bytes.
std::string ToBase64(std::span<const std::byte> bytes);

// Returns: the bytes; nothing for a text that ToBase64 gives for no bytes.
std::optional<std::vector<std::byte>> FromBase64(std::string_view text);

}  // namespace plugpull
