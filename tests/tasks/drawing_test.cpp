// Boxes with names in pictures of any size: scale, places of labels, colours, and names that the font lacks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "drawing/class_colours.hpp"
#include "drawing/labelled_boxes.hpp"
#include "drawing/panels.hpp"
#include "drawing/printable_text.hpp"

namespace grapnel::drawing {
namespace {

const cv::Rect kNothing;

bool is_inside(const cv::Rect& rect, const cv::Size& picture) {
  return rect.x >= 0 && rect.y >= 0 && rect.br().x <= picture.width && rect.br().y <= picture.height;
}

TEST(Drawing, TextAndLinesGrowWithThePicture) {
  for (const cv::Size size :
       {cv::Size(1, 1), cv::Size(40, 30), cv::Size(100, 100), cv::Size(319, 200), cv::Size(640, 480),
        cv::Size(1920, 1080), cv::Size(8000, 6000), cv::Size(20, 300)}) {
    const DrawingScale scale = drawing_scale(size);
    const cv::Size drawn = size * scale.enlargement;
    const int longer = std::max(drawn.width, drawn.height);
    EXPECT_GE(longer, 320) << size;
    EXPECT_GE(scale.text_height_px, 9) << size;
    // Seen as large as a screen shows it, a line of text is neither a hair nor a banner.
    const double part = scale.text_height_px / std::sqrt(static_cast<double>(drawn.area()));
    EXPECT_GT(part, 0.015) << size;
    EXPECT_LT(part, 0.06) << size;
    EXPECT_GE(scale.line_px, 2);
    EXPECT_LT(scale.line_px, scale.text_height_px);
  }
  EXPECT_EQ(drawing_scale({320, 320}).enlargement, 1);
  EXPECT_EQ(drawing_scale({100, 75}).enlargement, 5);
}

TEST(Drawing, EnlargedPicturesKeepTheirBoxesInPlace) {
  const cv::Mat picture(50, 100, CV_8UC3, cv::Scalar(128, 128, 128));
  const cv::Mat drawn = draw_boxes(picture, {{20, 30, 60, 40, 0, "a 0.50"}});
  const int times = drawing_scale(picture.size()).enlargement;
  ASSERT_EQ(drawn.size(), picture.size() * times);
  const cv::Scalar colour = class_colour(0);
  const auto at = [&](int x, int y) { return drawn.at<cv::Vec3b>(y * times, x * times); };
  for (const cv::Point corner : {cv::Point(40, 40), cv::Point(20, 35), cv::Point(60, 35)}) {
    EXPECT_EQ(at(corner.x, corner.y),
              cv::Vec3b(cv::saturate_cast<uint8_t>(colour[0]), cv::saturate_cast<uint8_t>(colour[1]),
                        cv::saturate_cast<uint8_t>(colour[2])))
        << corner;
  }
  EXPECT_EQ(at(40, 35), cv::Vec3b(128, 128, 128)) << "the object itself is covered";
}

TEST(Drawing, LeavesThePictureAsItIsAndDrawsWhatIsPartlyOrWhollyOutside) {
  const cv::Mat picture(400, 500, CV_8UC3, cv::Scalar(10, 20, 30));
  const cv::Mat before = picture.clone();
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const cv::Mat drawn = draw_boxes(picture, {{-50, -50, 900, 900, 3, "everything 1.00"},
                                             {1e30F, 1e30F, 2e30F, 2e30F, 4, "far 1.00"},
                                             {nan, 0, 10, 10, 5, "no number 1.00"},
                                             {-inf, 0, 10, 10, 6, "no number 1.00"},
                                             {30, 30, 30, 30, 1000000, "a point 1.00"},
                                             {40, 40, 20, 20, 2, "turned inside out 1.00"}});
  EXPECT_EQ(drawn.size(), picture.size());
  EXPECT_EQ(cv::norm(picture, before, cv::NORM_INF), 0);
  EXPECT_GT(cv::norm(drawn, picture, cv::NORM_INF), 50);
  EXPECT_EQ(cv::norm(draw_boxes(picture, {}), picture, cv::NORM_INF), 0);
}

TEST(Labels, StandAboveTheirBoxAndInsideThePicture) {
  const cv::Size picture(300, 200), label(60, 12);
  const auto place = [&](const cv::Rect& box) { return place_labels({box}, {label}, picture)[0]; };
  EXPECT_EQ(place({50, 80, 70, 40}), cv::Rect(50, 68, 60, 12));
  for (const cv::Rect box : {cv::Rect(0, 0, 300, 200), cv::Rect(-20, -20, 30, 30), cv::Rect(290, 190, 10, 10),
                             cv::Rect(290, 0, 10, 10), cv::Rect(0, 195, 5, 5)}) {
    EXPECT_TRUE(is_inside(place(box), picture)) << box << " " << place(box);
  }
}

TEST(Labels, DoNotCoverEachOtherWhereThereIsRoom) {
  const cv::Size picture(300, 200), label(60, 12);
  // Four objects on one place, and neighbours whose labels would meet.
  const std::vector<cv::Rect> boxes = {{100, 80, 80, 50}, {100, 80, 80, 50}, {100, 80, 80, 50},
                                       {100, 80, 80, 50}, {10, 20, 40, 30},  {30, 20, 40, 30}};
  const auto places = place_labels(boxes, std::vector<cv::Size>(boxes.size(), label), picture);
  for (size_t i = 0; i < places.size(); ++i) {
    EXPECT_TRUE(is_inside(places[i], picture));
    for (size_t j = 0; j < i; ++j) EXPECT_EQ(places[i] & places[j], kNothing) << i << " and " << j;
  }
  EXPECT_EQ(places[0], cv::Rect(100, 68, 60, 12)) << "the first one chooses first";
}

TEST(Labels, AreCutToThePictureWithTheirScoreWhole) {
  const std::string text = fitted_text("a very long name of a class", " 0.87", 12, 120);
  EXPECT_LE(text_size(text, 12).width, 120);
  EXPECT_THAT(text, ::testing::StartsWith("a ver"));
  EXPECT_THAT(text, ::testing::EndsWith(".. 0.87"));
  EXPECT_EQ(fitted_text("shoe", " 0.87", 12, 1000), "shoe 0.87");
}

TEST(Labels, CapitalsAreAsHighAsAsked) {
  for (const int height : {9, 14, 40, 120}) {
    cv::Mat page(height * 3, height * 6, CV_8UC3, cv::Scalar(0, 0, 0)), grey, ink;
    draw_text(page, "HIT", {height, 2 * height}, height, {255, 255, 255});
    cv::cvtColor(page, grey, cv::COLOR_BGR2GRAY);
    cv::findNonZero(grey > 128, ink);
    EXPECT_NEAR(cv::boundingRect(ink).height, height, 2 + height / 8.0);
  }
}

TEST(Colours, TextIsReadableOnEach) {
  for (size_t label = 0; label < 1300; ++label) {
    const cv::Scalar colour = class_colour(label);
    EXPECT_GE(contrast_ratio(text_colour_on(colour), colour), 4.5) << label;  // WCAG's level AA
  }
  EXPECT_NEAR(contrast_ratio({0, 0, 0}, {255, 255, 255}), 21, 1e-9);
}

double distance(const cv::Scalar& a, const cv::Scalar& b) { return cv::norm(a - b); }

TEST(Colours, OfEightyClassesAreAllDifferentAndStayTheSame) {
  for (size_t a = 0; a < 80; ++a) {
    for (size_t b = 0; b < a; ++b)
      EXPECT_GT(distance(class_colour(a), class_colour(b)), 10) << a << " and " << b;
  }
  EXPECT_EQ(class_colour(4), cv::Scalar(178, 114, 0)) << "B, G, R of Okabe and Ito's blue";
  EXPECT_EQ(class_colour(79), class_colour(79));
}

// What someone without the cones for medium wavelengths sees (Vienot, Brettel, Mollon 1999), in linear light.
cv::Scalar as_deuteranope_sees(const cv::Scalar& bgr) {
  const auto linear = [](double value) { return std::pow(value / 255, 2.2); };
  const double r = linear(bgr[2]), g = linear(bgr[1]), b = linear(bgr[0]);
  const double yellow = 0.29275 * r + 0.70725 * g, blue = -0.02234 * r + 0.02234 * g + b;
  const auto back = [](double value) { return 255 * std::pow(std::clamp(value, 0.0, 1.0), 1 / 2.2); };
  return {back(blue), back(yellow), back(yellow)};
}

TEST(Colours, TheFirstOnesDifferForTheColourBlindToo) {
  for (size_t a = 0; a < 7; ++a) {
    for (size_t b = 0; b < a; ++b) {
      EXPECT_GT(distance(as_deuteranope_sees(class_colour(a)), as_deuteranope_sees(class_colour(b))), 20)
          << a << " and " << b;
    }
  }
  EXPECT_LT(distance(as_deuteranope_sees({0, 84, 200}), as_deuteranope_sees({0, 128, 100})), 60)
      << "red and green are alike to them: the formula would not notice";
}

TEST(PrintableText, LosesMarksAndIsTransliterated) {
  EXPECT_EQ(ascii_form("T-shirt/top 3"), "T-shirt/top 3");
  EXPECT_EQ(ascii_form("Käse, Straße, Öl"), "Kaese, Strasse, Oel");
  EXPECT_EQ(ascii_form("façade, vélo, señal, ångström"), "facade, velo, senal, angstroem");
  EXPECT_EQ(ascii_form("Łódź, šroub, ďábel, Ğ"), "Lodz, sroub, dabel, G");
  EXPECT_EQ(ascii_form("велосипед, Щука, ёж"), "velosiped, Shchuka, yozh");
  EXPECT_EQ(ascii_form("ποδήλατο, Ψάρι"), "podilato, Psari");
  EXPECT_EQ(ascii_form("xe đạp, người"), "xe dap, nguoi");
  EXPECT_EQ(ascii_form("“dog’s” – 5 €…"), "\"dog's\" - 5 EUR...");
  EXPECT_EQ(ascii_form("e\u0301tat"), "etat") << "a mark of its own";
  EXPECT_EQ(ascii_form("a\tb\nc"), "a b c");
}

TEST(PrintableText, WithoutAFormTheFallbackIsShownAndNeverQuestionMarks) {
  for (const char* text :
       {"自行车", "دراجة", "자전거", "🚲", "自 dog", "\xff\xfe", "\xc3", "\xe2\x82", "", "  ", "ъ"}) {
    EXPECT_EQ(ascii_form_or(text, "class 3"), "class 3") << text;
  }
  EXPECT_EQ(ascii_form_or("dog", "class 3"), "dog");
}

TEST(Panels, StandBesideEachOtherUnderTheirTitles) {
  const cv::Mat left(240, 320, CV_8UC3, cv::Scalar(255, 0, 0)),
      right(240, 320, CV_8UC3, cv::Scalar(0, 0, 255));
  const cv::Mat both = side_by_side(left, "truth: 2", right, "found: 3");
  EXPECT_GT(both.cols, 640);
  EXPECT_GT(both.rows, 240);
  EXPECT_EQ(both.at<cv::Vec3b>(both.rows - 1, 0), cv::Vec3b(255, 0, 0));
  EXPECT_EQ(both.at<cv::Vec3b>(both.rows - 1, both.cols - 1), cv::Vec3b(0, 0, 255));
  const cv::Mat header = both(cv::Rect(0, 0, both.cols, both.rows - 240));
  double least = 0, most = 0;
  cv::minMaxLoc(header.reshape(1), &least, &most);
  EXPECT_GT(most, 200) << "no title was drawn";
}

}  // namespace
}  // namespace grapnel::drawing
