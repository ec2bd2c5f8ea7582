// Every reason to refuse a file before it is loaded, and that no file can crash the probe.
#include "core/elf_probe.hpp"

#include <elf.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <random>

#include "faulty_plugin_files.hpp"

namespace grapnel {
namespace {

using test::faulty_plugin;
using test::read_bytes;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::HasSubstr;

std::vector<uint8_t> working() { return read_bytes(faulty_plugin("working")); }

template <class Field>
std::vector<uint8_t> with_header(size_t offset, Field value) {
  auto bytes = working();
  std::memcpy(bytes.data() + offset, &value, sizeof value);
  return bytes;
}

std::string rejection(const std::vector<uint8_t>& bytes) { return probe_elf_bytes(bytes).rejection; }

TEST(ElfProbe, ReadsNoteExportsAndNeedsOfAWorkingPlugin) {
  const ElfReport report = probe_elf(faulty_plugin("working"));
  EXPECT_EQ(report.rejection, "");
  EXPECT_TRUE(report.has_note);
  EXPECT_EQ(report.type, "Working");
  EXPECT_EQ(report.abi_major, 1u);
  EXPECT_EQ(report.abi_minor, 0u);
  EXPECT_EQ(report.torch_version, "");
  EXPECT_EQ(report.exported, std::vector<std::string>{GRAPNEL_ENTRY_SYMBOL});
  EXPECT_FALSE(report.links_torch());
  EXPECT_THAT(probe_elf(faulty_plugin("throws_in_create")).needed, Contains(HasSubstr("libstdc++")));
  EXPECT_THAT(probe_elf(faulty_plugin("unresolved_symbol")).undefined, Contains("a_function_nobody_has"));
}

TEST(ElfProbe, RefusesWhatIsNoElfFile) {
  EXPECT_EQ(rejection({}), "the file is empty: build or copy it again");
  EXPECT_EQ(rejection({'M', 'Z', 0, 0}), "not an ELF file: a plugin is a shared object, linked with -shared");
  EXPECT_THAT(rejection({'#'}), HasSubstr("not an ELF file"));
  EXPECT_THAT(probe_elf("/nowhere/x.so").rejection, HasSubstr("No such file"));
  EXPECT_THAT(probe_elf("/tmp").rejection, HasSubstr("not a regular file"));
}

TEST(ElfProbe, RefusesATruncatedFileWhereverItIsCut) {
  const auto whole = working();
  for (const size_t size :
       {size_t{5}, size_t{63}, size_t{64}, size_t{200}, whole.size() / 4, whole.size() / 2}) {
    std::vector<uint8_t> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_THAT(rejection(cut), AllOf(HasSubstr("truncated"), EndsWith(": build or copy it again"))) << size;
  }
}

TEST(ElfProbe, RefusesOtherMachinesByName) {
  EXPECT_THAT(rejection(with_header<uint8_t>(EI_CLASS, ELFCLASS32)), HasSubstr("32-bit"));
  EXPECT_THAT(rejection(with_header<uint8_t>(EI_CLASS, 9)), HasSubstr("unknown ELF class"));
  EXPECT_THAT(rejection(with_header<uint8_t>(EI_DATA, ELFDATA2MSB)), HasSubstr("big-endian"));
  EXPECT_THAT(rejection(with_header<uint16_t>(offsetof(Elf64_Ehdr, e_machine), EM_RISCV)),
              AllOf(HasSubstr("built for RISC-V, this host is "), EndsWith(": rebuild it for this machine")));
  EXPECT_THAT(rejection(with_header<uint16_t>(offsetof(Elf64_Ehdr, e_machine), EM_S390)), HasSubstr("s390"));
  EXPECT_THAT(rejection(with_header<uint16_t>(offsetof(Elf64_Ehdr, e_machine), 4711)), HasSubstr("4711"));
}

TEST(ElfProbe, RefusesFilesThatAreNoSharedObject) {
  EXPECT_THAT(rejection(with_header<uint16_t>(offsetof(Elf64_Ehdr, e_type), ET_EXEC)),
              HasSubstr("an executable"));
  EXPECT_THAT(rejection(with_header<uint16_t>(offsetof(Elf64_Ehdr, e_type), ET_REL)),
              HasSubstr("not linked: link it with -shared"));
  EXPECT_THAT(rejection(with_header<uint16_t>(offsetof(Elf64_Ehdr, e_type), ET_CORE)),
              HasSubstr("core dump"));
  EXPECT_THAT(probe_elf("/proc/self/exe").rejection, HasSubstr("an executable"));
}

TEST(ElfProbe, RefusesWhatIsNoPluginOrAHalfOne) {
  EXPECT_THAT(probe_elf(faulty_plugin("no_plugin")).rejection, HasSubstr("no Grapnel plugin"));
  EXPECT_THAT(probe_elf(faulty_plugin("no_note")).rejection,
              AllOf(HasSubstr("has no note .note.grapnel"), HasSubstr("add GRAPNEL_PLUGIN_NOTE")));
  const ElfReport no_symbol = probe_elf(faulty_plugin("no_symbol"));
  EXPECT_THAT(no_symbol.rejection, HasSubstr("does not export grapnel_plugin_v1: mark it GRAPNEL_EXPORT"));
  EXPECT_EQ(no_symbol.type, "NoSymbol");
}

TEST(ElfProbe, RefusesOtherAbiVersionsNamingBoth) {
  const ElfReport major = probe_elf(faulty_plugin("other_abi_major"));
  EXPECT_THAT(major.rejection, HasSubstr("hook ABI 2.0"));
  EXPECT_THAT(major.rejection, HasSubstr("this host has ABI 1.0: rebuild it with this host's SDK"));
  const ElfReport minor = probe_elf(faulty_plugin("newer_minor"));
  EXPECT_THAT(minor.rejection, HasSubstr("hook ABI 1.9 or newer"));
  EXPECT_THAT(minor.rejection, HasSubstr("this host has ABI 1.0: update the host, or rebuild it"));
  ElfExpectation newer;
  newer.abi_minor = 12;
  EXPECT_EQ(probe_elf(faulty_plugin("newer_minor"), newer).rejection, "");
}

TEST(ElfProbe, RefusesAnotherLibTorchNamingBoth) {
  ElfExpectation host;
  EXPECT_EQ(probe_elf(faulty_plugin("other_torch"), host).rejection, "");
  host.torch_version = "1.13.0";
  const std::string by_note = probe_elf(faulty_plugin("other_torch"), host).rejection;
  EXPECT_THAT(by_note, HasSubstr("LibTorch 9.8.7"));
  EXPECT_THAT(by_note, HasSubstr("LibTorch 1.13.0: rebuild it against that one"));

  EXPECT_TRUE(probe_elf(faulty_plugin("needs_torch_soname")).links_torch());
  EXPECT_EQ(probe_elf(faulty_plugin("needs_torch_soname"), host).rejection, "");
  host.torch_version = "1.1.0";
  const std::string by_soname = probe_elf(faulty_plugin("needs_torch_soname"), host).rejection;
  EXPECT_THAT(by_soname, HasSubstr("libtorch_cpu.so.1.13"));
  EXPECT_THAT(by_soname, HasSubstr("LibTorch 1.1.0: rebuild it against that one"));
}

TEST(ElfProbe, RefusesADamagedNote) {
  auto bytes = working();
  const std::string owner = std::string("Grapnel") + '\0';
  const auto at = std::search(bytes.begin(), bytes.end(), owner.begin(), owner.end());
  ASSERT_NE(at, bytes.end());
  auto unterminated = bytes;
  std::fill_n(unterminated.begin() + (at - bytes.begin()) + 16, 64, 'x');
  EXPECT_THAT(rejection(unterminated), HasSubstr("damaged: a text has no end"));
  auto nameless = bytes;
  nameless[static_cast<size_t>(at - bytes.begin()) + 16] = 0;
  EXPECT_THAT(rejection(nameless), HasSubstr("names no hook type"));
}

// Run under AddressSanitizer this also finds reads beyond the file.
TEST(ElfProbe, SurvivesThousandsOfDamagedFiles) {
  const auto whole = working();
  std::mt19937 random(20240917);
  const auto below = [&random](size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random); };
  int refused = 0;
  for (int round = 0; round < 6000; ++round) {
    auto bytes = whole;
    const size_t changes = 1 + below(8);
    for (size_t i = 0; i < changes; ++i) {
      // Headers and dynamic tables are where the probe looks: half of the damage goes there.
      const size_t at = below(2) == 0 ? below(600) : below(bytes.size());
      switch (below(4)) {
        case 0:
          bytes[at] = static_cast<uint8_t>(random());
          break;
        case 1:
          bytes[at] = 0xff;
          break;
        case 2:
          std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), std::min<size_t>(8, bytes.size() - at),
                      0xff);
          break;
        default:
          bytes[at] ^= static_cast<uint8_t>(1u << below(8));
          break;
      }
    }
    if (below(4) == 0) bytes.resize(below(bytes.size()));
    refused += probe_elf_bytes(bytes).rejection.empty() ? 0 : 1;
  }
  EXPECT_GT(refused, 1000);
  EXPECT_EQ(rejection(whole), "");
}

// The program header of that type; its place in the file.
size_t program_header(const std::vector<uint8_t>& bytes, uint32_t type) {
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof header);
  for (size_t i = 0; i < header.e_phnum; ++i) {
    const size_t at = header.e_phoff + i * sizeof(Elf64_Phdr);
    Elf64_Phdr segment;
    std::memcpy(&segment, bytes.data() + at, sizeof segment);
    if (segment.p_type == type) return at;
  }
  ADD_FAILURE() << "no program header of type " << type;
  return 0;
}

TEST(ElfProbe, TellsHowTheEntryIsExportedAndWhatTheStackMayDo) {
  const ElfReport plain = probe_elf_bytes(working());
  EXPECT_TRUE(plain.is_readable);
  EXPECT_TRUE(plain.entry_is_object);
  EXPECT_TRUE(plain.entry_is_const);
  EXPECT_FALSE(plain.has_executable_stack);
  EXPECT_FALSE(plain.has_text_relocations);

  auto bytes = working();
  const uint32_t all = PF_R | PF_W | PF_X;
  std::memcpy(bytes.data() + program_header(bytes, PT_GNU_STACK) + offsetof(Elf64_Phdr, p_flags), &all,
              sizeof all);
  EXPECT_TRUE(probe_elf_bytes(bytes).has_executable_stack);

  // Without its own header the write protection after relocation is gone, and the stack may be anything.
  bytes = working();
  const uint32_t none = PT_NULL;
  for (const uint32_t type : {uint32_t{PT_GNU_STACK}, uint32_t{PT_GNU_RELRO}})
    std::memcpy(bytes.data() + program_header(bytes, type), &none, sizeof none);
  const ElfReport without = probe_elf_bytes(bytes);
  EXPECT_TRUE(without.has_executable_stack);
  EXPECT_FALSE(without.entry_is_const);

  EXPECT_TRUE(probe_elf(faulty_plugin("no_symbol")).is_readable) << "refused, but read to its end";
  EXPECT_FALSE(probe_elf_bytes({1, 2, 3}).is_readable);
}

}  // namespace
}  // namespace grapnel
