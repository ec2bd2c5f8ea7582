// A PythonHook over the in-memory host, from source text that a test writes down.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "../core/temporary_folder.hpp"
#include "../plugins/shipped_hook.hpp"

namespace grapnel::testing {

class PythonHookTest : public ::testing::Test {
 protected:
  // The file's path as an option's text.
  std::string write(const std::string& source, const std::string& name = "hook.py") {
    path_ = folder_.write(name, source);
    return '"' + path_ + '"';
  }
  CallResult load(const std::string& source, Options options = {}) {
    options.emplace("file", write(source));
    return host_.load("PythonHook", options);
  }
  // What the hook left under a key with runner.message_hub.update_info, as the text that it travels as.
  std::string info(const std::string& key) { return host_.texts[key]; }

  test::TemporaryFolder folder_;
  std::string path_;  // of the file that was written last
  ShippedHookHost host_;
};

}  // namespace grapnel::testing
