// Delta debugging: the shortest list that still does what it is wanted for. Knows nothing about
// what the list is of: transactions, changes, lost writes.
//
// Rule: ddmin of Zeller and Hildebrandt, reduced to its complements. What comes out is 1-minimal:
// no element can be left out alone. That is not the smallest list there is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "faults/base/error.h"

namespace plugpull {

// How much may be tried. What stops it by a number is the same every time; what stops it otherwise,
// a clock or a user, never makes a result another one, only less small.
class TestLimit {
 public:
  // `goes_on`: not set: nothing else stops it.
  explicit TestLimit(uint64_t most_tests, std::function<bool()> goes_on = nullptr)
      : left_(most_tests), most_(most_tests), goes_on_(std::move(goes_on)) {}

  // Takes one test from what is left. Returns: false when there is none, and says so in bound().
  bool Spend();

  // Returns: what ended the search; empty: nothing has yet.
  const std::string& bound() const { return bound_; }
  uint64_t spent() const { return most_ - left_; }

 private:
  uint64_t left_;
  uint64_t most_;
  std::function<bool()> goes_on_;
  std::string bound_;
};

struct ReducedList {
  std::vector<size_t> kept;  // indices, ascending
  bool is_minimal = false;   // each of them alone was tried
};

// Returns: whether the list of the elements `kept` (indices, ascending) does it.
using ListTest = std::function<Expected<bool>(const std::vector<size_t>& kept)>;

// Tries to leave out the first elements first. Requires: all `count` elements together do it.
// Errors: those of the test.
Expected<ReducedList> ReduceList(size_t count, TestLimit& limit, const ListTest& does_it);

}  // namespace plugpull
