#include "runner/pickle_reader.hpp"
#include "runner/pickle_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "../core/temporary_folder.hpp"
#include "core/failure.hpp"

namespace grapnel::runner {
namespace {

using Kind = PickleNode::Kind;
using namespace std::string_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Pickle, WhatIsWrittenIsRead) {
  PickleWriter writer;
  writer.begin_dict();
  writer.string("numbers");
  writer.begin_list();
  const std::vector<int64_t> numbers = {0,
                                        -1,
                                        255,
                                        std::numeric_limits<int32_t>::min(),
                                        int64_t{1} << 31,
                                        std::numeric_limits<int64_t>::min(),
                                        std::numeric_limits<int64_t>::max()};
  for (const int64_t number : numbers) writer.integer(number);
  writer.end_list();
  writer.string("");
  writer.string("a\nb\0c"s);
  writer.string("flag");
  writer.boolean(true);
  writer.string("nothing");
  writer.none();
  writer.string("tensor");
  writer.tensor("FloatStorage", "12", {2, 0, 3});
  writer.string("last");
  writer.begin_dict();
  writer.end_dict();
  writer.end_dict();
  const PickleDocument document = read_pickle(writer.finish(), "x.pth");

  const PickleNode& root = *document.root;
  ASSERT_EQ(root.kind, Kind::kDict);
  ASSERT_EQ(root.members.size(), 6u);
  for (size_t i = 0; i < numbers.size(); ++i)
    EXPECT_EQ(root.find("numbers")->items.at(i)->integer, numbers[i]);
  EXPECT_EQ(root.find("")->text, "a\nb\0c"s);
  EXPECT_EQ(root.find("flag")->integer, 1);
  EXPECT_EQ(root.find("nothing")->kind, Kind::kNone);
  EXPECT_EQ(root.find("last")->kind, Kind::kDict);
  EXPECT_EQ(root.find("absent"), nullptr);
  const PickleNode& tensor = *root.find("tensor");
  ASSERT_EQ(tensor.kind, Kind::kTensor);
  EXPECT_EQ(tensor.items[0]->type, "torch.FloatStorage");
  EXPECT_EQ(tensor.items[0]->text, "12");
  EXPECT_EQ(tensor.items[0]->integer, 0);
  EXPECT_EQ(tensor.items[2]->items[0]->integer, 2);
  EXPECT_EQ(tensor.items[3]->items[0]->integer, 0);
  EXPECT_EQ(tensor.items[3]->items[1]->integer, 3);
}

// pickle.dumps({"a": [1.5, -2, 300, 70000, 1 << 33, 1 << 70], "b": ("x", None), "c": b"\x00\xff"}, protocol)
// of CPython 3.11.
TEST(Pickle, ReadsEveryProtocolThatPythonWritesToday) {
  const std::string pickles[] = {
      // protocol 2, without the bytes object, which needs a call there
      "\x80\x02}q\x00(X\x01\x00\x00\x00"
      "aq\x01]q\x02(G?\xf8\x00\x00\x00\x00\x00\x00J\xfe\xff\xff\xffM,\x01"
      "Jp\x11\x01\x00\x8a\x05\x00\x00\x00\x00\x02\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00@eX\x01\x00\x00\x00"
      "bq\x03"
      "X\x01\x00\x00\x00xq\x04N\x86q\x05u."s,
      // protocol 4
      "\x80\x04\x95\x49\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01"
      "a\x94]\x94(G?\xf8\x00\x00\x00\x00\x00\x00"
      "J\xfe\xff\xff\xffM,"
      "\x01Jp\x11\x01\x00\x8a\x05\x00\x00\x00\x00\x02\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00@e"
      "\x8c\x01"
      "b\x94\x8c\x01x\x94N\x86\x94\x8c\x01"
      "c\x94"
      "C\x02\x00\xff\x94u."s};
  for (const std::string& pickle : pickles) {
    const PickleDocument document = read_pickle(pickle, "x.pth");
    const auto& list = document.root->find("a")->items;
    ASSERT_EQ(list.size(), 6u);
    EXPECT_EQ(list[0]->number, 1.5);
    EXPECT_EQ(list[1]->integer, -2);
    EXPECT_EQ(list[2]->integer, 300);
    EXPECT_EQ(list[3]->integer, 70000);
    EXPECT_EQ(list[4]->integer, int64_t{1} << 33);
    EXPECT_EQ(list[5]->type, "builtins.int");
    EXPECT_EQ(document.root->find("b")->items.at(0)->text, "x");
    EXPECT_EQ(document.root->find("b")->items.at(1)->kind, Kind::kNone);
  }
}

// However a pickle may name a class: by lines, by two texts off the stack, and in whichever place it stands.
TEST(Pickle, RefusesEveryUnknownClassByName) {
  const std::pair<std::string, const char*> cases[] = {
      {"cos\nsystem\n(X\x05\x00\x00\x00"
       "falsetR."s,
       "os.system"},
      {"\x80\x04\x8c\x05posix\x8c\x06system\x93."s, "posix.system"},
      {"}(X\x01\x00\x00\x00xcbuiltins\neval\nX\x01\x00\x00\x00yNu."s, "builtins.eval"},
      {"]c__main__\nExp\n)\x81" "a."s, "__main__.Exp"},
      {"ctorch\nQInt8Storage\n."s, "torch.QInt8Storage"},
      {"c__torch__\nNet\n."s, "__torch__.Net"},
      {"c__builtin__\neval\n."s, "__builtin__.eval"},
      {"c\n\n."s, "the class ."},
      {"cos\nsys\x1b[31m\n."s, "os.sys\\x1b[31m"},
      {"c" + std::string(100000, 'a') + "\nb\n.", "aaaa.b"}};
  for (const auto& [pickle, name] : cases) {
    const std::string message =
        test::message_of<Failure>([&, bytes = pickle] { read_pickle(bytes, "x.pth"); });
    EXPECT_THAT(message, AllOf(HasSubstr("x.pth"), HasSubstr(name))) << pickle.substr(0, 80);
    EXPECT_LT(message.size(), 500u);
  }
}

TEST(Pickle, KeepsPlainClassesBesideWeightsAsOpaqueData) {
  const PickleDocument document = read_pickle(
      "}(X\x01\x00\x00\x00"
      "acnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(X\x02\x00\x00\x00"
      "f8K\x00K\x01tRC\x08\x00\x00\x00\x00\x00\x00\xe0?tR"
      "X\x01\x00\x00\x00"
      "bcdatetime\ndate\nN\x85Ru."s,
      "x.pth");
  EXPECT_EQ(document.root->find("a")->kind, Kind::kObject);
  EXPECT_EQ(document.root->find("a")->type, "numpy.core.multiarray.scalar");
  EXPECT_EQ(document.root->find("b")->type, "datetime.date");
}

// Each of these asks for gigabytes with a megabyte: values, open values, marks, references and names.
TEST(Pickle, RefusesWhatWouldNotFitMemory) {
  const auto repeated = [](const std::string& piece, size_t times) {
    std::string text;
    for (size_t i = 0; i < times; ++i) text += piece;
    return text;
  };
  const std::string many = "](" + repeated("K\x01", 50000) + "eq\x01"s;
  const std::string name = "X" + std::string("\x00\x00\x01\x00", 4) + std::string(65536, 'n') + "q\x01"s;
  const std::pair<std::string, const char*> cases[] = {
      {repeated("}", 1200000), "values"},
      {repeated("N", 1200000), "open values"},
      {repeated("(", 1200000), "open marks"},
      {"N" + repeated("\x94", 1200000), "remembered values"},
      {many + repeated("ccollections\nOrderedDict\nh\x01\x85R0"s, 1000), "a key without a value"},
      {"](" + repeated("K\x01K\x02\x86", 50000) +
           "eq\x01"
           "ccollections\nOrderedDict\nq\x02"s +
           repeated("h\x02h\x01\x85R0"s, 1000),
       "references"},
      {name + repeated("h\x01h\x01\x93"s, 1000), "nnn"}};
  for (const auto& [pickle, reason] : cases) {
    EXPECT_THAT(test::message_of<Failure>([&, bytes = pickle] { read_pickle(bytes, "x.pth"); }),
                HasSubstr(reason));
  }
}

TEST(Pickle, RefusesDamageNamingThePathAndThePlace) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "an early end at byte 0"},
      {"\x80\x02", "an early end"},
      {"\x80\x09N.", "protocol 9"},
      {".", "an empty stack"},
      {"}u.", "a missing mark"},
      {"}(Nu.", "a key without a value"},
      {"N(NNu.", "no dict"},
      {"N(Ne.", "no list"},
      {"h\x07.", "a reference to nothing"},
      {"X\xff\xff\xff\xffz.", "an early end"},
      {"ccollections", "an early end"},
      {"NQ.", "no storage"},
      {"\x8a\xff", "an early end"},
      {"\x8b\xff\xff\xff\xffz", "an early end"},
      {"\x8d\xff\xff\xff\xff\xff\xff\xff\xffz", "an early end"},
      {"N\x8c\x01x\x93.", "a class without a name"},
      {"ctorch._utils\n_rebuild_parameter\nN\x85R.", "a parameter without a tensor"},
      {"ctorch._tensor\n_rebuild_from_type_v2\nctorch._tensor\n_rebuild_from_type_v2\nN)\x87R.",
       "without its parts"},
      {"NNR.", "a call without arguments"},
      {"ctorch._utils\n_rebuild_tensor_v2\n)R.", "a tensor without a storage"},
      {"(N0", "an early end"},
      {"N(0.", "an empty stack"},
      {"\xff.", "opcode 255"}};
  for (const auto& [pickle, reason] : cases) {
    EXPECT_THAT(test::message_of<Failure>([&, bytes = pickle] { read_pickle(bytes, "x.pth"); }),
                AllOf(HasSubstr("x.pth"), HasSubstr(reason)))
        << pickle;
  }
}

TEST(Pickle, DeepNestingAndCyclesAreHarmless) {
  std::string deep;
  for (int i = 0; i < 200000; ++i) deep += "]";
  for (int i = 0; i < 199999; ++i) deep += "a";
  EXPECT_EQ(read_pickle(deep + ".", "x.pth").root->items.size(), 1u);
  EXPECT_EQ(read_pickle("]q\0h\0a."s, "x.pth").root->items.size(), 1u);
}

}  // namespace
}  // namespace grapnel::runner
