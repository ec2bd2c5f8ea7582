// One line chart as SVG: a frame, the ends of its axes as numbers, and the line. No library.
#pragma once

#include <algorithm>
#include <cmath>
#include <ostream>
#include <string>
#include <vector>

struct ChartPoint {
  double x;
  double y;
};

// Draws a chart of width x height pixels whose top left corner is at (0, top). Points that are not finite are
// left out. `name` must need no escaping, and `out` have the classic locale: SVG knows no decimal comma.
inline void draw_chart(std::ostream& out, const std::vector<ChartPoint>& points, const std::string& name,
                       double top, double width, double height) {
  std::vector<ChartPoint> finite;
  for (const ChartPoint& point : points) {
    if (std::isfinite(point.x) && std::isfinite(point.y)) finite.push_back(point);
  }
  const double left = 70, right = width - 20, upper = top + 30, lower = top + height - 30;
  const auto open_text = [&](double x, double y, const char* anchor) -> std::ostream& {
    return out << "<text x=\"" << x << "\" y=\"" << y << "\" text-anchor=\"" << anchor << "\">";
  };
  out << "<rect x=\"" << left << "\" y=\"" << upper << "\" width=\"" << right - left << "\" height=\""
      << lower - upper << "\" fill=\"none\" stroke=\"#999\"/>\n";
  open_text(left, top + 20, "start") << name << "</text>\n";
  if (finite.empty()) {
    open_text((left + right) / 2, (upper + lower) / 2, "middle") << "no data yet</text>\n";
    return;
  }

  ChartPoint low = finite[0], high = finite[0];
  for (const ChartPoint& point : finite) {
    low = {std::min(low.x, point.x), std::min(low.y, point.y)};
    high = {std::max(high.x, point.x), std::max(high.y, point.y)};
  }
  open_text(left - 6, lower, "end") << low.y << "</text>\n";
  open_text(left - 6, upper + 10, "end") << high.y << "</text>\n";
  const auto digits = out.precision(10);  // an iteration is shown to its last digit
  open_text(left, lower + 18, "start") << low.x << "</text>\n";
  open_text(right, lower + 18, "end") << high.x << "</text>\n";
  out.precision(digits);

  // Halves, so that the range of two huge numbers does not overflow; a flat line lies in the middle.
  const auto scaled = [](double value, double from, double to, double begin, double end) {
    const double range = to / 2 - from / 2;
    return range > 0 ? begin + (end - begin) * ((value / 2 - from / 2) / range) : (begin + end) / 2;
  };
  out << "<polyline fill=\"none\" stroke=\"#1f77b4\" stroke-width=\"1.5\" points=\"";
  for (const ChartPoint& point : finite) {
    out << scaled(point.x, low.x, high.x, left, right) << ',' << scaled(point.y, low.y, high.y, lower, upper)
        << ' ';
  }
  out << "\"/>\n";
}
