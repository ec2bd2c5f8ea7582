#include "tasks/detection/data/jpeg_decoder.hpp"

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include <jpeglib.h>

namespace grapnel::detection::data {
namespace {

// OpenCV's limit too (CV_IO_MAX_IMAGE_PIXELS): a header that lies shall not ask for all memory.
constexpr int64_t kMostPixels = 1 << 30;

struct ErrorHandler {
  jpeg_error_mgr base;
  std::jmp_buf back;
};

void leave(j_common_ptr info) {
  std::longjmp(reinterpret_cast<ErrorHandler*>(info->err)->back, 1);  // NOLINT: libjpeg's way out
}
void keep_quiet(j_common_ptr) {}
void count_warning(j_common_ptr info, int level) {
  if (level < 0) ++info->err->num_warnings;
}

// What a decoding needs; plain, since libjpeg's errors jump over destructors.
struct Job {
  const uint8_t* bytes;
  size_t size;
  int halvings;
  cv::Rect window;
  PicturePart* part;
  cv::Size* whole;  // at that scale
  long* warnings;
};

void begin(jpeg_decompress_struct& info, ErrorHandler& errors, const uint8_t* bytes, size_t size) {
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, bytes, static_cast<unsigned long>(size));
  // EXIF data, so that a turned picture is known.
  jpeg_save_markers(&info, JPEG_APP0 + 1, 0xFFFF);
  static_cast<void>(errors);
}

uint32_t number_at(const uint8_t* bytes, int count, bool big_endian) {
  uint32_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | bytes[big_endian ? i : count - 1 - i];
  return value;
}

// True unless the EXIF data (a TIFF directory, tag 0x0112) plainly says upright, or nothing on it.
bool may_be_turned(const jpeg_decompress_struct& info) {
  for (jpeg_saved_marker_ptr marker = info.marker_list; marker != nullptr; marker = marker->next) {
    const uint8_t* data = marker->data;
    const size_t length = marker->data_length;
    if (length < 6 || std::memcmp(data, "Exif", 5) != 0) continue;
    if (length < 14) return true;
    const uint8_t* tiff = data + 6;
    const size_t room = length - 6;
    const bool big = tiff[0] == 'M';
    const size_t directory = number_at(tiff + 4, 4, big);
    if (directory + 2 > room) return true;
    const size_t entries = number_at(tiff + directory, 2, big);
    for (size_t i = 0; i < entries; ++i) {
      const size_t at = directory + 2 + i * 12;
      if (at + 12 > room) return true;
      if (number_at(tiff + at, 2, big) == 0x0112 && number_at(tiff + at + 8, 2, big) != 1) return true;
    }
  }
  return false;
}

bool is_taken(const jpeg_decompress_struct& info) {
  const bool colours = info.num_components == 1 || info.num_components == 3;
  const int64_t pixels = static_cast<int64_t>(info.image_width) * info.image_height;
  return colours && info.data_precision == 8 && pixels > 0 && pixels <= kMostPixels && !may_be_turned(info);
}

// No object with a destructor lives in here: errors leave it by longjmp.
bool read_size(const uint8_t* bytes, size_t size, int* width, int* height) {
  jpeg_decompress_struct info;
  ErrorHandler errors;
  info.err = jpeg_std_error(&errors.base);
  errors.base.error_exit = leave;
  errors.base.output_message = keep_quiet;
  errors.base.emit_message = count_warning;
  if (setjmp(errors.back) != 0) {
    jpeg_destroy_decompress(&info);
    return false;
  }
  begin(info, errors, bytes, size);
  const bool taken = jpeg_read_header(&info, TRUE) == JPEG_HEADER_OK && is_taken(info);
  *width = static_cast<int>(info.image_width);
  *height = static_cast<int>(info.image_height);
  jpeg_destroy_decompress(&info);
  return taken;
}

// The columns that libjpeg decodes: whole blocks, with one more on either side, since the colours of a
// block's outermost pixels are interpolated with the next block's.
void choose_columns(jpeg_decompress_struct& info, cv::Rect window, JDIMENSION* first, JDIMENSION* count) {
  constexpr int kMargin = 16;
  const int width = static_cast<int>(info.output_width);
  const int from = std::max(0, window.x - kMargin);
  const int to = std::min(width, window.x + window.width + kMargin);
  *first = static_cast<JDIMENSION>(from);
  *count = static_cast<JDIMENSION>(to - from);
  if (from > 0 || to < width) jpeg_crop_scanline(&info, first, count);
}

// As read_size. `job.part` is made in here and belongs to the caller, so a jump leaks nothing.
bool decode(const Job& job) {
  jpeg_decompress_struct info;
  ErrorHandler errors;
  info.err = jpeg_std_error(&errors.base);
  errors.base.error_exit = leave;
  errors.base.output_message = keep_quiet;
  errors.base.emit_message = count_warning;
  if (setjmp(errors.back) != 0) {
    jpeg_destroy_decompress(&info);
    return false;
  }
  begin(info, errors, job.bytes, job.size);
  if (jpeg_read_header(&info, TRUE) != JPEG_HEADER_OK || !is_taken(info)) {
    jpeg_destroy_decompress(&info);
    return false;
  }
  info.scale_num = 1;
  info.scale_denom = 1U << job.halvings;
  info.out_color_space = JCS_EXT_BGR;
  jpeg_start_decompress(&info);
  const int height = static_cast<int>(info.output_height);
  *job.whole = {static_cast<int>(info.output_width), height};
  if (job.window.x + job.window.width > static_cast<int>(info.output_width) ||
      job.window.y + job.window.height > height) {
    jpeg_destroy_decompress(&info);
    return false;
  }
  JDIMENSION first = 0;
  JDIMENSION count = 0;
  choose_columns(info, job.window, &first, &count);
  // libjpeg keeps the rows before in step when it skips, so the margin is for its block rows alone.
  constexpr int kRowMargin = 16;
  const int top = job.window.y > 2 * kRowMargin ? job.window.y - kRowMargin : 0;
  if (top > 0) jpeg_skip_scanlines(&info, static_cast<JDIMENSION>(top));
  const int bottom = job.window.y + job.window.height;
  job.part->origin = {static_cast<int>(first), top};
  job.part->image.create(bottom - top, static_cast<int>(info.output_width), CV_8UC3);
  JSAMPROW rows[8];
  while (static_cast<int>(info.output_scanline) < bottom) {
    const int at = static_cast<int>(info.output_scanline) - top;
    const int wanted = std::min(8, bottom - top - at);
    for (int i = 0; i < wanted; ++i) rows[i] = job.part->image.ptr(at + i);
    if (jpeg_read_scanlines(&info, rows, static_cast<JDIMENSION>(wanted)) == 0) break;
  }
  const bool complete = static_cast<int>(info.output_scanline) >= bottom;
  *job.warnings = errors.base.num_warnings;
  jpeg_destroy_decompress(&info);
  return complete;
}

}  // namespace

std::optional<cv::Size> jpeg_size(const uint8_t* bytes, size_t size) {
  if (size < 4 || bytes[0] != 0xFF || bytes[1] != 0xD8) return std::nullopt;
  cv::Size result;
  if (!read_size(bytes, size, &result.width, &result.height)) return std::nullopt;
  return result;
}

std::optional<PicturePart> decode_jpeg(const uint8_t* bytes, size_t size, int halvings, cv::Rect window) {
  if (size < 4 || bytes[0] != 0xFF || bytes[1] != 0xD8) return std::nullopt;
  PicturePart part;
  cv::Size whole;
  long warnings = 0;
  if (!decode({bytes, size, halvings, window, &part, &whole, &warnings})) return std::nullopt;
  // Where the data are damaged, libjpeg finds its way back otherwise when it skips.
  const cv::Rect everything({0, 0}, whole);
  if (warnings > 0 && window != everything &&
      !decode({bytes, size, halvings, everything, &part, &whole, &warnings})) {
    return std::nullopt;
  }
  return part;
}

}  // namespace grapnel::detection::data
