// Run-length masks: known texts, and boxes and areas worked out by hand.
#include "tasks/detection/data/coco_rle.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grapnel::detection::data {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

TEST(CocoRle, DecodesCompressedCounts) {
  EXPECT_THAT(decode_rle_counts(""), Optional(ElementsAre()));
  EXPECT_THAT(decode_rle_counts("52"), Optional(ElementsAre(5, 2)));
  EXPECT_THAT(decode_rle_counts("P1"), Optional(ElementsAre(32)));
  // From the fourth run on a character is the difference to the run two before: 3, 2, 4, 2 + 1, 4 - 2.
  EXPECT_THAT(decode_rle_counts("3241N"), Optional(ElementsAre(3, 2, 4, 3, 2)));
}

TEST(CocoRle, RefusesTextsThatAreNoCounts) {
  EXPECT_EQ(decode_rle_counts("P"), std::nullopt) << "it ends in the middle of a number";
  EXPECT_EQ(decode_rle_counts("5 2"), std::nullopt);
  EXPECT_EQ(decode_rle_counts("~"), std::nullopt);
  EXPECT_EQ(decode_rle_counts(std::string(40, 'o')), std::nullopt) << "a number without end";
}

TEST(CocoRle, MeasuresAreaAndBoxDownTheColumns) {
  // A picture of height 4 and width 3: pixels 5 and 6 are the second column's rows 1 and 2.
  const CocoRle inside{4, 3, {5, 2, 5}};
  EXPECT_EQ(rle_area_px2(inside), 2);
  EXPECT_THAT(rle_box_xywh_px(inside), ElementsAre(1, 1, 1, 2));
  // Pixels 3 to 4 go from the foot of the first column to the head of the second.
  const CocoRle round_a_corner{4, 3, {3, 2, 7}};
  EXPECT_THAT(rle_box_xywh_px(round_a_corner), ElementsAre(0, 0, 2, 4));
  const CocoRle two_runs{4, 3, {0, 1, 9, 2}};
  EXPECT_EQ(rle_area_px2(two_runs), 3);
  EXPECT_THAT(rle_box_xywh_px(two_runs), ElementsAre(0, 0, 3, 4));
}

TEST(CocoRle, FindsNothingInAnEmptyMask) {
  EXPECT_EQ(rle_area_px2({4, 3, {12}}), 0);
  EXPECT_THAT(rle_box_xywh_px({4, 3, {12}}), ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(rle_box_xywh_px({0, 0, {}}), ElementsAre(0, 0, 0, 0));
}

}  // namespace
}  // namespace grapnel::detection::data
