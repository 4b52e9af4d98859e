// A recovery, step by step and in words: which files it found and missed, which of them a crash had
// brought back or taken away, where it first read what was lost, and what it changed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/recovery_story.h"

namespace plugpull {

struct RecoverySteps {
  std::vector<std::string> lines;
  std::string first_read;  // a sentence: where it first read what was lost; empty: it never did
  std::string changed;     // a sentence: what it wrote and removed while it opened the store
};

// Requires: the story has calls.
RecoverySteps StepsOf(const RecoveryStory& story);

// The bytes of files that are not as the program had left them, by path: [first, second),
// ascending.
using DifferingBytes = std::map<std::string, std::vector<std::pair<uint64_t, uint64_t>>>;

// Returns: those of files that both images have.
DifferingBytes DifferingBytesOf(const Image& issued, const Image& found);

// Returns: the paths of files that one image has and the other has not, sorted.
std::vector<std::string> PathsOnlyIn(const Image& image, const Image& other);

}  // namespace plugpull
