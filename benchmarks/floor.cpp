// The floor for CloudTrail: unpack every file named on standard input and parse it, keep nothing, on one core.
#include <libdeflate.h>
#include <simdjson.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

int main() {
    libdeflate_decompressor *unpacker = libdeflate_alloc_decompressor();
    simdjson::dom::parser parser;
    std::vector<char> raw, text;
    std::string path;
    std::uint64_t records = 0;
    while (std::getline(std::cin, path)) {
        std::ifstream file(path, std::ios::binary);
        raw.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
        if (raw.size() < 18) return 1;
        std::uint32_t length;
        std::memcpy(&length, raw.data() + raw.size() - 4, 4);
        text.resize(length + simdjson::SIMDJSON_PADDING);
        size_t size = 0;
        if (libdeflate_gzip_decompress(unpacker, raw.data(), raw.size(), text.data(), length, &size) != LIBDEFLATE_SUCCESS) return 1;
        simdjson::dom::array found;
        if (parser.parse(text.data(), size, false)["Records"].get(found)) return 1;
        records += found.size();
    }
    std::printf("%llu\n", static_cast<unsigned long long>(records));
}
