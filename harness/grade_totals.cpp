#include "harness/grade_totals.h"

#include <algorithm>
#include <cmath>

namespace plugpull {

std::string SumOfDecimals(const std::string& left, const std::string& right) {
  std::string sum;  // the last digit first
  int carry = 0;
  for (size_t i = 0; i < std::max(left.size(), right.size()) || carry != 0; ++i) {
    if (i < left.size()) carry += left[left.size() - 1 - i] - '0';
    if (i < right.size()) carry += right[right.size() - 1 - i] - '0';
    sum.push_back(static_cast<char>('0' + carry % 10));
    carry /= 10;
  }
  std::ranges::reverse(sum);
  return sum;
}

void GradeTotals::Add(const Result& search) {
  const Coverage& coverage = search.coverage;
  trace_ = search.trace;
  coverage_.crash_points += coverage.crash_points;
  coverage_.states_exact = coverage_.states_exact && coverage.states_exact;
  coverage_.recoveries += coverage.recoveries;
  coverage_.distinct_images += coverage.distinct_images;
  coverage_.reruns += coverage.reruns;
  coverage_.uses += coverage.uses;
  states_ = SumOfDecimals(states_, coverage.states);
  modes_.insert(coverage.mode);
  bounds_.insert(coverage.bounds.begin(), coverage.bounds.end());
  unknown_.insert(coverage.unknown.begin(), coverage.unknown.end());
}

void GradeTotals::Fill(Result& result) const {
  result.trace = trace_;
  result.coverage = coverage_;
  Coverage& coverage = result.coverage;
  coverage.states = states_;
  // The first digits say enough: no number is too long for a double then.
  const std::string head = coverage.states.substr(0, 15);
  coverage.states_log10 =
      states_ == "0"
          ? 0
          : std::log10(std::stod(head)) + static_cast<double>(coverage.states.size() - head.size());
  coverage.bounds.assign(bounds_.begin(), bounds_.end());
  coverage.unknown.assign(unknown_.begin(), unknown_.end());
  if (modes_.empty()) coverage.unknown.emplace_back("stopped before anything was explored");
  const bool is_exhaustive = modes_ == std::set<std::string>{"exhaustive"};
  coverage.mode = modes_.contains("bounded") || modes_.empty() ? "bounded"
                  : is_exhaustive                              ? "exhaustive"
                                                               : "sampled";
}

}  // namespace plugpull
