// JSON files of ours that people read and tools keep: laid out so that a line says one thing, and
// checked when they come back, since what strangers send may be cut, garbled, or built to do harm.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace plugpull {

// Deeper documents are not ours, and whoever walks through one needs stack for each level.
inline constexpr int kDeepestDocument = 16;

enum class DocumentTrouble : uint8_t {
  kNone,
  kCut,      // it is the beginning of a document
  kNotJson,  // or nested deeper than any of ours
};

// Parses `text` into `document`. Returns: what is wrong with it.
DocumentTrouble ParseDocument(std::string_view text, nlohmann::json& document);

// Returns: the document as text in ASCII with a line for each member, list entry or object of one.
// Bytes in strings that are no text are replaced.
std::string LayOutDocument(const nlohmann::ordered_json& document);

// Returns: sixteen digits that say what the document says: neither white space nor the order of
// members changes them, all else does.
std::string DocumentDigest(const nlohmann::json& document);

}  // namespace plugpull
