// The word that was probably meant, for complaints about words that nobody knows.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace plugpull {

// Returns: ", did you mean 'x'?" for the candidate nearest to `word`, or "" when none is near.
std::string NearestHint(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace plugpull
