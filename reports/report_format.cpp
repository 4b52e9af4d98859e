#include "reports/report_format.h"

namespace plugpull {

const std::vector<ReportFormat>& ReportFormats() {
  static const std::vector<ReportFormat> formats = {
      {"json", "write the result as one JSON object (plugpull.result/1)", RenderJson},
      {"junit", "write a JUnit XML report, one test case for each promise", RenderJunit},
  };
  return formats;
}

}  // namespace plugpull
