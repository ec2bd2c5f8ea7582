// Which pictures `predict` is to look at, from files and folders on the command line, and what their drawn
// copies are called.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace grapnel::detection {

struct PictureList {
  std::vector<std::string> files;
  size_t skipped = 0;  // files of the folders that are no pictures by their ending
};

// Files as they are given; a folder gives the pictures right inside of it, in natural order (frame_2 before
// frame_10). Failure(kConfig) for a folder without any, or one that cannot be read.
PictureList list_pictures(const std::vector<std::string>& files_and_folders);

// Numbers within names count as numbers.
bool comes_before_naturally(const std::string& one, const std::string& other);

// A file name for each picture's copy: its own with the ending .jpg; where that is taken already, _2, _3, ...
// is put before the ending. Upper and lower case are not told apart.
std::vector<std::string> names_of_copies(const std::vector<std::string>& files);

}  // namespace grapnel::detection
