// Whole numbers from JSON that strangers may have written. nlohmann-json by itself turns -1 into
// the largest number, and cuts off what does not fit.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>

namespace plugpull {

// Returns: the number that `from` says. Throws: json::type_error, json::out_of_range.
template <std::unsigned_integral Number>
Number WholeNumber(const nlohmann::json& from) {
  const bool is_whole =
      from.is_number_unsigned() || (from.is_number_integer() && from.get<int64_t>() >= 0);
  if (!is_whole) throw nlohmann::json::type_error::create(302, "no whole number", &from);
  const uint64_t number = from.get<uint64_t>();
  if (number > std::numeric_limits<Number>::max()) {
    throw nlohmann::json::out_of_range::create(406, "the number is too large", &from);
  }
  return static_cast<Number>(number);
}

// Returns: `from`, which is a list. Throws: json::type_error.
inline const nlohmann::json& List(const nlohmann::json& from) {
  if (!from.is_array()) throw nlohmann::json::type_error::create(302, "no list", &from);
  // NOLINTNEXTLINE(bugprone-return-const-ref-from-parameter): callers pass what json::at refers to.
  return from;
}

}  // namespace plugpull
