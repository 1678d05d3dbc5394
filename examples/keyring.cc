// The key of an encrypted file, from the desktop's keyring: fetched when the file is opened, made at the first time. Here with
// secret-tool (Debian's libsecret-tools), which talks to GNOME's keyring and KDE's wallet alike; a program that links libsecret, or
// runs on macOS, Windows or a phone, asks its own system in the same place.
//
//     ./keyring ws://127.0.0.1:7171           (a hub whose schema has the table `tasks(id, title)`)
#include <tombolo/tombolo.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string>

namespace {

constexpr const char* lookup = "secret-tool lookup application tombolo-example file private.db";
constexpr const char* store = "secret-tool store --label='Key of private.db' application tombolo-example file private.db";

std::string look_up() {
    std::FILE* pipe = ::popen(lookup, "r");
    if (pipe == nullptr) throw std::runtime_error("secret-tool cannot be run");
    std::array<char, 64> digits{};
    const size_t size = std::fread(digits.data(), 1, digits.size(), pipe);
    ::pclose(pipe);
    return {digits.data(), size};
}

std::string make() {
    std::array<char, 32> bytes{};
    std::ifstream("/dev/urandom", std::ios::binary).read(bytes.data(), bytes.size());
    std::string digits;
    for (const char byte : bytes) {
        std::array<char, 3> two{};
        std::snprintf(two.data(), two.size(), "%02x", static_cast<unsigned>(static_cast<unsigned char>(byte)));
        digits += two.data();
    }
    std::FILE* pipe = ::popen(store, "w");
    if (pipe == nullptr) throw std::runtime_error("secret-tool cannot be run");
    std::fwrite(digits.data(), 1, digits.size(), pipe);
    if (::pclose(pipe) != 0) throw std::runtime_error("the keyring did not take the key");
    return digits;
}

tombolo::Key key_from_keyring() {
    std::string digits = look_up();
    if (digits.empty()) digits = make();
    std::string bytes;
    for (size_t i = 0; i + 1 < digits.size(); i += 2)
        bytes.push_back(static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16)));
    return tombolo::Key::raw(bytes);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        tombolo::DatabaseOptions options;
        options.key = key_from_keyring;
        auto db = tombolo::Database::open("private.db", options);
        auto session = db.connect({.hub = argc > 1 ? argv[1] : "ws://127.0.0.1:7171", .token = {}, .ca_file = {}});
        session.sync_once();
        const auto receipt =
            db.write([](tombolo::Transaction& tx) { tx.exec("INSERT INTO tasks(id, title) VALUES (tombolo_uuid(), 'for my eyes')"); });
        receipt.wait();
        session.stop();
        db.close();
        std::printf("private.db is in sync, and nobody reads it without the key\n");
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}
