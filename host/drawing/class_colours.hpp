// A fixed colour for each class, and the text colour that is readable on it.
#pragma once

#include <cstddef>
#include <opencv2/core.hpp>

namespace grapnel::drawing {

// BGR, 0..255. The first seven are the palette of Okabe and Ito (Color Universal Design, 2008), which people
// with any colour vision tell apart; later ones go around the colour circle by the golden angle, in five
// tones.
cv::Scalar class_colour(size_t label);

// Black or white, whichever contrasts more with `background` (WCAG 2.1, relative luminance).
cv::Scalar text_colour_on(const cv::Scalar& background);

// 1 (the same) to 21 (black on white), as WCAG 2.1 defines it.
double contrast_ratio(const cv::Scalar& one, const cv::Scalar& other);

}  // namespace grapnel::drawing
