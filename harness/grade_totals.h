// Adds up the coverage of several searches of one trace.
#pragma once

#include <set>
#include <string>

#include "reports/result.h"

namespace plugpull {

// Returns: the sum of two whole numbers of any length, written in decimal digits.
std::string SumOfDecimals(const std::string& left, const std::string& right);

class GradeTotals {
 public:
  void Add(const Result& search);

  // Sets trace and coverage of `result`: exhaustive when every search was, else bounded when one
  // was, else sampled.
  void Fill(Result& result) const;

 private:
  TraceFacts trace_;
  Coverage coverage_;
  std::string states_ = "0";  // decimal
  std::set<std::string> modes_;
  std::set<std::string> bounds_;
  std::set<std::string> unknown_;
};

}  // namespace plugpull
