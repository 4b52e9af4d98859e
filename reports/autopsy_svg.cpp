// The picture of a damaged neighbourhood: pages in layers by their distance from a root, parents
// above children. One file, no script and no font of its own, so that it can be mailed.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "reports/autopsy_report.h"

namespace plugpull {
namespace bbolt_file {
namespace {

constexpr int kBoxWidth = 176;
constexpr int kBoxHeight = 62;
constexpr int kGapX = 22;
constexpr int kGapY = 58;
constexpr int kMargin = 24;
constexpr int kHeadHeight = 104;     // title and legend
constexpr size_t kBoxesInARow = 8;   // a wider layer goes on below
constexpr size_t kKeyShownMax = 18;  // characters
constexpr size_t kTitleShownMax = 150;

struct Look {
  std::string_view name;
  std::string_view fill;
  std::string_view stroke;
};

constexpr Look kDamaged{"damaged", "#f8d0cc", "#b3261e"};
constexpr Look kOnlyActive{"only in the active tree", "#d3e3fd", "#0b57d0"};
constexpr Look kOnlyPrevious{"only in the previous tree", "#fdeccb", "#b06000"};
constexpr Look kShared{"in both trees", "#eceff1", "#5f6368"};
constexpr Look kUnreached{"in neither tree", "#ffffff", "#9aa0a6"};

const Look& LookOf(bool is_damaged, bool in_active, bool in_previous) {
  if (is_damaged) return kDamaged;
  if (in_active && in_previous) return kShared;
  if (in_active) return kOnlyActive;
  return in_previous ? kOnlyPrevious : kUnreached;
}

// Returns: the text as XML may hold it.
std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '&') {
      escaped += "&amp;";
    } else if (c == '<') {
      escaped += "&lt;";
    } else if (c == '>') {
      escaped += "&gt;";
    } else if (c == '"') {
      escaped += "&quot;";
    } else {
      escaped += c >= 0x20 && c < 0x7f ? c : '?';
    }
  }
  return escaped;
}

std::string Short(const std::string& text, size_t most) {
  return text.size() <= most ? text : text.substr(0, most - 2) + "..";
}

struct Place {
  int x = 0;
  int y = 0;
};

// Where each page is drawn.
struct Layout {
  std::map<PageId, Place> places;
  int width = 0;
  int height = 0;
};

// Returns: the distance of each page from the roots of the picture. A page that only a cycle leads
// to starts a picture of its own.
std::map<PageId, size_t> Layers(const Graph& graph) {
  std::map<PageId, std::vector<PageId>> children;
  std::map<PageId, size_t> parents;
  for (const GraphPage& page : graph.pages) parents[page.page] = 0;
  for (const GraphEdge& edge : graph.edges) {
    if (!parents.contains(edge.from) || !parents.contains(edge.to) || edge.from == edge.to)
      continue;
    children[edge.from].push_back(edge.to);
    ++parents[edge.to];
  }
  std::map<PageId, size_t> layers;
  const auto spread = [&](PageId root) {
    std::vector<PageId> wave = {root};
    layers[root] = 0;
    for (size_t next = 0; next < wave.size(); ++next) {
      for (const PageId child : children[wave[next]]) {
        if (layers.emplace(child, layers[wave[next]] + 1).second) wave.push_back(child);
      }
    }
  };
  for (const GraphPage& page : graph.pages) {
    if (parents[page.page] == 0) spread(page.page);
  }
  for (const GraphPage& page : graph.pages) {
    if (!layers.contains(page.page)) spread(page.page);
  }
  return layers;
}

Layout Arrange(const Graph& graph) {
  std::map<size_t, std::vector<PageId>> rows;
  const std::map<PageId, size_t> layers = Layers(graph);
  for (const GraphPage& page : graph.pages) {
    std::vector<PageId>& row = rows[layers.at(page.page)];
    if (std::ranges::find(row, page.page) == row.end()) row.push_back(page.page);
  }
  Layout layout{.places = {}, .width = 760, .height = kHeadHeight};
  for (const auto& [layer, row] : rows) {
    for (size_t index = 0; index < row.size(); ++index) {
      const auto column = static_cast<int>(index % kBoxesInARow);
      if (index > 0 && column == 0) layout.height += kBoxHeight + kGapY / 2;
      const Place place{kMargin + column * (kBoxWidth + kGapX), layout.height};
      layout.places[row[index]] = place;
      layout.width = std::max(layout.width, place.x + kBoxWidth + kMargin + kGapX);
    }
    layout.height += kBoxHeight + kGapY;
  }
  layout.height += kMargin;
  return layout;
}

std::string Box(const GraphPage& page, Place place) {
  const Look& look = LookOf(page.is_damaged, page.in_active, page.in_previous);
  std::string text = fmt::format(
      "<g><title>page {}, {}, {} elements, keys {} to {}, {}</title>\n"
      "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"6\" fill=\"{}\" stroke=\"{}\" "
      "stroke-width=\"{}\"/>\n",
      page.page, Escaped(page.kind), page.elements, Escaped(page.first_key), Escaped(page.last_key),
      look.name, place.x, place.y, kBoxWidth, kBoxHeight, look.fill, look.stroke,
      page.is_damaged ? 2 : 1);
  const auto line = [&](int row, std::string_view weight, const std::string& words) {
    text += fmt::format("<text x=\"{}\" y=\"{}\" font-weight=\"{}\">{}</text>\n", place.x + 10,
                        place.y + 18 + 18 * row, weight, Escaped(words));
  };
  line(0, "bold", fmt::format("{} {}", page.page, Short(page.kind, 14)));
  line(1, "normal", page.elements == 0 ? "no elements" : Short(page.first_key, kKeyShownMax));
  if (page.elements > 0) {
    line(2, "normal",
         fmt::format("{} ({})", Short(page.last_key, kKeyShownMax - 4), page.elements));
  }
  return text + "</g>\n";
}

std::string Edge(const GraphEdge& edge, Place from, Place to) {
  const Look& look = LookOf(edge.is_damaged, edge.in_active, edge.in_previous);
  const std::string style = fmt::format(
      "fill=\"none\" stroke=\"{}\" stroke-width=\"{}\"{} marker-end=\"url(#{})\"", look.stroke,
      edge.is_damaged ? 2 : 1, edge.is_damaged ? " stroke-dasharray=\"6 3\"" : "",
      edge.is_damaged ? "bad" : "good");
  const int middle = from.x + kBoxWidth / 2;
  std::string path;
  if (to.y > from.y) {
    const int start = from.y + kBoxHeight;
    path = fmt::format("M{} {} C{} {} {} {} {} {}", middle, start, middle, start + kGapY / 2,
                       to.x + kBoxWidth / 2, to.y - kGapY / 2, to.x + kBoxWidth / 2, to.y - 2);
  } else {  // back up, or to itself: around the right side
    const int right = std::max(from.x, to.x) + kBoxWidth + kGapX;
    path = fmt::format("M{} {} C{} {} {} {} {} {}", from.x + kBoxWidth, from.y + kBoxHeight / 2,
                       right + kGapX, from.y + kBoxHeight / 2, right + kGapX, to.y + kBoxHeight / 4,
                       to.x + kBoxWidth + 2, to.y + kBoxHeight / 4);
  }
  return fmt::format("<path d=\"{}\" {}><title>{} to {}{}</title></path>\n", path, style, edge.from,
                     edge.to, edge.is_damaged ? ", which does not fit there" : "");
}

std::string Legend() {
  std::string text;
  int x = kMargin;
  for (const Look* look : {&kDamaged, &kOnlyActive, &kOnlyPrevious, &kShared, &kUnreached}) {
    text += fmt::format(
        "<rect x=\"{}\" y=\"62\" width=\"14\" height=\"14\" fill=\"{}\" stroke=\"{}\"/>\n"
        "<text x=\"{}\" y=\"74\">{}</text>\n",
        x, look->fill, look->stroke, x + 20, look->name);
    x += 40 + 8 * static_cast<int>(look->name.size());
  }
  return text;
}

constexpr std::string_view kMarkers =
    "<defs>\n"
    "<marker id=\"good\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" "
    "markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#5f6368\"/></marker>\n"
    "<marker id=\"bad\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" "
    "markerHeight=\"7\" orient=\"auto\" markerUnits=\"userSpaceOnUse\"><path d=\"M0 0L8 4L0 8z\" "
    "fill=\"#b3261e\"/></marker>\n"
    "</defs>\n";

}  // namespace
}  // namespace bbolt_file

std::string RenderAutopsySvg(const bbolt_file::Autopsy& autopsy) {
  using namespace bbolt_file;
  const Graph& graph = autopsy.graph;
  Layout layout = Arrange(graph);
  layout.width = std::max(layout.width, 900);
  const std::string title = AutopsyVerdict(autopsy);
  std::string text = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} "
      "{1}\" font-family=\"monospace\" font-size=\"12\">\n"
      "<title>{2}</title>\n{3}"
      "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
      "<text x=\"{4}\" y=\"26\" font-size=\"14\" font-weight=\"bold\">{5}</text>\n",
      layout.width, layout.height, Escaped(title), kMarkers, kMargin,
      Escaped(Short(title, kTitleShownMax)));
  const std::string_view note = graph.pages.empty() ? "There is no damage to draw."
                                : graph.is_cut
                                    ? "A box is a page: id, kind, first key, last key (elements). "
                                      "There is more around the damage than is drawn."
                                    : "A box is a page: id, kind, first key, last key (elements).";
  text += fmt::format("<text x=\"{}\" y=\"46\">{}</text>\n", kMargin, note);
  if (!graph.pages.empty()) text += Legend();
  for (const GraphEdge& edge : graph.edges) {
    const auto from = layout.places.find(edge.from);
    const auto to = layout.places.find(edge.to);
    if (from == layout.places.end() || to == layout.places.end()) continue;
    text += Edge(edge, from->second, to->second);
  }
  for (const GraphPage& page : graph.pages) text += Box(page, layout.places.at(page.page));
  return text + "</svg>\n";
}

}  // namespace plugpull
