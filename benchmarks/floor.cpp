// The floor for CloudTrail: unpack every file named on standard input and parse it, keep nothing, on one core. The argument says what unpacks:
// zlib, as gunzip does, or libdeflate, which is faster.
#include <libdeflate.h>
#include <simdjson.h>
#include <zlib.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

static bool by_zlib(std::vector<char> &raw, std::vector<char> &text, size_t length) {
    z_stream stream{};
    if (inflateInit2(&stream, 31) != Z_OK) return false;
    stream.next_in = reinterpret_cast<Bytef *>(raw.data());
    stream.avail_in = static_cast<uInt>(raw.size());
    stream.next_out = reinterpret_cast<Bytef *>(text.data());
    stream.avail_out = static_cast<uInt>(length);
    bool whole = inflate(&stream, Z_FINISH) == Z_STREAM_END;
    inflateEnd(&stream);
    return whole;
}

int main(int count, char **words) {
    if (count != 2) return 2;
    bool zlib = !std::strcmp(words[1], "zlib");
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
        bool whole = zlib ? by_zlib(raw, text, length)
                          : libdeflate_gzip_decompress(unpacker, raw.data(), raw.size(), text.data(), length, nullptr) == LIBDEFLATE_SUCCESS;
        if (!whole) return 1;
        simdjson::dom::array found;
        if (parser.parse(text.data(), length, false)["Records"].get(found)) return 1;
        records += found.size();
    }
    std::printf("%llu\n", static_cast<unsigned long long>(records));
}
