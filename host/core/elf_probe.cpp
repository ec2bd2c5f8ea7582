// The ELF probe. Parsing follows the System V gABI chapters 4 and 5; symbols are counted from the hash tables
// because a stripped file may have no section headers.
#include "core/elf_probe.hpp"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace grapnel {
namespace {

// A finding that ends the probe.
struct Rejected {
  std::string why;
};

Rejected damaged(const std::string& why) { return {why + ": build or copy it again"}; }

#if defined(__x86_64__)
constexpr uint16_t kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr uint16_t kMachine = EM_AARCH64;
#else
#error "Grapnel's host knows x86-64 and aarch64"
#endif

std::string machine_name(uint16_t machine) {
  switch (machine) {
    case EM_386:
      return "x86 (32-bit)";
    case EM_X86_64:
      return "x86-64";
    case EM_ARM:
      return "ARM (32-bit)";
    case EM_AARCH64:
      return "aarch64";
    case EM_PPC64:
      return "PowerPC64";
    case EM_S390:
      return "s390";
    case EM_RISCV:
      return "RISC-V";
    case EM_MIPS:
      return "MIPS";
    case 258:
      return "LoongArch";
    default:
      return "machine number " + std::to_string(machine);
  }
}

Rejected other_machine(const std::string& finding) {
  return {finding + ", this host is " + machine_name(kMachine) + ": rebuild it for this machine"};
}

std::string version_text(uint32_t major, uint32_t minor) {
  return std::to_string(major) + "." + std::to_string(minor);
}

// The fixed-size text of a note field; rejects one without its NUL.
std::string note_text(const char* field, size_t capacity) {
  const void* end = std::memchr(field, '\0', capacity);
  if (end == nullptr) throw damaged("its note " GRAPNEL_NOTE_SECTION " is damaged: a text has no end");
  return std::string(field, static_cast<const char*>(end));
}

class ElfReader {
 public:
  ElfReader(const std::vector<uint8_t>& file, ElfReport& report) : file_(file), report_(report) {}

  void read() {
    read_header();
    read_segments();
    read_dynamic_table();
    read_symbols();
    for (const auto& segment : segments_) {
      if (segment.p_type == PT_NOTE) read_notes(segment);
    }
    report_.is_readable = true;
  }

 private:
  bool inside(uint64_t offset, uint64_t size) const {
    return offset <= file_.size() && size <= file_.size() - offset;
  }

  template <class T>
  T at(uint64_t offset, const char* what) const {
    if (!inside(offset, sizeof(T)))
      throw damaged(std::string("truncated or damaged: its ") + what + " lies outside the file");
    T value;
    std::memcpy(&value, file_.data() + offset, sizeof value);
    return value;
  }

  // The file offset of `size` bytes at a virtual address.
  uint64_t offset_of(uint64_t address, uint64_t size, const char* what) const {
    for (const auto& segment : segments_) {
      if (segment.p_type != PT_LOAD || address < segment.p_vaddr) continue;
      const uint64_t within = address - segment.p_vaddr;
      if (within < segment.p_filesz && size <= segment.p_filesz - within) return segment.p_offset + within;
    }
    throw damaged(std::string("truncated or damaged: its ") + what + " lies outside the file");
  }

  void read_header() {
    if (file_.empty()) throw damaged("the file is empty");
    if (file_.size() < SELFMAG || std::memcmp(file_.data(), ELFMAG, SELFMAG) != 0)
      throw Rejected{"not an ELF file: a plugin is a shared object, linked with -shared"};
    if (file_.size() < sizeof(Elf64_Ehdr)) {
      throw damaged("truncated: " + std::to_string(file_.size()) + " bytes, the ELF header alone has " +
                    std::to_string(sizeof(Elf64_Ehdr)));
    }
    header_ = at<Elf64_Ehdr>(0, "ELF header");
    if (header_.e_ident[EI_CLASS] == ELFCLASS32) throw other_machine("a 32-bit file");
    if (header_.e_ident[EI_CLASS] != ELFCLASS64) throw damaged("damaged: an unknown ELF class");
    if (header_.e_ident[EI_DATA] == ELFDATA2MSB) throw other_machine("a big-endian file");
    if (header_.e_ident[EI_DATA] != ELFDATA2LSB) throw damaged("damaged: an unknown byte order");
    if (header_.e_machine != kMachine) {
      throw other_machine("built for " + machine_name(header_.e_machine));
    }
    if (header_.e_type == ET_EXEC) throw Rejected{"an executable, not a shared object: link it with -shared"};
    if (header_.e_type == ET_REL) throw Rejected{"an object file that was not linked: link it with -shared"};
    if (header_.e_type == ET_CORE)
      throw Rejected{"a core dump, not a shared object: remove it from the plugin folder"};
    if (header_.e_type != ET_DYN)
      throw Rejected{"not a shared object (ELF type " + std::to_string(header_.e_type) +
                     "): link it with -shared"};
  }

  void read_segments() {
    if (header_.e_phentsize != sizeof(Elf64_Phdr) ||
        !inside(header_.e_phoff, uint64_t{header_.e_phnum} * sizeof(Elf64_Phdr))) {
      throw damaged("truncated or damaged: its program headers lie outside the file");
    }
    bool interpreter = false;
    uint64_t loaded_until = 0;
    for (uint64_t i = 0; i < header_.e_phnum; ++i) {
      segments_.push_back(at<Elf64_Phdr>(header_.e_phoff + i * sizeof(Elf64_Phdr), "program header"));
      const auto& segment = segments_.back();
      interpreter = interpreter || segment.p_type == PT_INTERP;
      if (segment.p_type == PT_LOAD) {
        check_load_segment(segment, loaded_until);
        loaded_until = segment.p_vaddr + segment.p_memsz;
      }
      if (segment.p_type == PT_DYNAMIC) dynamic_ = &segment - segments_.data();
      if (segment.p_type == PT_GNU_STACK) report_.has_executable_stack = (segment.p_flags & PF_X) != 0;
    }
    if (interpreter) throw Rejected{"an executable, not a shared object: link it with -shared"};
    if (loaded_until == 0 || dynamic_ < 0)
      throw Rejected{"not a shared object, it has no dynamic segment: link it with -shared"};
  }

  void check_load_segment(const Elf64_Phdr& segment, uint64_t loaded_until) const {
    if (!inside(segment.p_offset, segment.p_filesz)) {
      throw damaged("truncated: the file has " + std::to_string(file_.size()) +
                    " bytes, a segment of it reaches beyond");
    }
    constexpr uint64_t kMostMemory = uint64_t{1} << 40;
    const bool aligned =
        segment.p_align <= 1 || ((segment.p_align & (segment.p_align - 1)) == 0 &&
                                 (segment.p_vaddr - segment.p_offset) % segment.p_align == 0);
    if (segment.p_memsz < segment.p_filesz || segment.p_memsz > kMostMemory ||
        segment.p_vaddr > kMostMemory || segment.p_vaddr < loaded_until || !aligned) {
      throw damaged("damaged: a loadable segment has impossible bounds");
    }
  }

  void read_dynamic_table() {
    const Elf64_Phdr& dynamic = segments_[static_cast<size_t>(dynamic_)];
    if (!inside(dynamic.p_offset, dynamic.p_filesz))
      throw damaged("truncated: its dynamic table lies outside the file");
    std::vector<uint64_t> needed;
    uint64_t strings = 0;
    for (uint64_t at_byte = 0; at_byte + sizeof(Elf64_Dyn) <= dynamic.p_filesz;
         at_byte += sizeof(Elf64_Dyn)) {
      const auto entry = at<Elf64_Dyn>(dynamic.p_offset + at_byte, "dynamic table");
      if (entry.d_tag == DT_NULL) break;
      switch (entry.d_tag) {
        case DT_NEEDED:
          needed.push_back(entry.d_un.d_val);
          break;
        case DT_STRTAB:
          strings = entry.d_un.d_ptr;
          break;
        case DT_STRSZ:
          strings_size_ = entry.d_un.d_val;
          break;
        case DT_SYMTAB:
          symbols_ = entry.d_un.d_ptr;
          break;
        case DT_HASH:
          hash_ = entry.d_un.d_ptr;
          break;
        case DT_GNU_HASH:
          gnu_hash_ = entry.d_un.d_ptr;
          break;
        case DT_TEXTREL:
          report_.has_text_relocations = true;
          break;
        case DT_FLAGS:
          if (entry.d_un.d_val & DF_TEXTREL) report_.has_text_relocations = true;
          break;
        case DT_FLAGS_1:
          if (entry.d_un.d_val & DF_1_PIE)
            throw Rejected{"an executable, not a shared object: link it with -shared"};
          break;
        default:
          break;
      }
    }
    if (strings_size_ == 0) throw damaged("damaged: it has no dynamic string table");
    strings_offset_ = offset_of(strings, strings_size_, "dynamic string table");
    if (file_[strings_offset_ + strings_size_ - 1] != 0)
      throw damaged("damaged: its dynamic string table has no end");
    for (const uint64_t name : needed) report_.needed.push_back(string_at(name));
  }

  std::string string_at(uint64_t index) const {
    if (index >= strings_size_) return {};
    return reinterpret_cast<const char*>(file_.data() + strings_offset_ + index);
  }

  uint64_t symbol_count() const {
    if (hash_ != 0) return at<uint32_t>(offset_of(hash_, 8, "hash table") + 4, "hash table");
    if (gnu_hash_ == 0) return 0;
    const uint64_t table = offset_of(gnu_hash_, 16, "hash table");
    const uint64_t buckets = at<uint32_t>(table, "hash table");
    const uint64_t first = at<uint32_t>(table + 4, "hash table");
    const uint64_t bloom_words = at<uint32_t>(table + 8, "hash table");
    const uint64_t bucket_offset = table + 16 + bloom_words * 8;
    uint64_t last = 0;
    for (uint64_t i = 0; i < buckets; ++i) {
      last = std::max<uint64_t>(last, at<uint32_t>(bucket_offset + i * 4, "hash table"));
    }
    if (last < first) return first;
    const uint64_t chains = bucket_offset + buckets * 4;
    while ((at<uint32_t>(chains + (last - first) * 4, "hash table") & 1u) == 0) ++last;
    return last + 1;
  }

  void read_symbols() {
    const uint64_t count = symbol_count();
    if (count <= 1) return;
    const uint64_t table = offset_of(symbols_, sizeof(Elf64_Sym), "symbol table");
    for (uint64_t i = 1; i < count; ++i) {
      const auto symbol = at<Elf64_Sym>(table + i * sizeof(Elf64_Sym), "symbol table");
      const std::string name = string_at(symbol.st_name);
      if (name.empty()) continue;
      const auto binding = ELF64_ST_BIND(symbol.st_info);
      const auto visibility = ELF64_ST_VISIBILITY(symbol.st_other);
      if (symbol.st_shndx == SHN_UNDEF) {
        report_.undefined.push_back(name);
      } else if (binding != STB_LOCAL && visibility != STV_HIDDEN && visibility != STV_INTERNAL) {
        report_.exported.push_back(name);
        if (name == GRAPNEL_ENTRY_SYMBOL) {
          report_.entry_is_object = ELF64_ST_TYPE(symbol.st_info) == STT_OBJECT;
          report_.entry_is_const = is_const(symbol.st_value);
        }
      }
    }
  }

  // In a segment without write permission, or in the part that the linker write-protects after relocation.
  bool is_const(uint64_t address) const {
    bool writable = false, protected_later = false;
    for (const auto& segment : segments_) {
      if (address < segment.p_vaddr || address - segment.p_vaddr >= segment.p_memsz) continue;
      if (segment.p_type == PT_LOAD) writable = (segment.p_flags & PF_W) != 0;
      if (segment.p_type == PT_GNU_RELRO) protected_later = true;
    }
    return !writable || protected_later;
  }

  void read_notes(const Elf64_Phdr& segment) {
    if (!inside(segment.p_offset, segment.p_filesz)) return;
    const uint64_t align = segment.p_align == 8 ? 8 : 4;
    const auto padded = [align](uint64_t size) { return (size + align - 1) / align * align; };
    uint64_t offset = 0;
    while (offset + sizeof(Elf64_Nhdr) <= segment.p_filesz) {
      const auto note = at<Elf64_Nhdr>(segment.p_offset + offset, "note");
      const uint64_t name = offset + sizeof(Elf64_Nhdr);
      const uint64_t description = name + padded(note.n_namesz);
      const uint64_t next = description + padded(note.n_descsz);
      if (description + note.n_descsz > segment.p_filesz) return;
      constexpr char kOwner[] = GRAPNEL_NOTE_OWNER;
      if (note.n_namesz == sizeof kOwner && note.n_type == GRAPNEL_NOTE_TYPE &&
          std::memcmp(file_.data() + segment.p_offset + name, kOwner, sizeof kOwner) == 0) {
        take_note(segment.p_offset + description, note.n_descsz);
        return;
      }
      offset = next;
    }
  }

  void take_note(uint64_t offset, uint64_t size) {
    constexpr uint64_t kTypeAt = 8, kTypeSize = sizeof(grapnel_note::type), kTorchAt = kTypeAt + kTypeSize;
    if (size < GRAPNEL_NOTE_DESCRIPTION_SIZE) {
      throw damaged("its note " GRAPNEL_NOTE_SECTION " is damaged: " + std::to_string(size) +
                    " bytes, expected " + std::to_string(GRAPNEL_NOTE_DESCRIPTION_SIZE));
    }
    report_.abi_major = at<uint32_t>(offset, "note");
    report_.abi_minor = at<uint32_t>(offset + 4, "note");
    const char* base = reinterpret_cast<const char*>(file_.data() + offset);
    report_.type = note_text(base + kTypeAt, kTypeSize);
    report_.torch_version = note_text(base + kTorchAt, sizeof(grapnel_note::torch_version));
    report_.has_note = true;
  }

  const std::vector<uint8_t>& file_;
  ElfReport& report_;
  Elf64_Ehdr header_{};
  std::vector<Elf64_Phdr> segments_;
  std::ptrdiff_t dynamic_ = -1;
  uint64_t strings_offset_ = 0, strings_size_ = 0, symbols_ = 0, hash_ = 0, gnu_hash_ = 0;
};

bool is_torch_library(const std::string& soname) {
  return soname.rfind("libtorch", 0) == 0 || soname.rfind("libc10", 0) == 0;
}

// Debian's sonames carry the version ("libtorch_cpu.so.1.13"), upstream's do not.
std::string soname_version(const std::string& soname) {
  const size_t at = soname.find(".so.");
  return at == std::string::npos ? std::string() : soname.substr(at + 4);
}

bool is_version_prefix(const std::string& prefix, const std::string& version) {
  return version.compare(0, prefix.size(), prefix) == 0 &&
         (version.size() == prefix.size() || version[prefix.size()] == '.');
}

void check_torch(const ElfReport& report, const std::string& host_version) {
  if (host_version.empty()) return;
  if (!report.torch_version.empty() && report.torch_version != host_version) {
    throw Rejected{"built against LibTorch " + report.torch_version + ", this host runs LibTorch " +
                   host_version + ": rebuild it against that one"};
  }
  for (const auto& library : report.needed) {
    const std::string version = is_torch_library(library) ? soname_version(library) : "";
    if (!version.empty() && !is_version_prefix(version, host_version)) {
      throw Rejected{"needs " + library + ", this host runs LibTorch " + host_version +
                     ": rebuild it against that one"};
    }
  }
}

// The version N of an exported grapnel_plugin_vN that is not ours, or "".
std::string other_entry_symbol(const ElfReport& report) {
  for (const auto& name : report.exported) {
    if (name.rfind("grapnel_plugin_v", 0) == 0) return name;
  }
  return {};
}

void check_plugin(const ElfReport& report, const ElfExpectation& expectation) {
  const bool has_entry = std::find(report.exported.begin(), report.exported.end(), GRAPNEL_ENTRY_SYMBOL) !=
                         report.exported.end();
  if (!report.has_note) {
    const std::string other = other_entry_symbol(report);
    if (has_entry) {
      throw Rejected{"it has no note " GRAPNEL_NOTE_SECTION
                     ": export the hook with GRAPNEL_HOOK, or add GRAPNEL_PLUGIN_NOTE"};
    }
    if (!other.empty()) {
      throw Rejected{"it exports " + other +
                     ", this host looks for " GRAPNEL_ENTRY_SYMBOL ": rebuild it with this host's SDK"};
    }
    throw Rejected{"no Grapnel plugin, it has no note " GRAPNEL_NOTE_SECTION
                   " and does not export " GRAPNEL_ENTRY_SYMBOL ": export its hook with GRAPNEL_HOOK"};
  }
  if (report.abi_major != expectation.abi_major) {
    throw Rejected{"built for hook ABI " + version_text(report.abi_major, report.abi_minor) +
                   ", this host has ABI " + version_text(expectation.abi_major, expectation.abi_minor) +
                   ": rebuild it with this host's SDK"};
  }
  if (report.abi_minor > expectation.abi_minor) {
    throw Rejected{"needs hook ABI " + version_text(report.abi_major, report.abi_minor) +
                   " or newer, this host has ABI " +
                   version_text(expectation.abi_major, expectation.abi_minor) +
                   ": update the host, or rebuild it with this host's SDK"};
  }
  if (report.type.empty()) {
    throw Rejected{"its note " GRAPNEL_NOTE_SECTION " names no hook type: give GRAPNEL_PLUGIN_NOTE its name"};
  }
  check_torch(report, expectation.torch_version);
  if (!has_entry) {
    throw Rejected{"it does not export " GRAPNEL_ENTRY_SYMBOL
                   ": mark it GRAPNEL_EXPORT, and let no version script hide it"};
  }
}

bool read_all(int fd, std::vector<uint8_t>& bytes, size_t size) {
  bytes.resize(size);
  size_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(fd, bytes.data() + done, size - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  bytes.resize(done);
  return true;
}

// A file that starts like no ELF file is not read any further: it may be huge.
void read_file(const std::string& path, std::vector<uint8_t>& bytes) {
  // O_NONBLOCK: a FIFO named *.so must not hang the scan.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) throw Rejected{std::string("cannot be opened: ") + std::strerror(errno)};
  struct Closer {
    int fd;
    ~Closer() { ::close(fd); }
  } closer{fd};
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw Rejected{std::string("cannot be read: ") + std::strerror(errno)};
  if (!S_ISREG(status.st_mode)) throw Rejected{"not a regular file"};
  const auto size = static_cast<size_t>(status.st_size);
  if (!read_all(fd, bytes, std::min<size_t>(size, SELFMAG)))
    throw Rejected{std::string("cannot be read: ") + std::strerror(errno)};
  if (bytes.size() == SELFMAG && std::memcmp(bytes.data(), ELFMAG, SELFMAG) == 0 &&
      !read_all(fd, bytes, size)) {
    throw Rejected{std::string("cannot be read: ") + std::strerror(errno)};
  }
}

}  // namespace

bool ElfReport::links_torch() const { return std::any_of(needed.begin(), needed.end(), is_torch_library); }

ElfReport probe_elf_bytes(const std::vector<uint8_t>& file, const ElfExpectation& expectation) {
  ElfReport report;
  try {
    ElfReader(file, report).read();
    check_plugin(report, expectation);
  } catch (const Rejected& rejected) {
    report.rejection = rejected.why;
  }
  return report;
}

ElfReport probe_elf(const std::string& path, const ElfExpectation& expectation) {
  std::vector<uint8_t> bytes;
  try {
    read_file(path, bytes);
  } catch (const Rejected& rejected) {
    ElfReport report;
    report.rejection = rejected.why;
    return report;
  }
  return probe_elf_bytes(bytes, expectation);
}

}  // namespace grapnel
