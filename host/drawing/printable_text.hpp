// Names for OpenCV's fonts, which have the 95 characters of ASCII and no other.
#pragma once

#include <string>

namespace grapnel::drawing {

// The UTF-8 text in ASCII: Latin letters lose their marks ("Käse" -> "Kaese", "façade" -> "facade"), Greek
// and Cyrillic are transliterated, typographic signs get their plain form. "" if a character has no such form
// (Chinese, Arabic, an emoji) or the text is no UTF-8.
std::string ascii_form(const std::string& utf8);

// The same, or `fallback` where there is no form.
std::string ascii_form_or(const std::string& utf8, const std::string& fallback);

}  // namespace grapnel::drawing
